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


_COLUMNS = "id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at, created_at, changed_at, cancelled_at"
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
    if after is None:
        rows = await db.fetch(
            f"select {_COLUMNS} from grants where workspace_id = $1 order by created_at, id limit $2",  # noqa: S608
            workspace_id,
            most,
        )
    else:
        rows = await db.fetch(
            f"""select {_COLUMNS} from grants where workspace_id = $1 and (created_at, id) > ($2, $3)
                order by created_at, id limit $4""",  # noqa: S608
            workspace_id,
            *after,
            most,
        )
    return [_row(r) for r in rows]


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
