"""What came of a mutating call, stored and told: the intent's outcome, the belief, digits, the window as given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lockstep.driver.outcomes import Accepted, Done, DriverError, Outcome, Refused, Unknown
from lockstep.model.belief import Belief, after_done, after_refusal, after_unknown
from lockstep.operations.gate import Tx
from lockstep.storage import claims, entries, intents
from lockstep.storage.entries import EntryRow
from lockstep.storage.intents import IntentRow
from lockstep.workers.reconciler.digits import free_digits, keep_issued
from lockstep.workers.reconciler.remedies import Remedy, of_error, of_refusal
from lockstep.workers.reconciler.situation import Work
from lockstep.workers.reconciler.telling import tell_belief


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


async def store_outcome(tx: Tx, work: Work, begun: Begun, outcome: Outcome | DriverError) -> Written:
    """The outcome of an intent is stored always; what follows for the belief only under our own lease."""
    before, intent = begun.before, begun.intent
    written = _judge(tx, work, begun, outcome)
    await _store_intent(tx, intent, outcome)
    if not await claims.holds(tx.db, work.claim, timedelta(0)):
        return Written(is_lease_lost=True)
    if written.belief is None:
        return written
    await entries.store_belief(tx.db, tx.workspace_id, before.id, written.belief)
    match outcome:
        case Done():
            if intent.kind == "issue" and outcome.material:
                await keep_issued(tx, work, before.declared, intent.revision, outcome.material)
            if intent.kind != "remove":
                await entries.store_actual_window(tx.db, tx.workspace_id, before.id, outcome.window)
            await tell_belief(tx, work.unit, before, written.belief)
        case Unknown():
            await tell_belief(tx, work.unit, before, written.belief)
        case Accepted():
            pass
        case _:
            # Nothing was changed: digits that were taken for this write alone are free again.
            specs = await entries.specs_of(tx.db, tx.workspace_id, [before.id])
            await free_digits(tx, work.unit, before.id, written.belief, specs[before.id])
    return written


def _judge(tx: Tx, work: Work, begun: Begun, outcome: Outcome | DriverError) -> Written:
    belief, intent, capabilities = begun.widened, begun.intent, work.unit.capabilities
    match outcome:
        case Done(evidence=evidence, reference=reference, version=version):
            # A removal names where nothing stands any more; it may have been a second copy's place.
            at = None if intent.kind == "remove" else reference or intent.place
            return Written(after_done(belief, intent.state, at, version, evidence, capabilities, tx.now))
        case Accepted():
            return Written(belief)
        case Refused():
            before = frozenset(intent.possible_before)
            refused = after_refusal(belief, before, intent.last_write_before)
            return Written(refused, of_refusal(outcome, work.unit.label, tx.now))
        case Unknown(horizon=horizon):
            return Written(after_unknown(belief, tx.now, capabilities, horizon))
    # Nothing was sent: as if the intent had never been.
    failures = work.place.domain.failures
    return Written(begun.before.belief, of_error(outcome, work.unit.label, failures, tx.now))


async def _store_intent(tx: Tx, intent: IntentRow, outcome: Outcome | DriverError) -> None:
    ended = {"said": getattr(outcome, "said", None)}
    token, look_at, give_up_at = None, None, None
    match outcome:
        case Done():
            name = "done"
        case Accepted():
            name, token = "accepted", outcome.token
            look_at, give_up_at = outcome.look_at, outcome.give_up_at
        case Refused():
            name = "refused"
            ended["reason"] = outcome.reason
        case Unknown():
            name = "unknown"
        case _:
            name = "not_sent"
            ended["reason"] = outcome.code
    await intents.end(
        tx.db,
        tx.workspace_id,
        intent.id,
        name,
        tx.now,
        token=token,
        look_at=look_at,
        give_up_at=give_up_at,
        **ended,
    )
