"""Pools of backup codes: entries that stand on a device and are given to nobody, until one is pulled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from lockstep.storage import claims
from lockstep.storage.database import Connection
from lockstep.storage.entries import EntryRow, entry_columns, entry_row

BELL = "pools"
"""Rung when a pool is to be looked at now."""


async def set_size(
    db: Connection,
    workspace_id: UUID,
    device_id: UUID,
    size: int | None,
    without_schedule: bool,
    now: datetime,
) -> None:
    """None: it has no pool any more. It is looked at now."""
    await db.execute(
        """update devices set backup_pool_size = $3, backups_without_schedule = $4, backup_pool_due_at = $5
           where workspace_id = $1 and id = $2""",
        workspace_id,
        device_id,
        size,
        without_schedule,
        now,
    )
    claims.ring(db, BELL)


async def switch_on(
    db: Connection, workspace_id: UUID, device_ids: Sequence[UUID], size: int, now: datetime
) -> None:
    """Those of these devices that have no pool get one."""
    result = await db.execute(
        """update devices set backup_pool_size = $3, backup_pool_due_at = $4
           where workspace_id = $1 and id in (
             select id from devices where workspace_id = $1 and id = any($2) and backup_pool_size is null
             order by id for no key update)""",
        workspace_id,
        list(device_ids),
        size,
        now,
    )
    if result != "UPDATE 0":
        claims.ring(db, BELL)


async def look_at(db: Connection, workspace_id: UUID, device_id: UUID, at: datetime | None) -> None:
    """When this pool is looked at next; None: there is nothing to look at."""
    await db.execute(
        "update devices set backup_pool_due_at = $3 where workspace_id = $1 and id = $2",
        workspace_id,
        device_id,
        at,
    )
    claims.ring(db, BELL)


async def hold(db: Connection, workspace_id: UUID, device_id: UUID) -> datetime | None:
    """Nobody else changes this pool before this transaction ends; when it is due. Devices are locked before domains."""
    at: datetime | None = await db.fetchval(
        "select backup_pool_due_at from devices where workspace_id = $1 and id = $2 for no key update",
        workspace_id,
        device_id,
    )
    return at


async def next_due(db: Connection) -> datetime | None:
    """When the first pool of any workspace is due to be looked at."""
    at: datetime | None = await db.fetchval(
        "select min(backup_pool_due_at) from devices where backup_pool_due_at is not null"
    )
    return at


async def every_due(db: Connection, now: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """Workspace and device of some that are due."""
    rows = await db.fetch(
        """select workspace_id, id from devices where backup_pool_due_at <= $1
           order by backup_pool_due_at limit $2""",
        now,
        most,
    )
    return [(r["workspace_id"], r["id"]) for r in rows]


async def spares_of(
    db: Connection, workspace_id: UUID, device_ids: Collection[UUID]
) -> Mapping[UUID, list[EntryRow]]:
    """The backup codes in the pools of these devices, oldest first."""
    rows = await db.fetch(
        f"""select {entry_columns()} from entries e
            where e.workspace_id = $1 and e.pool_device_id = any($2) and e.settled_at is null
              and e.withdrawn_at is null order by e.id""",  # noqa: S608
        workspace_id,
        sorted(device_ids),
    )
    found: dict[UUID, list[EntryRow]] = {id: [] for id in device_ids}
    for row in rows:
        found[row["pool_device_id"]].append(entry_row(row))
    return found


async def pulled_on(
    db: Connection, workspace_id: UUID, device_ids: Collection[UUID], now: datetime
) -> Mapping[UUID, int]:
    """How many pulled backup codes are still somebody's on each of these devices; those without any are missing."""
    rows = await db.fetch(
        """select a.device_id, count(*)::int as n from access_codes a
             join entries e on e.workspace_id = $1 and e.id = a.entry_id
           where a.workspace_id = $1 and a.device_id = any($2) and a.is_backup and a.withdrawn_at is null
             and (e.ends_at is null or e.ends_at > $3) group by a.device_id""",
        workspace_id,
        sorted(device_ids),
        now,
    )
    return {r["device_id"]: r["n"] for r in rows}


async def take(db: Connection, workspace_id: UUID, entry_id: UUID, method_id: UUID) -> None:
    """It leaves its pool: from now on it stands for this method."""
    await db.execute(
        "update entries set pool_device_id = null, method_id = $3 where workspace_id = $1 and id = $2",
        workspace_id,
        entry_id,
        method_id,
    )


async def set_pulled(db: Connection, workspace_id: UUID, access_code_id: UUID, backup_id: UUID) -> None:
    """The backup code takes the place of the other: both of them access codes."""
    await db.execute(
        """update access_codes set is_backup = is_backup or id = $3,
             pulled_backup_id = case when id = $2 then $3 else pulled_backup_id end
           where workspace_id = $1 and id in ($2, $3)""",
        workspace_id,
        access_code_id,
        backup_id,
    )


async def put_away(db: Connection, workspace_id: UUID, access_code_id: UUID) -> None:
    """One that was replaced is not to be seen any more."""
    await db.execute(
        "update access_codes set is_put_away = true where workspace_id = $1 and id = $2",
        workspace_id,
        access_code_id,
    )


async def forget_revisions(db: Connection, workspace_id: UUID, entry_id: UUID, before: int) -> None:
    """Revisions that no lock can carry any more: a window each few days would add up."""
    await db.execute(
        "delete from entry_revisions where workspace_id = $1 and entry_id = $2 and revision < $3",
        workspace_id,
        entry_id,
        before,
    )
