"""Intents without a final outcome: those of a worker that died, and jobs that the vendor has accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from lockstep.driver.contract import Driver
from lockstep.driver.outcomes import Accepted, DriverError, Outcome, Unknown
from lockstep.operations.gate import Gate
from lockstep.storage import claims, entries, intents
from lockstep.storage.claims import Claim
from lockstep.storage.intents import IntentRow
from lockstep.workers.reconciler.situation import Place, Work, stock_of, units_of
from lockstep.workers.reconciler.storing import Begun, store_outcome

_ASK_AGAIN = timedelta(seconds=30)


async def end_orphans(gate: Gate, claim: Claim, found: Sequence[IntentRow]) -> bool:
    """What a dead worker began is neither done nor undone: its outcome is unknown, and only a reading tells.

    True where there was such an intent."""
    orphans = [i for i in found if i.outcome is None]
    if not orphans:
        return False
    async with gate.transaction(claim.workspace_id) as tx:
        if await claims.holds(tx.db, claim, timedelta(0)):
            for intent in orphans:
                said = "the worker ended before an answer"
                await intents.end(tx.db, tx.workspace_id, intent.id, "unknown", tx.now, said=said)
    return True


async def follow_jobs(
    gate: Gate, claim: Claim, place: Place, driver: Driver, found: Sequence[IntentRow]
) -> bool:
    """Ask what came of each accepted job that is due to be asked about. True where one was."""
    now = gate.clock.now()
    due = [i for i in found if i.outcome == "accepted" and i.look_at and i.look_at <= now]
    for intent in due:
        await _store(gate, claim, place, intent, await _ask(gate, driver, intent))
    return bool(due)


async def _ask(gate: Gate, driver: Driver, intent: IntentRow) -> Outcome:
    now = gate.clock.now()
    try:
        outcome = await driver.follow(intent.token or "")
    except DriverError:
        outcome = Accepted(intent.token or "", now + _ASK_AGAIN, intent.give_up_at or now)
    is_given_up = intent.give_up_at is not None and now >= intent.give_up_at + _ASK_AGAIN
    if isinstance(outcome, Accepted) and is_given_up:
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
    await store_outcome(gate, Work(claim, place, units[0]), Begun(entry, entry.belief, intent), outcome)
