"""Figures across all workspaces, for whoever runs the installation: counts and ages, nothing of what anybody stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockstep.model.capabilities import Capabilities
from lockstep.storage.claims import QUEUES, Queue
from lockstep.storage.database import Connection
from lockstep.storage.encoding import from_document
from lockstep.storage.entries import EntryRow, entry_columns, entry_row


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


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code on one lock, with all that its standing is derived from."""

    entry: EntryRow
    capabilities: Capabilities
    domain_failure: dict[str, Any] | None


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


async def codes_starting(db: Connection, after: datetime, before: datetime) -> list[CodeRow]:
    """Codes whose windows start in this span."""
    return await _codes(
        db,
        "e.withdrawn_at is null and e.settled_at is null and e.starts_at >= $1 and e.starts_at < $2",
        (after, before),
    )


async def codes_alarmed(db: Connection) -> list[CodeRow]:
    """Codes for which an alarm was raised, and that are not over and gone."""
    return await _codes(db, "e.settled_at is null and e.alarms <> '{}'", ())


async def _codes(db: Connection, condition: str, values: Sequence[object]) -> list[CodeRow]:
    rows = await db.fetch(
        f"""select d.capabilities, dom.failure as domain_failure, {entry_columns()}
            from access_codes a
              join entries e on e.workspace_id = a.workspace_id and e.id = a.entry_id
              join devices d on d.workspace_id = a.workspace_id and d.id = a.device_id
              join domains dom on dom.workspace_id = a.workspace_id and dom.id = e.domain_id
            where {condition}""",  # noqa: S608
        *values,
    )
    return [
        CodeRow(entry_row(r), from_document(r["capabilities"], Capabilities), r["domain_failure"])
        for r in rows
    ]


async def _counted(db: Connection, statement: str) -> list[Counted]:
    return [Counted(r["state"], r["kind"], r["count"]) for r in await db.fetch(statement)]
