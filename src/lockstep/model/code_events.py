"""Which events a change of belief causes, and which alarms are due. Knows an entry, not its public ids. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockstep.model import events
from lockstep.model.access_code import is_arrival_late, is_removal_late, may_have_older
from lockstep.model.belief import Belief, is_proven
from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import (
    ABSENT,
    Declared,
    due_state,
    is_enabled,
    is_over,
    is_written_ahead,
    revision_of,
)
from lockstep.model.edit import ChangeType, EditedField, FieldChange
from lockstep.model.plan_item import MOST_ATTEMPTS

OVERWRITTEN_AGAIN = 3
"""Changed by somebody else this often in a row: two systems are at work."""


@dataclass(frozen=True, slots=True)
class CodeFact:
    """What happened to an entry: an event for each access code that the entry stands for."""

    event: type[events.AccessCodeEvent]
    details: Mapping[str, object] = field(default_factory=dict)
    alarm: str | None = None
    """For alarms: what to remember, so that it is raised once."""

    def about(
        self,
        *,
        access_code_id: str,
        device_id: str,
        access_grant_id: str | None = None,
        is_at_door: bool = False,
    ) -> events.AccessCodeEvent:
        """The event for one access code."""
        said: dict[str, Any] = {
            **self.details,
            "access_code_id": access_code_id,
            "device_id": device_id,
            "access_grant_id": access_grant_id,
            "is_at_door": is_at_door,
        }
        return self.event(**said)


def events_of_belief(
    declared: Declared, before: Belief, after: Belief, capabilities: Capabilities, now: datetime
) -> list[CodeFact]:
    """What is to be told of the step from one belief to the next; each transition once, whatever lay between."""
    found = []
    was_overwritten = after.overwritten_at != before.overwritten_at
    if was_overwritten:
        found.append(edit_told(after))
    if was_overwritten and after.overwritten == OVERWRITTEN_AGAIN:
        found.append(_overwritten_again(after))
    is_due = due_state(declared, capabilities, now) != ABSENT
    if is_due and _is_set(declared, after, capabilities) and not _was_set(declared, before):
        only = after.only or ""
        evidence = after.evidence.name.lower()
        is_ahead = is_written_ahead(declared, after.last_write_at, capabilities)
        details = {"evidence": evidence, "is_enabled": is_enabled(only), "is_ahead": is_ahead}
        found.append(CodeFact(events.AccessCodeSetOnDevice, {**details, "revision": declared.revision}))
    elif is_due and _is_set(declared, after, capabilities) and _was_held_disabled(before, after):
        found.append(CodeFact(events.AccessCodeStarted, {"revision": declared.revision}))
    if not was_overwritten and _is_removed(before, after, capabilities):
        is_for_good = declared.is_withdrawn or is_over(declared, capabilities, now)
        found.append(CodeFact(events.AccessCodeRemovedFromDevice, {"is_for_good": is_for_good}))
    if _is_unconfirmed(after) and not _is_unconfirmed(before):
        found.append(CodeFact(events.AccessCodeUnconfirmed))
    return found


def start_due(
    declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime, already: int | None
) -> CodeFact | None:
    """That a code which the lock itself lets open only from its start opens now; told once for each revision.
    `already`: the revision of which it was told. `next_thought` counts the instant in."""
    if already == declared.revision or not capabilities.schedule.is_own:
        return None
    if not declared.is_inside(now) or not _is_set(declared, belief, capabilities):
        return None
    if not is_written_ahead(declared, belief.last_write_at, capabilities):
        return None
    return CodeFact(events.AccessCodeStarted, {"revision": declared.revision})


def alarms_due(
    declared: Declared,
    belief: Belief,
    capabilities: Capabilities,
    now: datetime,
    already: frozenset[str] = frozenset(),
) -> list[CodeFact]:
    """Alarms not yet raised; `already` are the `alarm`s of those that were. `next_look` counts their instants in."""
    found = []
    if is_arrival_late(declared, belief, capabilities, now):
        found.append(_late(declared, belief))
        if declared.spec.window.starts_at <= now:
            found.append(_missed_start(declared, belief))
    if is_removal_late(declared, belief, capabilities, now):
        found.append(_failed_to_remove(declared))
    if _is_given_up(declared, belief, capabilities, now):
        found.append(_given_up(declared, belief))
    return [f for f in found if f.alarm not in already]


def refusal_due(
    declared: Declared,
    belief: Belief,
    capabilities: Capabilities,
    now: datetime,
    failure: Mapping[str, object],
    already: frozenset[str] = frozenset(),
) -> CodeFact | None:
    """That a code cannot be set for now, for a reason of its own: told once for each revision and kind. `failure` as it
    is noted. What keeps the whole lock or account from being reached is told of these."""
    event = _NOT_SET.get(str(failure["code"]))
    if event is None or declared.is_withdrawn:
        return None
    alarm = f"{event.kind}:{declared.revision}"
    if alarm in already:
        return None
    want = due_state(declared, capabilities, now)
    if want is None or want == ABSENT or is_proven(belief, want, capabilities):
        return None
    said = {name: failure[name] for name in ("code", "cause", "next_step")}
    return CodeFact(event, {**said, "is_update": may_have_older(declared, belief)}, alarm=alarm)


_NOT_SET: Mapping[str, type[events.AccessCodeNotSet]] = {
    "full": events.AccessCodeFull,
    "lock_full": events.AccessCodeFull,
    "duplicate_digits": events.AccessCodeDuplicateTaken,
    "rule_broken": events.AccessCodeFailedToSet,
    "not_revocable": events.AccessCodeFailedToSet,
    "subscription_required": events.AccessCodeFailedToSet,
    "digits_unknown": events.AccessCodeFailedToSet,
    "ambiguous": events.AccessCodeFailedToSet,
    "other": events.AccessCodeFailedToSet,
}
"""Codes of failures that are of one code alone. Having given up is an alarm of its own."""


def _is_given_up(declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime) -> bool:
    want = due_state(declared, capabilities, now)
    if want is None or want == ABSENT or belief.possible == {want}:
        return False
    return belief.attempts_at(want) >= MOST_ATTEMPTS


def edit_told(after: Belief) -> CodeFact:
    """What somebody else did to it."""
    edit = after.edit
    event: type[events.AccessCodeEditedOutside] = events.AccessCodeModifiedOutside
    if edit is not None and edit.change_type is ChangeType.REMOVED:
        event = events.AccessCodeRemovedOutside
    told = [{"field": change.which.value, **_told_of(change)} for change in (edit.fields if edit else ())]
    return CodeFact(
        event,
        {
            "change_type": (edit.change_type if edit else ChangeType.MODIFIED).value,
            "modified_fields": tuple(told),
            "is_honoured": edit is not None and edit.is_honoured,
        },
    )


def _told_of(change: FieldChange) -> dict[str, str | None]:
    """Events carry no personal data: that a name changed, but not which."""
    is_told = change.which in (EditedField.STARTS_AT, EditedField.ENDS_AT)
    return {"from": change.before if is_told else None, "to": change.after if is_told else None}


def _overwritten_again(belief: Belief) -> CodeFact:
    return CodeFact(
        events.AccessCodeOverwrittenAgain,
        {
            "times": belief.overwritten,
            "code": "overwritten_again",
            "cause": "Somebody else keeps changing this code on the lock.",
            "next_step": "Find the other system or person that writes codes to this lock, and stop it.",
        },
    )


def _late(declared: Declared, belief: Belief) -> CodeFact:
    return CodeFact(
        events.AccessCodeLate,
        {
            "starts_at": declared.spec.window.starts_at,
            "code": "late",
            "cause": "The guest arrives soon, or is inside, and the code is not proven on the lock.",
            "next_step": "Check that the lock is online in the vendor's app; have another way in ready.",
        },
        alarm=f"late:{declared.revision}:{belief.overwritten}",
    )


def _missed_start(declared: Declared, belief: Belief) -> CodeFact:
    return CodeFact(
        events.AccessCodeMissedStart,
        {
            "code": "missed_start",
            "cause": "Its time has begun, and the code is not proven on the lock.",
            "next_step": "Let the guest in another way; check that the lock is online in the vendor's app.",
            "is_update": may_have_older(declared, belief),
        },
        alarm=f"missed_start:{declared.revision}:{belief.overwritten}",
    )


def _failed_to_remove(declared: Declared) -> CodeFact:
    return CodeFact(
        events.AccessCodeFailedToRemove,
        {
            "code": "failed_to_remove",
            "cause": "The code should be gone and may still open the door.",
            "next_step": "Remove it in the vendor's app, and check that the lock is online.",
            "is_withdrawn": declared.is_withdrawn,
        },
        alarm=f"failed_to_remove:{declared.revision}",
    )


def _given_up(declared: Declared, belief: Belief) -> CodeFact:
    return CodeFact(
        events.AccessCodeFailedToSet,
        {
            "code": "given_up",
            "cause": f"The code was written {MOST_ATTEMPTS} times and never seen on the lock.",
            "next_step": "Check the lock in the vendor's app, then ask Lockstep to try again.",
            "is_update": may_have_older(declared, belief),
        },
        alarm=f"given_up:{declared.revision}",
    )


def _is_set(declared: Declared, belief: Belief, capabilities: Capabilities) -> bool:
    only = belief.only
    return (
        only is not None and revision_of(only) == declared.revision and is_proven(belief, only, capabilities)
    )


def _was_set(declared: Declared, belief: Belief) -> bool:
    """Proven before: also while it is being enabled, or while it was to be removed and was not."""
    states = belief.possible
    if belief.tried and all(s == ABSENT for s in belief.tried):
        states -= {ABSENT}
    if not states or any(revision_of(s) != declared.revision for s in states):
        return False
    return belief.possible != states or len(states) > 1 or not belief.tried


def _was_held_disabled(before: Belief, after: Belief) -> bool:
    """It waited on the lock for its window to begin, and opens now."""
    return any(not is_enabled(s) for s in before.possible) and all(is_enabled(s) for s in after.possible)


def _is_removed(before: Belief, after: Belief, capabilities: Capabilities) -> bool:
    """What was, or may have been, on the lock is proven gone; a code that never came is not told as removed."""
    if not is_proven(after, ABSENT, capabilities) or not before.may_be_present:
        return False
    return ABSENT not in before.possible or ABSENT in before.tried


def _is_unconfirmed(belief: Belief) -> bool:
    return len(belief.possible) > 1 and belief.accepted is None
