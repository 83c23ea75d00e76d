"""Gives committed events their positions and their places in the hash chain, and makes their deliveries. Tells what
only several of them together mean: that a grant is met on all of its locks, and once for all that it is late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model.audit import link
from lockstep.model.events import (
    AccessCodeDeleted,
    AccessCodeLate,
    AccessCodeMissedStart,
    AccessCodeSetOnDevice,
    AccessGrantLate,
    AccessGrantMet,
    AccessGrantMissedStart,
    Event,
)
from lockstep.operations.audit import entry_of
from lockstep.operations.events import drafts, recorded
from lockstep.operations.forms import form_of
from lockstep.operations.gate import Gate
from lockstep.storage import deliveries, events, met_grants, webhooks
from lockstep.storage.database import Connection
from lockstep.storage.deliveries import DeliveryDraft
from lockstep.storage.events import Head, PositionedRow

_AT_ONCE = 500
_ACTOR = "worker:sequencer"
_MAY_MEET = {AccessCodeSetOnDevice.kind, AccessCodeDeleted.kind}
_LATE = ((AccessCodeLate, AccessGrantLate), (AccessCodeMissedStart, AccessGrantMissedStart))


async def sequence_all(gate: Gate) -> int:
    """Sequence whatever waits, in every workspace that has something waiting; how many events."""
    async with gate.database.reading(None) as db:
        waiting = await events.waiting(db)
    return sum([await sequence(gate, workspace_id) for workspace_id in waiting])


async def sequence(gate: Gate, workspace_id: UUID) -> int:
    """Sequence what waits in one workspace, in batches that each commit; how many events."""
    count = 0
    while True:
        async with gate.database.transaction(workspace_id) as db:
            # Held by one at a time; whoever waits here finds afterwards what the other left.
            head = await events.head(db, workspace_id, is_held=True)
            now = gate.clock.now()
            placed = _placed(head, await events.without_position(db, workspace_id, _AT_ONCE), now)
            if placed:
                await events.give_positions(db, workspace_id, placed)
                await _make_deliveries(gate, db, workspace_id, placed, now)
            facts = [*await _met(db, workspace_id, placed), *await _late(db, workspace_id, placed)]
            await events.append(db, workspace_id, _ACTOR, now, drafts(facts))
            has_more = bool(facts) or len(placed) == _AT_ONCE
        count += len(placed)
        if not has_more:
            return count


def _placed(head: Head, rows: Sequence[events.EventRow], now: datetime) -> list[PositionedRow]:
    placed = []
    hash_ = head.hash
    for position, row in enumerate(rows, head.position + 1):
        hash_ = link(hash_, entry_of(PositionedRow(position, b"", row, now)))
        placed.append(PositionedRow(position, hash_, row, now))
    return placed


async def _met(db: Connection, workspace_id: UUID, placed: Sequence[PositionedRow]) -> list[Event]:
    """Locks prove their codes at the same time, each unseen by the others; here all of it is committed."""
    grant_ids = _grants_in(placed, _MAY_MEET)
    if not grant_ids:
        return []
    return [
        AccessGrantMet(access_grant_id=m.public_id, booking_id=m.booking_public_id, is_again=m.is_again)
        for m in await met_grants.newly_met(db, workspace_id, grant_ids)
    ]


async def _late(db: Connection, workspace_id: UUID, placed: Sequence[PositionedRow]) -> list[Event]:
    """Each lock tells that its code is late; of a grant it is told once, whichever lock is first."""
    facts: list[Event] = []
    for code, grant in _LATE:
        grant_ids = _grants_in(placed, {code.kind})
        if grant_ids:
            has_begun = grant is AccessGrantMissedStart
            late = await met_grants.newly_late(db, workspace_id, grant_ids, has_begun=has_begun)
            facts += [grant(access_grant_id=id, booking_id=booking_id) for id, booking_id in late]
    return facts


def _grants_in(placed: Sequence[PositionedRow], kinds: set[str]) -> list[str]:
    """Public ids of the grants that events of these kinds are about."""
    asked = {row.event.subjects.get("access_grant_id") for row in placed if row.event.kind in kinds}
    return sorted(id for id in asked if id is not None)


async def _make_deliveries(
    gate: Gate, db: Connection, workspace_id: UUID, placed: Sequence[PositionedRow], now: datetime
) -> None:
    drafts = []
    for webhook in await webhooks.listening(db, workspace_id):
        form = form_of(gate, webhook.form)
        for row in placed:
            if row.position <= webhook.position:
                continue
            for told_as in form.types_of(recorded(row)):
                if webhook.kinds is None or told_as in webhook.kinds:
                    id = new_id()
                    code = public_id("delivery", id)
                    drafts.append(DeliveryDraft(id, code, webhook.id, row.position, told_as))
    await deliveries.insert(db, workspace_id, drafts, now)
