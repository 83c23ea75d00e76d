"""Deliveries: one event for one webhook each, and the tries made to bring it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.storage import claims
from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class DeliveryDraft:
    id: UUID
    public_id: str
    webhook_id: UUID
    position: int
    told_as: str


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    id: UUID
    public_id: str
    webhook_id: UUID
    position: int
    event_id: str
    """The event's public id."""
    told_as: str
    """The event's type in the webhook's form: one event may be told as several."""
    state: str
    tries: int
    created_at: datetime
    delivered_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class TryRow:
    """`status` of the answer, or, where there was none, the code of what went wrong in `error`."""

    delivery_id: UUID
    at: datetime
    status: int | None
    error: str | None


_SELECT = """select d.id, d.public_id, d.webhook_id, d.position, e.public_id as event_id, d.told_as, d.state,
               d.tries, d.created_at, d.delivered_at, d.due_at
             from deliveries d
             join event_positions p on p.workspace_id = d.workspace_id and p.position = d.position
             join events e
               on (e.workspace_id, e.id, e.occurred_at) = (p.workspace_id, p.event_id, p.occurred_at)"""


async def insert(db: Connection, workspace_id: UUID, drafts: Sequence[DeliveryDraft], at: datetime) -> None:
    """Due at once; whoever sends them hears of it when this commits."""
    if not drafts:
        return
    await db.execute(
        """insert into deliveries
             (workspace_id, id, public_id, webhook_id, position, told_as, created_at, due_at)
           select $1, d.*, $2, $2 from unnest($3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::text[]) d
           on conflict (workspace_id, webhook_id, position, told_as) do nothing""",
        workspace_id,
        at,
        [d.id for d in drafts],
        [d.public_id for d in drafts],
        [d.webhook_id for d in drafts],
        [d.position for d in drafts],
        [d.told_as for d in drafts],
    )
    claims.ring(db, "deliveries")


async def get(db: Connection, workspace_id: UUID, id: UUID) -> DeliveryRow | None:
    row = await db.fetchrow(f"{_SELECT} where d.workspace_id = $1 and d.id = $2", workspace_id, id)
    return DeliveryRow(**dict(row)) if row else None


async def find(db: Connection, workspace_id: UUID, public_id: str) -> DeliveryRow | None:
    row = await db.fetchrow(
        f"{_SELECT} where d.workspace_id = $1 and d.public_id = $2", workspace_id, public_id
    )
    return DeliveryRow(**dict(row)) if row else None


async def listed(
    db: Connection,
    workspace_id: UUID,
    webhook_id: UUID,
    before: DeliveryRow | None,
    state: str | None,
    most: int,
) -> list[DeliveryRow]:
    """Newest first, before the delivery `before`; only those in `state` where one is given."""
    rows = await db.fetch(
        f"""{_SELECT}
            where d.workspace_id = $1 and d.webhook_id = $2 and ($4::text is null or d.state = $4)
              and ($3::bigint is null or d.position < $3 or (d.position = $3 and d.told_as < $6))
            order by d.position desc, d.told_as desc limit $5""",
        workspace_id,
        webhook_id,
        before.position if before else None,
        state,
        most,
        before.told_as if before else None,
    )
    return [DeliveryRow(**dict(row)) for row in rows]


async def tries_of(db: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> list[TryRow]:
    """All tries of these deliveries, oldest first."""
    rows = await db.fetch(
        """select delivery_id, at, status, error from tries
           where workspace_id = $1 and delivery_id = any($2) order by at, id""",
        workspace_id,
        list(ids),
    )
    return [TryRow(**dict(row)) for row in rows]


async def add_try(db: Connection, workspace_id: UUID, id: UUID, tried: TryRow) -> None:
    await db.execute(
        """insert into tries (workspace_id, id, delivery_id, at, status, error)
           values ($1, $2, $3, $4, $5, $6)""",
        workspace_id,
        id,
        tried.delivery_id,
        tried.at,
        tried.status,
        tried.error,
    )


async def note_result(
    db: Connection, workspace_id: UUID, id: UUID, state: str, delivered_at: datetime | None
) -> None:
    """Count one more try, and how it left the delivery."""
    await db.execute(
        """update deliveries set state = $3, tries = tries + 1, delivered_at = coalesce($4, delivered_at)
           where workspace_id = $1 and id = $2""",
        workspace_id,
        id,
        state,
        delivered_at,
    )


async def postpone(db: Connection, workspace_id: UUID, webhook_id: UUID, until: datetime) -> None:
    """Let the other deliveries of a webhook that just failed wait too: it would hold up those of others."""
    await db.execute(
        """update deliveries set due_at = $3 where workspace_id = $1 and id in (
             select id from deliveries where workspace_id = $1 and webhook_id = $2 and due_at < $3
               and (leased_until is null or leased_until < clock_timestamp())
             order by id for no key update skip locked)""",
        workspace_id,
        webhook_id,
        until,
    )


async def send_again(db: Connection, workspace_id: UUID, id: UUID, now: datetime) -> None:
    """Due at once, with its tries counted from zero."""
    await db.execute(
        "update deliveries set state = 'pending', tries = 0 where workspace_id = $1 and id = $2",
        workspace_id,
        id,
    )
    await claims.wake(db, workspace_id, "deliveries", [id], now)


async def drop(db: Connection, workspace_id: UUID, webhook_id: UUID) -> None:
    """Give up what is still pending, for a webhook that is gone or disabled."""
    await db.execute(
        """update deliveries set state = 'dropped', due_at = null, generation = generation + 1
           where workspace_id = $1 and id in (
             select id from deliveries where workspace_id = $1 and webhook_id = $2 and state = 'pending'
             order by id for no key update)""",
        workspace_id,
        webhook_id,
    )


async def forget(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Delete deliveries that ended and were made before `before`, with their tries; how many."""
    count: int = await db.fetchval(
        """with old as (
             select id from deliveries where workspace_id = $1 and created_at < $2 and state <> 'pending'
             order by id limit $3 for update skip locked
           ), tried as (
             delete from tries where workspace_id = $1 and delivery_id in (select id from old)
           ), gone as (
             delete from deliveries where workspace_id = $1 and id in (select id from old) returning 1
           ) select count(*) from gone""",
        workspace_id,
        before,
        most,
    )
    return count


async def set_state(db: Connection, workspace_id: UUID, id: UUID, state: str) -> None:
    await db.execute(
        "update deliveries set state = $3 where workspace_id = $1 and id = $2", workspace_id, id, state
    )
