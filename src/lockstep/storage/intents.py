"""Intents: mutating calls, stored before they are made, and their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class IntentRow:
    id: UUID
    domain_id: UUID
    entry_id: UUID
    kind: str
    state: str
    revision: int
    epoch: int
    place: str | None
    begun_at: datetime
    deadline_at: datetime
    possible_before: list[str]
    last_write_before: datetime | None
    ended_at: datetime | None = None
    outcome: str | None = None
    reason: str | None = None
    said: str | None = None
    token: str | None = None
    look_at: datetime | None = None
    give_up_at: datetime | None = None


_COLUMNS = (
    "id, domain_id, entry_id, kind, state, revision, epoch, place, begun_at, deadline_at, possible_before, "
    "last_write_before, ended_at, outcome, reason, said, token, look_at, give_up_at"
)


def _row(record: Any) -> IntentRow:
    return IntentRow(**dict(record))


async def insert(db: Connection, workspace_id: UUID, row: IntentRow) -> None:
    await db.execute(
        """insert into intents (workspace_id, id, domain_id, entry_id, kind, state, revision, epoch, place, begun_at,
             deadline_at, possible_before, last_write_before)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        workspace_id,
        row.id,
        row.domain_id,
        row.entry_id,
        row.kind,
        row.state,
        row.revision,
        row.epoch,
        row.place,
        row.begun_at,
        row.deadline_at,
        row.possible_before,
        row.last_write_before,
    )


async def open_of_domains(db: Connection, workspace_id: UUID, domain_ids: Sequence[UUID]) -> list[IntentRow]:
    """Without an outcome (their worker died), or waiting for a job, oldest first."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from intents where workspace_id = $1 and domain_id = any($2)
              and (outcome is null or outcome = 'accepted') order by id""",  # noqa: S608
        workspace_id,
        list(domain_ids),
    )
    return [_row(r) for r in rows]


async def end(
    db: Connection,
    workspace_id: UUID,
    intent_id: UUID,
    outcome: str,
    at: datetime,
    *,
    reason: str | None = None,
    said: str | None = None,
    token: str | None = None,
    look_at: datetime | None = None,
    give_up_at: datetime | None = None,
) -> bool:
    """Store an outcome, whoever holds the lease now. False where it already has a final one."""
    result = await db.execute(
        """update intents set outcome = $3, ended_at = $4, reason = $5, said = $6, token = coalesce($7, token),
             look_at = $8, give_up_at = coalesce($9, give_up_at)
           where workspace_id = $1 and id = $2 and (outcome is null or outcome = 'accepted')""",
        workspace_id,
        intent_id,
        outcome,
        at,
        reason,
        said,
        token,
        look_at,
        give_up_at,
    )
    return bool(result == "UPDATE 1")


async def end_all_of(db: Connection, workspace_id: UUID, entry_ids: Sequence[UUID], at: datetime) -> None:
    """Nobody waits any more for what comes of writes to these entries."""
    await db.execute(
        """update intents set outcome = 'unknown', ended_at = $3
           where workspace_id = $1 and entry_id = any($2) and (outcome is null or outcome = 'accepted')""",
        workspace_id,
        list(entry_ids),
        at,
    )


async def refused_places(db: Connection, workspace_id: UUID, entry_id: UUID) -> frozenset[str]:
    """Places that were refused to this entry."""
    rows = await db.fetch(
        """select distinct place from intents where workspace_id = $1 and entry_id = $2 and outcome = 'refused'
             and place is not null""",
        workspace_id,
        entry_id,
    )
    return frozenset(r["place"] for r in rows)


async def last_of_entry(db: Connection, workspace_id: UUID, entry_id: UUID) -> IntentRow | None:
    row = await db.fetchrow(
        f"""select {_COLUMNS} from intents where workspace_id = $1 and entry_id = $2
            order by begun_at desc, id desc limit 1""",  # noqa: S608
        workspace_id,
        entry_id,
    )
    return _row(row) if row else None


async def by_token(db: Connection, workspace_id: UUID, token: str) -> IntentRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from intents where workspace_id = $1 and token = $2 and outcome = 'accepted'",  # noqa: S608
        workspace_id,
        token,
    )
    return _row(row) if row else None
