"""Answers kept for requests that may come twice. Bodies lie here sealed, for they may hold digits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class KeptRow:
    request_hash: bytes
    status: int
    body: bytes


async def reserve(
    db: Connection, workspace_id: UUID, actor: str, key_hash: bytes, request_hash: bytes, at: datetime
) -> bool:
    """Be the one who performs this request; waits for whoever is at it. False: it was performed before."""
    result = await db.execute(
        """insert into idempotency_keys (workspace_id, actor, key_hash, request_hash, created_at)
           values ($1, $2, $3, $4, $5) on conflict do nothing""",
        workspace_id,
        actor,
        key_hash,
        request_hash,
        at,
    )
    return bool(result == "INSERT 0 1")


async def kept(db: Connection, workspace_id: UUID, actor: str, key_hash: bytes) -> KeptRow | None:
    """What was answered the first time; None where nothing was kept (any more)."""
    row = await db.fetchrow(
        """select request_hash, status, body from idempotency_keys
           where workspace_id = $1 and actor = $2 and key_hash = $3 and status is not null""",
        workspace_id,
        actor,
        key_hash,
    )
    return KeptRow(**dict(row)) if row else None


async def keep(
    db: Connection, workspace_id: UUID, actor: str, key_hash: bytes, status: int, body: bytes
) -> None:
    await db.execute(
        """update idempotency_keys set status = $4, body = $5
           where workspace_id = $1 and actor = $2 and key_hash = $3""",
        workspace_id,
        actor,
        key_hash,
        status,
        body,
    )


async def forget(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Delete what was kept before `before`; how many."""
    result = await db.execute(
        """delete from idempotency_keys where workspace_id = $1 and (actor, key_hash) in (
             select actor, key_hash from idempotency_keys where workspace_id = $1 and created_at < $2
             order by actor, key_hash limit $3 for update skip locked)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])
