"""Access grants and what they reach: this guest, these spaces or devices, this window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.storage.database import Connection
from lockstep.storage.devices import NOTHING, Given, numbered


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
    form: str = "grant"
    """`grant`, or `code` where it was asked for as a code of one lock."""
    common_code_key: str | None = None
    """Shared by codes that were asked for together."""
    honours_edits: bool = False
    """Whether what somebody changes on the lock becomes the declaration."""


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


class GrantDetail(NamedTuple):
    """A grant with its living code method, and the public ids of all that it names.

    A tuple, since a list makes a hundred of them for each request, and a frozen dataclass takes six times as long.
    """

    public_id: str
    grant_key: str | None
    name: str
    guest_public_id: str | None
    booking_public_id: str | None
    space_public_ids: Sequence[str]
    device_public_ids: Sequence[str]
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None
    honours_edits: bool
    method_id: UUID | None
    method_public_id: str | None
    method_kind: str | None
    digits: bytes | None
    warning: str | None

    def __repr__(self) -> str:
        return f"GrantDetail({self.public_id})"


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """None: all."""

    guest_id: UUID | None = None
    booking_id: UUID | None = None
    property_ids: list[UUID] | None = None
    """Only those that reach nothing outside of these properties, and of what is given besides."""
    besides: Given = NOTHING
    living_at: datetime | None = None
    """Only those that are neither cancelled nor over then."""


_COLUMNS = (
    "id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at, created_at, changed_at, "
    "cancelled_at, form, common_code_key, honours_edits"
)
_METHOD = "id, public_id, grant_id, kind, digits, fingerprint, warning, created_at, withdrawn_at"


def _row(record: Any) -> GrantRow:
    return GrantRow(**dict(record))


async def insert(db: Connection, workspace_id: UUID, row: GrantRow) -> bool:
    """False where this grant key is in use."""
    result = await db.execute(
        """insert into grants (workspace_id, id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at,
             created_at, changed_at, form, common_code_key, honours_edits)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
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
        row.form,
        row.common_code_key,
        row.honours_edits,
    )
    return bool(result == "INSERT 0 1")


async def change(db: Connection, workspace_id: UUID, row: GrantRow) -> None:
    await db.execute(
        """update grants set name = $3, guest_id = $4, starts_at = $5, ends_at = $6, changed_at = $7,
             cancelled_at = $8, honours_edits = $9 where workspace_id = $1 and id = $2""",
        workspace_id,
        row.id,
        row.name,
        row.guest_id,
        row.starts_at,
        row.ends_at,
        row.changed_at,
        row.cancelled_at,
        row.honours_edits,
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
        + (" for no key update" if locked else ""),
        workspace_id,
        public_id,
    )
    return _row(row) if row else None


async def hold(db: Connection, workspace_id: UUID, grant_ids: list[UUID]) -> None:
    """Nobody else changes these before this transaction ends. Grants are locked before devices and domains."""
    await db.execute(
        "select from grants where workspace_id = $1 and id = any($2) order by id for no key update",
        workspace_id,
        grant_ids,
    )


async def hold_of_lock(db: Connection, workspace_id: UUID, device_id: UUID) -> None:
    """Nobody else changes what was asked for as a code of this lock, and is not cancelled, before this transaction
    ends."""
    await db.execute(
        """select from grants where workspace_id = $1 and form = 'code' and cancelled_at is null and id in (
             select grant_id from access_codes where workspace_id = $1 and device_id = $2)
           order by id for no key update""",
        workspace_id,
        device_id,
    )


async def of_booking(db: Connection, workspace_id: UUID, booking_id: UUID) -> GrantRow | None:
    """The living grant of a booking."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from grants where workspace_id = $1 and booking_id = $2 and cancelled_at is null",  # noqa: S608
        workspace_id,
        booking_id,
    )
    return _row(row) if row else None


def reaches_only(properties: str, given: tuple[str, str] | None = None) -> str:
    """For statements in storage that name grants `g`: whether `g` reaches something, and nothing outside of the
    properties in the parameter `properties` (and of the accounts and devices in the parameters `given`). A device
    belongs to each property in which it stands."""
    besides = ""
    if given is not None:
        besides = f""" and not exists (select from devices d where d.workspace_id = $1 and d.id = t.device_id
          and (d.account_id = any({given[0]}) or d.id = any({given[1]})))"""
    return f"""(exists (select from grant_targets t where t.workspace_id = $1 and t.grant_id = g.id)
      and not exists (select from grant_targets t where t.workspace_id = $1 and t.grant_id = g.id and not exists (
        select from spaces s where s.workspace_id = $1 and s.property_id = any({properties}) and (s.id = t.space_id
          or s.id in (select sd.space_id from space_devices sd
            where sd.workspace_id = $1 and sd.device_id = t.device_id))){besides}))"""  # noqa: S608


# Every other table is asked by its whole key, row by row of the page that was chosen before: there is only one sensible
# plan, with statistics and (in the minute after many rows came) without. No more columns than are shown, for reading
# them is half of what a list costs.
_DETAIL = """
  select g.public_id, g.grant_key, g.name,
    case when g.guest_id is not null then
      (select gu.public_id from guests gu where gu.workspace_id = $1 and gu.id = g.guest_id) end,
    case when g.booking_id is not null then
      (select b.public_id from bookings b where b.workspace_id = $1 and b.id = g.booking_id) end,
    g.space_public_ids, g.device_public_ids,
    g.starts_at, g.ends_at, g.created_at, g.changed_at, g.cancelled_at, g.honours_edits,
    m.id, m.public_id, m.kind, m.digits, m.warning
  from ({page}) g
    left join lateral (select a.id, a.public_id, a.kind, a.digits, a.warning from access_methods a
      where a.workspace_id = $1 and a.grant_id = g.id and a.kind = 'code' and a.withdrawn_at is null
      order by a.workspace_id, a.grant_id, a.id limit 1) m on true
  order by g.id"""


async def in_detail(db: Connection, workspace_id: UUID, grant_ids: list[UUID]) -> list[GrantDetail]:
    """Those that there are of these, in the order of their ids."""
    page = "select * from grants where workspace_id = $1 and id = any($2)"
    return [GrantDetail._make(r) for r in await db.fetch(_DETAIL.format(page=page), workspace_id, grant_ids)]


async def listed_in_detail(
    db: Connection, workspace_id: UUID, wanted: GrantFilter, after: str | None, most: int
) -> list[GrantDetail]:
    """In the order of creation, behind the grant with the public id `after`."""
    conditions = ["g.workspace_id = $1"]
    values: list[object] = []
    # Only what is asked for stands in the statement: a plan made for all filters at once serves none of them.
    for condition, value in (
        ("g.id > (select id from grants where workspace_id = $1 and public_id = {})", after),
        ("g.guest_id = {}", wanted.guest_id),
        ("g.booking_id = {}", wanted.booking_id),
        ("g.cancelled_at is null and (g.ends_at is null or g.ends_at > {})", wanted.living_at),
    ):
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values) + 1}"))
    if wanted.property_ids is not None:
        conditions.append(reaches_only(*numbered(len(values) + 2)))
        values += [wanted.property_ids, *wanted.besides]
    page = f"select * from grants g where {' and '.join(conditions)} order by g.id limit {most:d}"  # noqa: S608
    return [GrantDetail._make(r) for r in await db.fetch(_DETAIL.format(page=page), workspace_id, *values)]


async def is_within(
    db: Connection, workspace_id: UUID, grant_id: UUID, property_ids: list[UUID], besides: Given = NOTHING
) -> bool:
    """Whether a grant reaches something, and nothing outside of these properties and of what is given besides."""
    within = reaches_only("$3", ("$4", "$5"))
    found: bool = await db.fetchval(
        f"select exists (select from grants g where g.workspace_id = $1 and g.id = $2 and {within})",  # noqa: S608
        workspace_id,
        grant_id,
        property_ids,
        *besides,
    )
    return found


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
    await db.execute(
        f"""update grants set space_public_ids = {public_ids_of("spaces", "$3")},
              device_public_ids = {public_ids_of("devices", "$4")}
            where workspace_id = $1 and id = $2""",  # noqa: S608
        workspace_id,
        grant_id,
        [space_id for _, space_id, _ in targets],
        [device_id for _, _, device_id in targets],
    )


def public_ids_of(table: str, ids: str) -> str:
    """For statements in storage: public ids of the rows whose ids the parameter `ids` holds, in the order of ids."""
    return f"""array(select x.public_id from unnest({ids}::uuid[]) as one (id), lateral (
      select id, public_id from {table} where workspace_id = $1 and id = one.id offset 0) x order by x.id)"""  # noqa: S608


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


async def living_of_device(
    db: Connection, workspace_id: UUID, device_id: UUID, now: datetime
) -> list[GrantRow]:
    """Grants that name this device and are neither cancelled nor over."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from grants where workspace_id = $1 and cancelled_at is null
              and (ends_at is null or ends_at > $3) and id in (
                select grant_id from grant_targets where workspace_id = $1 and device_id = $2)
            order by id""",  # noqa: S608
        workspace_id,
        device_id,
        now,
    )
    return [_row(r) for r in rows]


async def living_of_account(
    db: Connection, workspace_id: UUID, account_id: UUID, space_ids: list[UUID], now: datetime
) -> list[GrantRow]:
    """Grants that name a device of this account, or one of these spaces, and are neither cancelled nor over."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from grants where workspace_id = $1 and cancelled_at is null
              and (ends_at is null or ends_at > $4) and id in (
                select t.grant_id from grant_targets t where t.workspace_id = $1 and (t.space_id = any($3)
                  or t.device_id in (select id from devices where workspace_id = $1 and account_id = $2)))
            order by id""",  # noqa: S608
        workspace_id,
        account_id,
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


async def methods_of(db: Connection, workspace_id: UUID, grant_id: UUID) -> list[MethodRow]:
    """The living code methods of a grant: its own first, then those of backup codes that were pulled."""
    rows = await db.fetch(
        f"""select {_METHOD} from access_methods where workspace_id = $1 and grant_id = $2 and kind = 'code'
              and withdrawn_at is null order by id""",  # noqa: S608
        workspace_id,
        grant_id,
    )
    return [MethodRow(**dict(row)) for row in rows]


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


async def withdraw_methods(
    db: Connection, workspace_id: UUID, grant_id: UUID, at: datetime, *, but: UUID | None = None
) -> None:
    """All of a grant. `but`: this one stays."""
    await db.execute(
        """update access_methods set withdrawn_at = $3
           where workspace_id = $1 and grant_id = $2 and withdrawn_at is null and id is distinct from $4""",
        workspace_id,
        grant_id,
        at,
        but,
    )
