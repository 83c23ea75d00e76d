"""Reads one calendar that is due: fetches and parses outside of any transaction, then has the reading followed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from lockstep.kit.metrics import LEASES_LOST
from lockstep.model.permissions import Actor, worker
from lockstep.operations import feed_readings
from lockstep.operations.feed_readings import FeedToRead, Taken, Version
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import claims
from lockstep.storage.claims import Claim
from lockstep.workers.calendars.fetch import NotModified, Pulled, PullFault, pull
from lockstep.workers.calendars.ical import read_calendar

log = structlog.get_logger()


class Puller:
    """Processes claims of calendars for the worker's loop."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def process(self, claim: Claim) -> None:
        """Read, follow and release in one transaction under this claim's epoch, so that a late reader does nothing."""
        actor = worker(claim.workspace_id, "calendars")
        async with self._gate.reading(claim.workspace_id) as tx:
            feed = await feed_readings.prepare(tx, actor, claim.row_id)
        answer = None if feed is None else await self._ask(feed)
        read = None
        if feed is not None and isinstance(answer, Pulled):
            read = await asyncio.to_thread(
                read_calendar, answer.body, answer.content_type, now=self._gate.clock.now(), house=feed.house
            )
        async with self._gate.transaction(claim.workspace_id) as tx:
            # Asked before anything is written: nobody takes the row before this ends.
            if not await claims.holds(tx.db, claim, timedelta(0)):
                LEASES_LOST.labels("calendars").inc()
                log.info("calendar_lease_lost", calendar=str(claim.row_id))
                return
            if isinstance(answer, Pulled) and read is not None:
                version = Version(answer.etag, answer.last_modified)
                taken = await feed_readings.take(tx, actor, claim.row_id, read, version)
            else:
                taken = await _without_reading(tx, actor, claim, answer)
            await claims.release(tx.db, claim, taken.due_at)
        _tell(claim, taken)

    async def _ask(self, feed: FeedToRead) -> Pulled | NotModified | PullFault:
        return await pull(
            feed.url, feed.etag, feed.last_modified, self._gate.outbound, now=self._gate.clock.now()
        )


async def _without_reading(
    tx: Tx, actor: Actor, claim: Claim, answer: NotModified | PullFault | Pulled | None
) -> Taken:
    if isinstance(answer, NotModified):
        return await feed_readings.take_unchanged(tx, actor, claim.row_id)
    if isinstance(answer, PullFault):
        not_before = None if answer.retry_after is None else tx.now + answer.retry_after
        return await feed_readings.fail(
            tx, actor, claim.row_id, answer.code, answer.what, answer.next_step, not_before
        )
    return Taken(None)


def _tell(claim: Claim, taken: Taken) -> None:
    if taken.created or taken.changed or taken.cancelled or taken.is_failing:
        log.info(
            "calendar_read",
            calendar=str(claim.row_id),
            created=taken.created,
            changed=taken.changed,
            cancelled=taken.cancelled,
            is_held=taken.is_held,
            is_failing=taken.is_failing,
        )
