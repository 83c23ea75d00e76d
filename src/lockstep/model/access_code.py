"""The status of an access code, derived from declaration, belief, last failure and now; nothing stores it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lockstep.model.belief import Belief, is_proven
from lockstep.model.capabilities import Capabilities, Delete, Evidence
from lockstep.model.declared import (
    ABSENT,
    OTHER,
    Declared,
    carried,
    due_state,
    effective_end,
    is_over,
    revision_of,
)

LATE_AHEAD = timedelta(minutes=60)
"""Late alarm on locks with their own schedule: not proven this long before the arrival."""
LATE_JUST_IN_TIME = timedelta(minutes=30)
REMOVAL_ALARM = timedelta(minutes=5)
"""A removal that is due and not proven this long is an alarm."""
GRACE = timedelta(minutes=5)
"""What was declared late, was just changed by somebody else, or is on a lock that was just listed, gets this long
before it is an alarm."""


class Status(StrEnum):
    UNSET = "unset"
    SETTING = "setting"
    SET = "set"
    REMOVING = "removing"
    REMOVED = "removed"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """How a code stands in front of a person: the words of the first page."""

    PROVEN = "proven"
    SCHEDULED = "scheduled"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last attempt failed: `code` is public API, `cause` says it in words, `next_step` what to do."""

    code: str
    cause: str
    next_step: str
    at: datetime


def status(
    declared: Declared,
    belief: Belief,
    capabilities: Capabilities,
    now: datetime,
    *,
    is_listed: bool = True,
    is_connected: bool = True,
    is_read: bool = True,
) -> Status:
    """One of the six states in which the API shows a code. `is_listed` False: its vendor no longer lists the lock, so
    that what was proven may be so no longer. `is_read` False: nobody can look at it for now. `is_connected` False: nor
    will anybody look at it or write to it."""
    want = due_state(declared, capabilities, now)
    if not (is_connected and is_read) and belief.may_be_present:
        return Status.UNKNOWN
    if want == ABSENT and (declared.is_withdrawn or declared.spec.window.is_over(now)):
        return Status.REMOVED if is_gone(belief) else Status.REMOVING
    if not belief.may_be_present and (want in (None, ABSENT) or not is_connected):
        return Status.UNSET
    if want == ABSENT:
        return Status.REMOVING
    if is_proven(belief, want or carried(declared.revision), capabilities):
        return Status.SET if is_listed else Status.UNKNOWN
    if belief.possible == {OTHER}:
        return Status.UNKNOWN
    return Status.SETTING


def standing(
    declared: Declared,
    belief: Belief,
    capabilities: Capabilities,
    now: datetime,
    failure: Failure | None = None,
    *,
    is_listed: bool = True,
    is_connected: bool = True,
    is_read: bool = True,
) -> Standing:
    """Proven, scheduled, unconfirmed or failed: refused, late, on a lock that its vendor does not list or whose account
    is disconnected. What is over and was left on such a lock, on purpose, is no failure. What was proven on a lock that
    nobody can look at for now is unconfirmed: it may stand there still."""
    now_status = status(
        declared, belief, capabilities, now, is_listed=is_listed, is_connected=is_connected, is_read=is_read
    )
    if now_status is Status.SET:
        return Standing.PROVEN
    if now_status is Status.REMOVED:
        return Standing.GONE
    if not is_connected:
        is_leaving = declared.is_withdrawn or is_over(declared, capabilities, now)
        return Standing.UNCONFIRMED if is_leaving else Standing.FAILED
    if not is_listed or failure is not None or is_late(declared, belief, capabilities, now):
        return Standing.FAILED
    if now_status is Status.UNSET:
        return Standing.SCHEDULED
    return Standing.UNCONFIRMED


def rank(belief: Belief, used_at: datetime | None) -> Evidence:
    """How far a code is known to have come. `used_at`: when it last opened its door, by the vendor's log.

    What opened the door before the last write was the code as it was then, which proves nothing of what it is now.
    """
    is_certain = belief.only not in (None, ABSENT, OTHER)
    if is_certain and used_at is not None and used_at >= (belief.last_write_at or used_at):
        return Evidence.USED
    return belief.evidence


def as_known(belief: Belief, unlisted_since: datetime | None, now: datetime) -> Belief:
    """What alarms go by: of a lock that its vendor has not listed for a while nothing counts as proven."""
    if unlisted_since is None or now < unlisted_since + GRACE or not belief.may_be_present:
        return belief
    return replace(belief, proven_at=None)


def is_late(declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime) -> bool:
    """Whether the alarm is due: an arrival close by without proof, or a removal overdue without proof."""
    return is_arrival_late(declared, belief, capabilities, now) or is_removal_late(
        declared, belief, capabilities, now
    )


def is_arrival_late(declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime) -> bool:
    """Whether the guest is inside or arrives soon, and the code is not proven."""
    if declared.is_withdrawn or declared.is_spare or is_over(declared, capabilities, now):
        return False
    if now < _arrival_late_at(declared, belief, capabilities):
        return False
    want = due_state(declared, capabilities, now) or carried(declared.revision)
    return not is_proven(belief, want, capabilities)


def is_removal_late(declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime) -> bool:
    """Whether the code should long be gone and may still be there."""
    if not belief.may_be_present:
        return False
    at = removal_alarm_at(declared, capabilities)
    return at is not None and now >= at


def may_have_older(declared: Declared, belief: Belief) -> bool:
    """Whether the lock may have it as it was declared before."""
    revisions = (revision_of(state) for state in belief.possible)
    return any(n is not None and n < declared.revision for n in revisions)


def alarm_instants(declared: Declared, belief: Belief, capabilities: Capabilities) -> tuple[datetime, ...]:
    """When `is_late` may become true without anything happening."""
    removal = removal_alarm_at(declared, capabilities)
    instants = [removal] if removal is not None else []
    if not declared.is_withdrawn and not declared.is_spare:
        instants.append(_arrival_late_at(declared, belief, capabilities))
    return tuple(instants)


def arrival_alarm_at(declared: Declared, capabilities: Capabilities) -> datetime:
    """From when on an arrival without proof is an alarm; what is declared later than that gets five minutes."""
    lead = LATE_JUST_IN_TIME if capabilities.is_just_in_time else LATE_AHEAD
    at = declared.spec.window.starts_at - lead
    return at if declared.declared_at is None else max(at, declared.declared_at + GRACE)


def removal_alarm_at(declared: Declared, capabilities: Capabilities) -> datetime | None:
    """From when on an entry that is not proven gone is an alarm; None for a code without an end, and for one that
    nobody can take back and that ends by itself."""
    ends_at = effective_end(declared.spec.window, capabilities)
    if capabilities.delete is Delete.IMPOSSIBLE and capabilities.schedule.expires_by_itself:
        ends_at = None
    moments = [at for at in (declared.withdrawn_at, ends_at) if at is not None]
    return min(moments) + REMOVAL_ALARM if moments else None


def is_gone(belief: Belief) -> bool:
    """Proven not there, and nothing of it can appear any more: nobody need look for it again."""
    return belief.possible == {ABSENT} and belief.late_until is None


def _arrival_late_at(declared: Declared, belief: Belief, capabilities: Capabilities) -> datetime:
    """The alarm's instant, with time to put right what the passage of time or somebody else has just changed."""
    at = arrival_alarm_at(declared, capabilities)
    if belief.overwritten_at is not None:
        at = max(at, belief.overwritten_at + GRACE)
    if capabilities.is_just_in_time and carried(declared.revision, is_enabled=False) in belief.possible:
        at = max(at, declared.spec.window.starts_at + GRACE)
    return at
