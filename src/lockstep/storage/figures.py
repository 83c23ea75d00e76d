"""Figures across all workspaces, for whoever runs the installation: counts and ages, nothing of what anybody stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lockstep.storage.claims import QUEUES, Queue
from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Rows of a queue that are due and that nobody works on, and since when the first of them is due."""

    queue: Queue
    due: int
    due_since: datetime | None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are of one kind in one state."""

    state: str
    kind: str
    count: int


async def queues(db: Connection, now: datetime) -> list[QueueFigures]:
    each = [
        f"""select '{queue}' as queue, count(*) as due, min(due_at) as due_since from {queue}
            where due_at <= $1 and (leased_until is null or leased_until < clock_timestamp())"""  # noqa: S608
        for queue in QUEUES
    ]
    return [QueueFigures(**dict(r)) for r in await db.fetch(" union all ".join(each), now)]


async def accounts(db: Connection) -> list[Counted]:
    """By state and vendor."""
    return await _counted(db, "select state, vendor as kind, count(*) from accounts group by 1, 2")


async def calendars(db: Connection) -> list[Counted]:
    """By state."""
    return await _counted(
        db, "select state, '' as kind, count(*) from calendars where removed_at is null group by 1"
    )


async def webhooks(db: Connection) -> list[Counted]:
    """`enabled` and `disabled`."""
    return await _counted(
        db,
        """select case when disabled_at is null then 'enabled' else 'disabled' end as state, '' as kind, count(*)
           from webhooks where removed_at is null group by 1""",
    )


async def locks(db: Connection) -> list[Counted]:
    """`online`, `offline`, or `unknown` where the vendor does not tell."""
    return await _counted(
        db,
        """select case when is_online then 'online' when not is_online then 'offline' else 'unknown' end as state,
             '' as kind, count(*) from devices where removed_at is null group by 1""",
    )


async def unsequenced(db: Connection) -> tuple[int, datetime | None]:
    """Events that wait for their position, and when the first of them occurred."""
    row = await db.fetchrow("select count(*) as n, min(occurred_at) as since from unsequenced")
    return (row["n"], row["since"]) if row else (0, None)


async def _counted(db: Connection, statement: str) -> list[Counted]:
    return [Counted(r["state"], r["kind"], r["count"]) for r in await db.fetch(statement)]
