"""Gives committed events their positions and their places in the hash chain, and makes their deliveries. Tells what
only several of them together mean: that a grant is met on all of its locks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model.audit import link
from lockstep.model.events import AccessCodeDeleted, AccessCodeSetOnDevice, AccessGrantMet
from lockstep.operations.audit import entry_of
from lockstep.operations.events import drafts, recorded
from lockstep.operations.forms import form_of
from lockstep.operations.gate import Gate
from lockstep.storage import deliveries, events, grants, webhooks
from lockstep.storage.database import Connection
from lockstep.storage.deliveries import DeliveryDraft
from lockstep.storage.events import Head, PositionedRow

_AT_ONCE = 500
_ACTOR = "worker:sequencer"
_MAY_MEET = {AccessCodeSetOnDevice.kind, AccessCodeDeleted.kind}


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
            has_more = await _tell_met(db, workspace_id, placed, now) or len(placed) == _AT_ONCE
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


async def _tell_met(
    db: Connection, workspace_id: UUID, placed: Sequence[PositionedRow], now: datetime
) -> bool:
    """Locks prove their codes at the same time, each unseen by the others; here all of it is committed. Whether there
    was anything to tell."""
    asked = {row.event.subjects.get("access_grant_id") for row in placed if row.event.kind in _MAY_MEET}
    grant_ids = sorted(id for id in asked if id is not None)
    if not grant_ids:
        return False
    facts = [
        AccessGrantMet(access_grant_id=m.public_id, booking_id=m.booking_public_id, is_again=m.is_again)
        for m in await grants.newly_met(db, workspace_id, grant_ids)
    ]
    await events.append(db, workspace_id, _ACTOR, now, drafts(facts))
    return bool(facts)


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
