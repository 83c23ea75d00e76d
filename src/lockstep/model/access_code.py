"""The status of an access code, derived when read from declaration, belief, last failure and now; never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lockstep.model.belief import Belief, is_proven
from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import ABSENT, OTHER, Declared, carried, due_state, effective_window

LATE_AHEAD = timedelta(minutes=60)
"""Late alarm on locks with their own schedule: not proven this long before the arrival."""
LATE_JUST_IN_TIME = timedelta(minutes=30)
REMOVAL_ALARM = timedelta(minutes=5)
"""A removal that is due and not proven this long is an alarm."""


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
    """Why the last attempt did not do: `code` is public API, `cause` says it in words, `next_step` what to do."""

    code: str
    cause: str
    next_step: str
    at: datetime


def status(declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime) -> Status:
    """One of the six states in which the API shows a code."""
    want = due_state(declared, capabilities, now)
    current = carried(declared.revision)
    if want == ABSENT and (declared.is_withdrawn or declared.spec.window.is_over(now)):
        if is_gone(belief, now):
            return Status.REMOVED
        return Status.REMOVING
    if want in (None, ABSENT) and not belief.may_be_present:
        return Status.UNSET
    if is_proven(belief, want if want not in (None, ABSENT) else current, capabilities):
        return Status.SET
    if belief.possible == {OTHER}:
        return Status.UNKNOWN
    return Status.SETTING


def standing(
    declared: Declared,
    belief: Belief,
    capabilities: Capabilities,
    now: datetime,
    failure: Failure | None = None,
) -> Standing:
    """Proven, scheduled, unconfirmed or failed (refused, or late)."""
    now_status = status(declared, belief, capabilities, now)
    if now_status is Status.SET:
        return Standing.PROVEN
    if now_status is Status.REMOVED:
        return Standing.GONE
    if failure is not None or is_late(declared, belief, capabilities, now):
        return Standing.FAILED
    if now_status is Status.UNSET:
        return Standing.SCHEDULED
    return Standing.UNCONFIRMED


def is_late(declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime) -> bool:
    """Whether the alarm is due: an arrival close by without proof, or a removal overdue without proof."""
    at = removal_alarm_at(declared, capabilities)
    if at is not None and now >= at and not is_gone(belief, now):
        return True
    if declared.is_withdrawn or effective_window(declared.spec.window, capabilities).is_over(now):
        return False
    want = due_state(declared, capabilities, now) or carried(declared.revision)
    return now >= arrival_alarm_at(declared, capabilities) and not is_proven(belief, want, capabilities)


def arrival_alarm_at(declared: Declared, capabilities: Capabilities) -> datetime:
    """From when on an arrival without proof is an alarm; what is declared later than that gets five minutes."""
    lead = LATE_JUST_IN_TIME if capabilities.is_just_in_time else LATE_AHEAD
    at = declared.spec.window.starts_at - lead
    return at if declared.declared_at is None else max(at, declared.declared_at + REMOVAL_ALARM)


def removal_alarm_at(declared: Declared, capabilities: Capabilities) -> datetime | None:
    """From when on an entry that is not proven gone is an alarm; None for a code without an end."""
    ends_at = effective_window(declared.spec.window, capabilities).ends_at
    moments = [at for at in (declared.withdrawn_at, ends_at) if at is not None]
    return min(moments) + REMOVAL_ALARM if moments else None


def is_gone(belief: Belief, now: datetime) -> bool:
    """Proven not there, and nothing of it can appear any more."""
    if belief.possible != {ABSENT}:
        return False
    if belief.last_write_at is None:
        return True
    return belief.late_until is None or (belief.read_at is not None and belief.read_at >= belief.late_until)
