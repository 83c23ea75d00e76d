"""Access grants and what they reach: this guest, these spaces or devices, this window."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class GrantRow:
    id: UUID
    public_id: str
    grant_key: str | None
    name: str = field(repr=False)
    guest_id: UUID | None
    booking_id: UUID | None
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class MethodRow:
    """An access method: one set of digits for all locks of a grant."""

    id: UUID
    public_id: str
    grant_id: UUID
    kind: str
    digits: bytes | None = field(repr=False)
    fingerprint: UUID | None = None
    warning: str | None = None
    created_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GrantDetail:
    """A grant with its living code method, and the public ids of all that it names."""

    row: GrantRow
    method: MethodRow | None
    guest_public_id: str | None
    booking_public_id: str | None
    space_public_ids: tuple[str, ...]
    device_public_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """None: all."""

    guest_id: UUID | None = None
    booking_id: UUID | None = None
    property_ids: list[UUID] | None = None
    """Only those that reach nothing outside of these properties."""
    living_at: datetime | None = None
    """Only those that are neither cancelled nor over then."""


_COLUMNS = (
    "id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at, created_at, changed_at, "
    "cancelled_at"
)
_METHOD = "id, public_id, grant_id, kind, digits, fingerprint, warning, created_at, withdrawn_at"


def _row(record: Any) -> GrantRow:
    return GrantRow(**dict(record))


async def insert(db: Connection, workspace_id: UUID, row: GrantRow) -> bool:
    """False where this grant key is in use."""
    result = await db.execute(
        """insert into grants (workspace_id, id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at,
             created_at, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           on conflict (workspace_id, grant_key) do nothing""",
        workspace_id,
        row.id,
        row.public_id,
        row.grant_key,
        row.name,
        row.guest_id,
        row.booking_id,
        row.starts_at,
        row.ends_at,
        row.created_at,
        row.changed_at,
    )
    return bool(result == "INSERT 0 1")


async def change(db: Connection, workspace_id: UUID, row: GrantRow) -> None:
    await db.execute(
        """update grants set name = $3, guest_id = $4, starts_at = $5, ends_at = $6, changed_at = $7,
             cancelled_at = $8 where workspace_id = $1 and id = $2""",
        workspace_id,
        row.id,
        row.name,
        row.guest_id,
        row.starts_at,
        row.ends_at,
        row.changed_at,
        row.cancelled_at,
    )


async def get(db: Connection, workspace_id: UUID, grant_id: UUID) -> GrantRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from grants where workspace_id = $1 and id = $2",  # noqa: S608
        workspace_id,
        grant_id,
    )
    return _row(row) if row else None


async def by_public_id(
    db: Connection, workspace_id: UUID, public_id: str, *, locked: bool = False
) -> GrantRow | None:
    """`locked`: nobody else changes it before this transaction ends."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from grants where workspace_id = $1 and public_id = $2"  # noqa: S608
        + (" for update" if locked else ""),
        workspace_id,
        public_id,
    )
    return _row(row) if row else None


async def of_booking(db: Connection, workspace_id: UUID, booking_id: UUID) -> GrantRow | None:
    """The living grant of a booking."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from grants where workspace_id = $1 and booking_id = $2 and cancelled_at is null",  # noqa: S608
        workspace_id,
        booking_id,
    )
    return _row(row) if row else None


async def listed(
    db: Connection, workspace_id: UUID, after: tuple[datetime, UUID] | None, most: int
) -> list[GrantRow]:
    """In the order of creation."""
    at, id = after or (None, None)
    rows = await db.fetch(
        f"""select {_COLUMNS} from grants
            where workspace_id = $1 and ($2::timestamptz is null or (created_at, id) > ($2, $3::uuid))
            order by created_at, id limit $4""",  # noqa: S608
        workspace_id,
        at,
        id,
        most,
    )
    return [_row(r) for r in rows]


def reaches_only(properties: str) -> str:
    """For statements in storage that name grants `g`: whether `g` reaches something, and nothing outside of the
    properties in the parameter `properties`. A device belongs to each property in which it stands."""
    return f"""(exists (select from grant_targets t where t.workspace_id = $1 and t.grant_id = g.id)
      and not exists (select from grant_targets t where t.workspace_id = $1 and t.grant_id = g.id and not exists (
        select from spaces s where s.workspace_id = $1 and s.property_id = any({properties}) and (s.id = t.space_id
          or s.id in (select sd.space_id from space_devices sd
            where sd.workspace_id = $1 and sd.device_id = t.device_id)))))"""  # noqa: S608


_DETAIL = f"""select {", ".join(f"g.{c.strip()}" for c in _COLUMNS.split(","))},
    gu.public_id as guest_public_id, b.public_id as booking_public_id,
    array(select s.public_id from grant_targets t
        join spaces s on s.workspace_id = t.workspace_id and s.id = t.space_id
      where t.workspace_id = g.workspace_id and t.grant_id = g.id order by s.id) as space_public_ids,
    array(select d.public_id from grant_targets t
        join devices d on d.workspace_id = t.workspace_id and d.id = t.device_id
      where t.workspace_id = g.workspace_id and t.grant_id = g.id order by d.id) as device_public_ids,
    {", ".join(f"m.{c.strip()} as method_{c.strip()}" for c in _METHOD.split(","))}
  from grants g
    left join guests gu on gu.workspace_id = g.workspace_id and gu.id = g.guest_id
    left join bookings b on b.workspace_id = g.workspace_id and b.id = g.booking_id
    left join lateral (select {_METHOD} from access_methods a where a.workspace_id = g.workspace_id
        and a.grant_id = g.id and a.kind = 'code' and a.withdrawn_at is null order by a.id limit 1) m on true
  where g.workspace_id = $1"""  # noqa: S608


async def in_detail(db: Connection, workspace_id: UUID, grant_ids: list[UUID]) -> list[GrantDetail]:
    """Those that there are of these, in the order of their ids."""
    rows = await db.fetch(f"{_DETAIL} and g.id = any($2) order by g.id", workspace_id, grant_ids)
    return [_detail(r) for r in rows]


async def listed_in_detail(
    db: Connection, workspace_id: UUID, wanted: GrantFilter, after: str | None, most: int
) -> list[GrantDetail]:
    """In the order of creation, behind the grant with the public id `after`."""
    confined = f" and {reaches_only('$7::uuid[]')}" if wanted.property_ids is not None else ""
    rows = await db.fetch(
        f"""{_DETAIL} and ($2::text is null
              or g.id > (select id from grants where workspace_id = $1 and public_id = $2))
              and ($4::uuid is null or g.guest_id = $4) and ($5::uuid is null or g.booking_id = $5)
              and ($6::timestamptz is null
                or (g.cancelled_at is null and (g.ends_at is null or g.ends_at > $6)))
              {confined} order by g.id limit $3""",  # noqa: S608
        workspace_id,
        after,
        most,
        wanted.guest_id,
        wanted.booking_id,
        wanted.living_at,
        *([wanted.property_ids] if wanted.property_ids is not None else []),
    )
    return [_detail(r) for r in rows]


async def is_within(db: Connection, workspace_id: UUID, grant_id: UUID, property_ids: list[UUID]) -> bool:
    """Whether a grant reaches something, and nothing outside of these properties."""
    found: bool = await db.fetchval(
        f"select exists (select from grants g where g.workspace_id = $1 and g.id = $2 and {reaches_only('$3')})",  # noqa: S608
        workspace_id,
        grant_id,
        property_ids,
    )
    return found


def _detail(record: Any) -> GrantDetail:
    r = dict(record)
    names = [c.strip() for c in _METHOD.split(",")]
    method = MethodRow(**{n: r[f"method_{n}"] for n in names}) if r["method_id"] is not None else None
    return GrantDetail(
        GrantRow(**{c.strip(): r[c.strip()] for c in _COLUMNS.split(",")}),
        method,
        r["guest_public_id"],
        r["booking_public_id"],
        tuple(r["space_public_ids"]),
        tuple(r["device_public_ids"]),
    )


async def set_targets(
    db: Connection,
    workspace_id: UUID,
    grant_id: UUID,
    targets: list[tuple[UUID, UUID | None, UUID | None]],
) -> None:
    """Replace what a grant reaches; each target is (row id, space id, device id) with one of the two."""
    await db.execute(
        "delete from grant_targets where workspace_id = $1 and grant_id = $2", workspace_id, grant_id
    )
    await db.executemany(
        "insert into grant_targets (workspace_id, grant_id, id, space_id, device_id) values ($1, $2, $3, $4, $5)",
        [(workspace_id, grant_id, *t) for t in targets],
    )


async def targets_of(db: Connection, workspace_id: UUID, grant_id: UUID) -> tuple[list[UUID], list[UUID]]:
    """Space ids and device ids."""
    rows = await db.fetch(
        "select space_id, device_id from grant_targets where workspace_id = $1 and grant_id = $2",
        workspace_id,
        grant_id,
    )
    return [r["space_id"] for r in rows if r["space_id"]], [r["device_id"] for r in rows if r["device_id"]]


async def living_of_spaces(
    db: Connection, workspace_id: UUID, space_ids: list[UUID], now: datetime
) -> list[GrantRow]:
    """Grants that reach one of these spaces and are neither cancelled nor over."""
    columns = ", ".join(f"g.{c.strip()}" for c in _COLUMNS.split(","))
    rows = await db.fetch(
        f"""select distinct {columns} from grants g join grant_targets t
              on t.workspace_id = g.workspace_id and t.grant_id = g.id
            where g.workspace_id = $1 and t.space_id = any($2) and g.cancelled_at is null
              and (g.ends_at is null or g.ends_at > $3) order by g.id""",  # noqa: S608
        workspace_id,
        space_ids,
        now,
    )
    return [_row(r) for r in rows]


async def living_of_guest(
    db: Connection, workspace_id: UUID, guest_id: UUID, now: datetime
) -> list[GrantRow]:
    """A guest's grants that are neither cancelled nor over."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from grants where workspace_id = $1 and guest_id = $2 and cancelled_at is null
              and (ends_at is null or ends_at > $3) order by id""",  # noqa: S608
        workspace_id,
        guest_id,
        now,
    )
    return [_row(r) for r in rows]


async def insert_method(db: Connection, workspace_id: UUID, row: MethodRow) -> None:
    await db.execute(
        """insert into access_methods (workspace_id, id, public_id, grant_id, kind, digits, fingerprint, warning,
             created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        workspace_id,
        row.id,
        row.public_id,
        row.grant_id,
        row.kind,
        row.digits,
        row.fingerprint,
        row.warning,
        row.created_at,
    )


async def method_of(db: Connection, workspace_id: UUID, grant_id: UUID) -> MethodRow | None:
    """The living code method of a grant."""
    row = await db.fetchrow(
        f"""select {_METHOD} from access_methods where workspace_id = $1 and grant_id = $2 and kind = 'code'
              and withdrawn_at is null order by id limit 1""",  # noqa: S608
        workspace_id,
        grant_id,
    )
    return MethodRow(**dict(row)) if row else None


async def set_method_digits(
    db: Connection,
    workspace_id: UUID,
    method_id: UUID,
    digits: bytes | None,
    fingerprint: UUID | None,
    warning: str | None,
) -> None:
    await db.execute(
        "update access_methods set digits = $3, fingerprint = $4, warning = $5 where workspace_id = $1 and id = $2",
        workspace_id,
        method_id,
        digits,
        fingerprint,
        warning,
    )


async def withdraw_method(db: Connection, workspace_id: UUID, method_id: UUID, at: datetime) -> None:
    await db.execute(
        """update access_methods set withdrawn_at = coalesce(withdrawn_at, $3)
           where workspace_id = $1 and id = $2""",
        workspace_id,
        method_id,
        at,
    )
