"""Why a code stands as it does and what comes next, in words for whoever waits for a guest. Pure.

Tells no instants: they are shown in a property's zone, which nothing here knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lockstep.model.access_code import Failure, Standing, rank
from lockstep.model.belief import Belief
from lockstep.model.capabilities import Capabilities, Evidence
from lockstep.model.code_events import alarms_due
from lockstep.model.declared import ABSENT, OTHER, Declared, due_state, revision_of

NOTHING_TO_DO = "Nothing to do."


@dataclass(frozen=True, slots=True)
class Reason:
    """`next_step` is for a person; where Lockstep goes on by itself it says so."""

    cause: str
    next_step: str = NOTHING_TO_DO


PROOFS = {
    Evidence.NONE: "Its state on the lock was proven.",
    Evidence.ACCEPTED: "The vendor took it, and can give no better proof.",
    Evidence.LISTED: "Seen in the vendor's own listing after it was written.",
    Evidence.ACKNOWLEDGED: "Confirmed by the lock itself.",
    Evidence.USED: "It opened this door.",
}
"""What each rank of evidence says."""

_GOES_ON = "Nothing to do: Lockstep looks again by itself."


def reason_of(
    standing: Standing,
    declared: Declared,
    belief: Belief,
    capabilities: Capabilities,
    now: datetime,
    failure: Failure | None = None,
    used_at: datetime | None = None,
) -> Reason:
    """Why a code that stands so does. `failure` is what went wrong last with it or with its lock, if anything did;
    `used_at`, when it last opened its door."""
    if standing is Standing.PROVEN:
        return Reason(PROOFS[rank(belief, used_at)])
    if standing is Standing.GONE:
        return Reason("It is proven gone from the lock.")
    if standing is Standing.FAILED:
        return _of_failure(declared, belief, capabilities, now, failure)
    if standing is Standing.SCHEDULED:
        return Reason("Its time has not come yet.")
    if failure is not None:
        return Reason(failure.cause, failure.next_step)
    return Reason(_in_doubt(declared, belief, capabilities, now), _GOES_ON)


def _of_failure(
    declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime, failure: Failure | None
) -> Reason:
    if failure is not None:
        return Reason(failure.cause, failure.next_step)
    for fact in alarms_due(declared, belief, capabilities, now):
        return Reason(str(fact.details["cause"]), str(fact.details["next_step"]))
    return Reason("It is not on the lock as declared.", _GOES_ON)


def _in_doubt(declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime) -> str:
    if due_state(declared, capabilities, now) == ABSENT:
        return "It is being taken off, and is not proven gone yet."
    if belief.accepted is not None:
        return "The vendor took it; it was not seen on the lock yet."
    if belief.tried and len(belief.possible) > 1:
        return "A change got no clear answer: the lock is read before anything is written again."
    if belief.overwritten_at is not None and belief.possible in ({ABSENT}, {OTHER}):
        return "Somebody else changed it on the lock; it is being put right."
    if any(revision_of(state) is not None for state in belief.possible):
        return "It was changed, and the lock may still have it as it was before."
    if not belief.tried:
        return "It is not on the lock yet, and goes there as soon as the lock can take it."
    return "It is being written to the lock."
