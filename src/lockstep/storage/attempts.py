"""Action attempts: one asked-for act each, such as unlocking now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection
from lockstep.storage.devices import NOTHING, Given


@dataclass(frozen=True, slots=True)
class AttemptRow:
    id: UUID
    public_id: str
    device_id: UUID
    action: str
    state: str
    failure: dict[str, Any] | None
    actor: str
    created_at: datetime
    deadline_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    device_public_id: str = ""
    """Read, not written; as `evidence`, which its end says."""
    request: dict[str, Any] | None = None
    evidence: str | None = None
    is_forced: bool = False
    """A tester said what comes of it."""
    result: Any = None
    """What a tester said."""


_COLUMNS = (
    "id, public_id, device_id, action, state, failure, actor, created_at, deadline_at, sent_at, ended_at, request, "
    "evidence, "
    "(select d.public_id from devices d where d.workspace_id = attempts.workspace_id and d.id = device_id) "
    "as device_public_id, is_forced, result"
)


async def insert(db: Connection, workspace_id: UUID, row: AttemptRow) -> None:
    await db.execute(
        """insert into attempts (workspace_id, id, public_id, device_id, action, actor, created_at, deadline_at, due_at,
             request) values ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9)""",
        workspace_id,
        row.id,
        row.public_id,
        row.device_id,
        row.action,
        row.actor,
        row.created_at,
        row.deadline_at,
        row.request,
    )


async def get(db: Connection, workspace_id: UUID, attempt_id: UUID) -> AttemptRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from attempts where workspace_id = $1 and id = $2",  # noqa: S608
        workspace_id,
        attempt_id,
    )
    return AttemptRow(**dict(row)) if row else None


async def by_public_id(db: Connection, workspace_id: UUID, public_id: str) -> AttemptRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from attempts where workspace_id = $1 and public_id = $2",  # noqa: S608
        workspace_id,
        public_id,
    )
    return AttemptRow(**dict(row)) if row else None


async def listed(
    db: Connection,
    workspace_id: UUID,
    after: str | None,
    most: int,
    device_id: UUID | None = None,
    *,
    property_ids: list[UUID] | None = None,
    besides: Given = NOTHING,
    public_ids: list[str] | None = None,
) -> list[AttemptRow]:
    """Newest first, behind the one with the public id `after`; only on devices that stand in these properties or are
    given besides, and only those of `public_ids`."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from attempts where workspace_id = $1
              and ($2::text is null
                or id < (select id from attempts where workspace_id = $1 and public_id = $2))
              and ($4::uuid is null or device_id = $4)
              and ($6::text[] is null or public_id = any($6))
              and ($5::uuid[] is null or exists (select from space_devices sd
                join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
                where sd.workspace_id = $1 and sd.device_id = attempts.device_id and s.property_id = any($5))
                or exists (select from devices d where d.workspace_id = $1 and d.id = attempts.device_id
                  and (d.account_id = any($7) or d.id = any($8))))
            order by id desc limit $3""",  # noqa: S608
        workspace_id,
        after,
        most,
        device_id,
        property_ids,
        public_ids,
        *besides,
    )
    return [AttemptRow(**dict(r)) for r in rows]


async def mark_sent(db: Connection, workspace_id: UUID, attempt_id: UUID, at: datetime) -> bool:
    """Before the call leaves; False where it has been sent already: an act is never repeated blindly."""
    result = await db.execute(
        "update attempts set sent_at = $3 where workspace_id = $1 and id = $2 and sent_at is null and not is_forced",
        workspace_id,
        attempt_id,
        at,
    )
    return bool(result == "UPDATE 1")


async def end(
    db: Connection,
    workspace_id: UUID,
    attempt_id: UUID,
    state: str,
    failure: dict[str, Any] | None,
    at: datetime,
    evidence: str | None = None,
) -> bool:
    """Once. False where it has ended already, or somebody else said how."""
    result = await db.execute(
        """update attempts set state = $3, failure = $4, ended_at = $5, evidence = $6
           where workspace_id = $1 and id = $2 and state = 'pending' and not is_forced""",
        workspace_id,
        attempt_id,
        state,
        failure,
        at,
        evidence,
    )
    return bool(result == "UPDATE 1")


async def force(
    db: Connection,
    workspace_id: UUID,
    attempt_id: UUID,
    state: str,
    failure: dict[str, Any] | None,
    result: Any,
    at: datetime,
) -> None:
    """As a tester says, whatever came of it."""
    await db.execute(
        """update attempts set state = $3, failure = $4, result = $5, is_forced = true,
             ended_at = case when $3 = 'pending' then null else $6::timestamptz end
           where workspace_id = $1 and id = $2""",
        workspace_id,
        attempt_id,
        state,
        failure,
        result,
        at,
    )
