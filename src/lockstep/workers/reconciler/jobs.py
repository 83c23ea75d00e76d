"""Intents without a final outcome: those of a worker that died, and jobs that the vendor has accepted."""

from __future__ import annotations

from datetime import timedelta

from lockstep.driver.contract import Driver
from lockstep.driver.outcomes import Accepted, DriverError, Outcome, Unknown
from lockstep.operations.gate import Gate
from lockstep.storage import claims, entries, intents
from lockstep.storage.claims import Claim
from lockstep.storage.intents import IntentRow
from lockstep.workers.reconciler.situation import Place, stock_of, units_of
from lockstep.workers.reconciler.writing import store_outcome


async def end_orphans(gate: Gate, claim: Claim, place: Place) -> None:
    """What a dead worker began is neither done nor undone: its outcome is unknown, and only a reading tells."""
    async with gate.transaction(claim.workspace_id) as tx:
        for intent in await intents.open_of_domain(tx.db, tx.workspace_id, place.domain.id):
            if intent.outcome is None and await claims.holds(tx.db, claim, timedelta(0)):
                await intents.end(
                    tx.db,
                    tx.workspace_id,
                    intent.id,
                    "unknown",
                    tx.now,
                    said="the worker ended before an answer",
                )


async def follow_jobs(gate: Gate, claim: Claim, place: Place, driver: Driver) -> None:
    """Ask what came of each accepted job that is due to be asked about."""
    async with gate.reading(claim.workspace_id) as tx:
        waiting = await intents.open_of_domain(tx.db, tx.workspace_id, place.domain.id)
        due = [i for i in waiting if i.outcome == "accepted" and i.look_at and i.look_at <= tx.now]
    for intent in due:
        outcome = await _ask(gate, driver, intent)
        if outcome is not None:
            await _store(gate, claim, place, intent, outcome)


async def _ask(gate: Gate, driver: Driver, intent: IntentRow) -> Outcome | None:
    now = gate.clock.now()
    try:
        outcome = await driver.follow(intent.token or "")
    except DriverError:
        outcome = Accepted(intent.token or "", now + timedelta(seconds=30), intent.give_up_at or now)
    if isinstance(outcome, Accepted) and intent.give_up_at is not None and now >= intent.give_up_at:
        return Unknown("the job did not end in time")
    return outcome


async def _store(gate: Gate, claim: Claim, place: Place, intent: IntentRow, outcome: Outcome) -> None:
    async with gate.transaction(claim.workspace_id) as tx:
        entry = await entries.get(tx.db, tx.workspace_id, intent.entry_id)
        stock = await stock_of(tx, place.domain.id)
        units = [u for u in units_of(place, stock) if any(e.id == intent.entry_id for e in u.entries)]
        if entry is None or not units:
            await intents.end(tx.db, tx.workspace_id, intent.id, "unknown", tx.now)
            return
        await store_outcome(tx, claim, place, units[0], entry, intent, outcome)
