"""Claims: who may work on a row now. The same pattern serves domains, accounts, calendars, attempts and deliveries.

`due_at` is domain time (passed in); leases run on the database's clock, since workers' clocks differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from lockstep.storage.database import Connection, tell

Queue = Literal["domains", "accounts", "calendars", "attempts", "deliveries"]
QUEUES: tuple[Queue, ...] = ("domains", "accounts", "calendars", "attempts", "deliveries")
WAKE = "lockstep_work"
"""The channel on which a wake is told; its payload is the queue's name."""

_FEW = 4
"""Rows of one workspace in one claim, so that nobody's backlog holds up the others."""
_LOOKED_AT = 100
"""Due rows of a workspace among which the most urgent are chosen."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One row, leased to us. Results are stored only while `epoch` is still the row's."""

    queue: Queue
    workspace_id: UUID
    row_id: UUID
    generation: int
    epoch: int


async def claim(
    db: Connection, queue: Queue, now: datetime, lease: timedelta, most: int, chance: float
) -> list[Claim]:
    """Lease up to `most` due rows, a few of each workspace; the most urgent come first. A statement by itself.

    `chance`, drawn evenly from [0, 1), tells with which workspace to begin: each is first as often as any other.
    """
    rows = await db.fetch(_claim_sql(queue), now, lease, most, chance)
    rows.sort(key=lambda r: (r["needed_at"] is None, r["needed_at"] or now, r["due_at"]))
    return [Claim(queue, r["workspace_id"], r["id"], r["generation"], r["lease_epoch"]) for r in rows]


async def release(db: Connection, claim: Claim, due_at: datetime | None, *, is_done: bool = True) -> bool:
    """End a lease and say when to look again; a wake that came meanwhile makes the row due at once.

    False where the lease had passed to another. `is_done` False leaves the generation unacknowledged.
    """
    result = await db.execute(
        f"""update {claim.queue} set
              leased_until = null,
              applied_generation = case when $5 then greatest(applied_generation, $4) else applied_generation end,
              due_at = case when generation > $4 then least(due_at, $6::timestamptz) else $6 end
            where workspace_id = $1 and id = $2 and lease_epoch = $3""",  # noqa: S608
        claim.workspace_id,
        claim.row_id,
        claim.epoch,
        claim.generation,
        is_done,
        due_at,
    )
    return bool(result == "UPDATE 1")


async def holds(db: Connection, claim: Claim, at_least: timedelta) -> bool:
    """Whether our lease lives for `at_least` longer; locks the row, so that nobody takes it before commit.

    What is stored under it need not wait for the disk: what a crash of the database loses, the next pass finds anew.
    """
    return bool(
        await db.fetchval(
            f"""with quick as materialized (select set_config('synchronous_commit', 'off', true))
                select leased_until >= clock_timestamp() + $4 from {claim.queue} q, quick
                where workspace_id = $1 and id = $2 and lease_epoch = $3 for no key update of q""",  # noqa: S608
            claim.workspace_id,
            claim.row_id,
            claim.epoch,
            at_least,
        )
    )


async def extend(db: Connection, claim: Claim, lease: timedelta) -> bool:
    """Renew our lease; False where it has passed to another."""
    result = await db.execute(
        f"""update {claim.queue} set leased_until = clock_timestamp() + $4
            where workspace_id = $1 and id = $2 and lease_epoch = $3""",  # noqa: S608
        claim.workspace_id,
        claim.row_id,
        claim.epoch,
        lease,
    )
    return bool(result == "UPDATE 1")


async def wake(db: Connection, workspace_id: UUID, queue: Queue, ids: list[UUID], now: datetime) -> None:
    """Make rows due now. Touches the generation and `due_at` alone; row locks are taken in the order of ids."""
    if not ids:
        return
    await db.execute(
        f"""update {queue} set generation = generation + 1, due_at = least(due_at, $3)
            where workspace_id = $1 and id in (
              select id from {queue} where workspace_id = $1 and id = any($2) order by id for no key update)""",  # noqa: S608
        workspace_id,
        ids,
        now,
    )
    ring(db, queue)


def ring(db: Connection, queue: str) -> None:
    """Whoever works on this queue looks again, when the transaction has committed."""
    tell(db, WAKE, queue)


async def next_due(db: Connection, queue: Queue) -> datetime | None:
    """The earliest instant at which a row that nobody holds is due (across workspaces)."""
    return (await next_due_of_each(db, [queue])).get(queue)


async def next_due_of_each(db: Connection, queues: Iterable[Queue] = QUEUES) -> dict[Queue, datetime]:
    """For each of these queues that has such a row, the earliest instant at which one is due, in one statement."""
    each = [
        f"""select '{queue}' as queue, min(due_at) as due_at from {queue}
            where due_at is not null and (leased_until is null or leased_until < clock_timestamp())"""  # noqa: S608
        for queue in queues
    ]
    rows = await db.fetch(" union all ".join(each))
    return {r["queue"]: r["due_at"] for r in rows if r["due_at"] is not None}


async def next_lapse(db: Connection, queue: Queue) -> timedelta | None:
    """Real time until the first lease of another lapses, where rows are held."""
    left: timedelta | None = await db.fetchval(
        f"select min(leased_until) - clock_timestamp() from {queue} where leased_until is not null"  # noqa: S608
    )
    return left


def _claim_sql(queue: Queue) -> str:
    order = "urgent_at nulls last, due_at" if queue == "domains" else "due_at"
    urgent = ", urgent_at" if queue == "domains" else ""
    needed = "q.urgent_at" if queue == "domains" else "q.due_at"
    free = "(q.leased_until is null or q.leased_until < clock_timestamp())"
    return f"""
        with first as materialized (
          select id from workspaces order by id limit 1
          offset floor($4::float8 * (select count(*) from workspaces))::bigint
        ), chosen as (
          select c.workspace_id, c.id from (
            (select id from workspaces where id >= (select id from first) order by id) union all
            (select id from workspaces where id < (select id from first) order by id)
          ) w cross join lateral (
            select workspace_id, id from (
              select q.workspace_id, q.id, q.due_at{urgent} from {queue} q
              where q.workspace_id = w.id and q.due_at <= $1 and {free}
              order by q.due_at limit {_LOOKED_AT}) looked_at
            order by {order} limit {_FEW}) c
          limit $3
        ), locked as (
          select q.workspace_id, q.id from {queue} q join chosen using (workspace_id, id)
          where q.due_at <= $1 and {free}
          order by q.id for no key update of q skip locked
        )
        update {queue} q set leased_until = clock_timestamp() + $2, lease_epoch = lease_epoch + 1
        from locked l where q.workspace_id = l.workspace_id and q.id = l.id
        returning q.workspace_id, q.id, q.generation, q.lease_epoch, {needed} as needed_at, q.due_at"""  # noqa: S608
