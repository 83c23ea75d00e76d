"""What came of a mutating call, stored and told: the intent's outcome, the belief, digits, the window as given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.driver.outcomes import Accepted, Done, DriverError, Outcome, Refused, Unknown
from lockstep.model.belief import Belief, after_done, after_refusal, after_unknown
from lockstep.model.declared import effective_window
from lockstep.model.window import Window
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import entries, writes
from lockstep.storage.database import Connection
from lockstep.storage.entries import EntryRow
from lockstep.storage.intents import IntentRow
from lockstep.storage.writes import Ending
from lockstep.workers.reconciler.digits import free_digits, keep_issued
from lockstep.workers.reconciler.remedies import Remedy, of_error, of_refusal
from lockstep.workers.reconciler.situation import Work
from lockstep.workers.reconciler.telling import facts_of, tell_beliefs


@dataclass(frozen=True, slots=True)
class Written:
    """What came of one change. `belief` None: nothing was sent, see the other fields."""

    belief: Belief | None = None
    remedy: Remedy | None = None
    wait_until: datetime | None = None
    """The account has no call left before."""
    is_lease_lost: bool = False
    is_outdated: bool = False
    """Declared anew meanwhile."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that may leave us: the entry as it was, what is believed since, and the intent."""

    before: EntryRow
    widened: Belief
    intent: IntentRow


async def store_outcome(
    gate: Gate,
    work: Work,
    begun: Begun,
    outcome: Outcome | DriverError,
    permit_id: UUID | None = None,
    further_calls: int = 0,
) -> Written:
    """The outcome of an intent is stored always; what follows for the belief only under our own lease. The call's
    permit is given back with it."""
    now = gate.clock.now()
    written = _judge(work, begun, outcome, now)
    belief = written.belief or begun.widened

    async def end(db: Connection) -> bool:
        account_id, ending = work.place.account.id, _ending(outcome)
        return await writes.end(
            db,
            work.claim.workspace_id,
            work.claim,
            account_id,
            begun.intent,
            ending,
            belief,
            now,
            permit_id,
            further_calls,
        )

    if not _has_consequences(work, begun, outcome, written, now):
        async with gate.database.reading(work.claim.workspace_id) as db:
            return written if await end(db) else Written(is_lease_lost=True)
    # Together, or a crash in between would leave a code that is believed set, and digits that nobody knows.
    async with gate.transaction(work.claim.workspace_id) as tx:
        if not await end(tx.db):
            return Written(is_lease_lost=True)
        await _store_consequences(tx, work, begun, outcome, written)
    return written


def _has_consequences(
    work: Work, begun: Begun, outcome: Outcome | DriverError, written: Written, now: datetime
) -> bool:
    """Whether more is to be stored than outcome and belief: mostly not."""
    before = begun.before
    match outcome:
        case Accepted():
            return False
        case Done() | Unknown() if written.belief is not None:
            is_other_window = isinstance(outcome, Done) and _given(work, begun, outcome) != before.actual
            is_issued = isinstance(outcome, Done) and outcome.material is not None
            return is_other_window or is_issued or bool(facts_of(work.unit, before, written.belief, now))
    return written.belief is not None


async def _store_consequences(
    tx: Tx, work: Work, begun: Begun, outcome: Outcome | DriverError, written: Written
) -> None:
    before, intent, belief = begun.before, begun.intent, written.belief or begun.widened
    match outcome:
        case Done():
            if intent.kind == "issue" and outcome.material:
                await keep_issued(tx, work, before.declared, intent.revision, outcome.material)
            if intent.kind != "remove":
                await entries.store_actual_window(
                    tx.db, tx.workspace_id, before.id, _given(work, begun, outcome)
                )
            await tell_beliefs(tx, work.unit, [(before, belief)])
        case Unknown():
            await tell_beliefs(tx, work.unit, [(before, belief)])
        case _:
            # Nothing was changed: digits that were taken for this write alone are free again.
            specs = await entries.specs_of(tx.db, tx.workspace_id, [before.id])
            await free_digits(tx, work.unit, before.id, belief, specs[before.id])


def _given(work: Work, begun: Begun, outcome: Done) -> Window | None:
    """The window as the vendor really gave it, where it is another than was to be expected."""
    if begun.intent.kind == "remove":
        return begun.before.actual
    expected = effective_window(begun.before.declared.spec.window, work.unit.capabilities)
    return None if outcome.window == expected else outcome.window


def _judge(work: Work, begun: Begun, outcome: Outcome | DriverError, now: datetime) -> Written:
    belief, intent, capabilities = begun.widened, begun.intent, work.unit.capabilities
    match outcome:
        case Done(evidence=evidence, reference=reference, version=version):
            # A removal names where nothing stands any more; it may have been a second copy's place.
            at = None if intent.kind == "remove" else reference or intent.place
            return Written(after_done(belief, intent.state, at, version, evidence, capabilities, now))
        case Accepted():
            return Written(belief)
        case Refused():
            before = frozenset(intent.possible_before)
            refused = after_refusal(belief, before, intent.last_write_before)
            return Written(refused, of_refusal(outcome, work.unit.label, now))
        case Unknown(horizon=horizon):
            return Written(after_unknown(belief, now, capabilities, horizon))
    # Nothing was sent: as if the intent had never been.
    failures = work.place.domain.failures
    return Written(begun.before.belief, of_error(outcome, work.unit.label, failures, now))


def _ending(outcome: Outcome | DriverError) -> Ending:
    match outcome:
        case Done():
            return Ending("done")
        case Accepted():
            return Ending(
                "accepted", token=outcome.token, look_at=outcome.look_at, give_up_at=outcome.give_up_at
            )
        case Refused():
            return Ending("refused", outcome.reason, outcome.said)
        case Unknown():
            return Ending("unknown", said=outcome.said)
    return Ending("not_sent", outcome.code, outcome.said)
