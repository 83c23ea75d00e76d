"""What is still under way with a code: what the lock has, or had when last proven, against what is declared. Pure."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from lockstep.kit.frozen import dataclass
from lockstep.model.belief import Belief
from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import (
    ABSENT,
    OTHER,
    Declared,
    Spec,
    due_instants,
    due_state,
    effective_end,
    revision_of,
)
from lockstep.model.edit import Edit, EditedField
from lockstep.model.naming import is_shown_as
from lockstep.model.window import Window


class Pending(StrEnum):
    CREATING = "creating"
    DEFERRING_CREATION = "deferring_creation"
    DELETING = "deleting"
    UPDATING_CODE = "updating_code"
    UPDATING_NAME = "updating_name"
    UPDATING_WINDOW = "updating_window"


@dataclass(frozen=True, slots=True)
class PendingChange:
    """One change that is declared and not proven yet. Digits are not told here: the code itself has those that are
    declared, and those that were before."""

    kind: Pending
    since: datetime | None
    """When it was declared, or when it fell due."""
    scheduled_at: datetime | None = None
    """Of what is deferred: when it will be written."""
    name_from: str | None = field(default=None, repr=False)
    name_to: str | None = field(default=None, repr=False)
    window_from: Window | None = None
    window_to: Window | None = None


def pending_changes(
    declared: Declared,
    belief: Belief,
    carried: Spec | None,
    capabilities: Capabilities,
    now: datetime,
) -> tuple[PendingChange, ...]:
    """`carried`: what the lock carries, or may still carry, of another revision; None where there is no such thing."""
    want = due_state(declared, capabilities, now)
    ends_at = effective_end(declared.spec.window, capabilities)
    is_over = ends_at is not None and ends_at <= now
    if declared.is_withdrawn or is_over:
        since = declared.withdrawn_at or ends_at
        is_there = belief.may_be_present or belief.late_until is not None
        return (PendingChange(Pending.DELETING, since),) if is_there else ()
    since = declared.declared_at
    if not belief.may_be_present and want in (None, ABSENT):
        scheduled_at = next((at for at in due_instants(declared, capabilities) if at > now), None)
        return (PendingChange(Pending.DEFERRING_CREATION, since, scheduled_at),)
    if carried is not None:
        return _updates(declared, carried, capabilities)
    if ABSENT in belief.possible:
        return (PendingChange(Pending.CREATING, since),)
    if belief.possible == {OTHER}:
        return _put_right(declared, belief)
    return ()


def name_on_lock(declared: Declared, belief: Belief, carried: Spec | None) -> str:
    """The exact name in the vendor's app: as the newest reading that counts shows it, else as it is written."""
    if belief.edit is not None and OTHER in belief.possible:
        for change in belief.edit.fields:
            if change.which is EditedField.NAME and change.after is not None:
                return change.after
    is_declared_there = any(revision_of(state) == declared.revision for state in belief.possible)
    if carried is not None and not is_declared_there:
        return carried.name
    return declared.spec.name


def _updates(declared: Declared, carried: Spec, capabilities: Capabilities) -> tuple[PendingChange, ...]:
    spec, since = declared.spec, declared.declared_at
    found = []
    if carried.fingerprint != spec.fingerprint:
        found.append(PendingChange(Pending.UPDATING_CODE, since))
    if not is_shown_as(carried.name, spec.name, capabilities.name):
        found.append(PendingChange(Pending.UPDATING_NAME, since, name_from=carried.name, name_to=spec.name))
    if carried.window != spec.window:
        found.append(
            PendingChange(Pending.UPDATING_WINDOW, since, window_from=carried.window, window_to=spec.window)
        )
    return tuple(found)


def _as_edited(edit: Edit, window: Window) -> Window | None:
    """The window as somebody else made it; None where it opens never."""
    made = {c.which: None if c.after is None else datetime.fromisoformat(c.after) for c in edit.fields}
    starts_at = made.get(EditedField.STARTS_AT) or window.starts_at
    ends_at = made.get(EditedField.ENDS_AT, window.ends_at)
    return None if ends_at is not None and ends_at <= starts_at else Window(starts_at, ends_at)


def _put_right(declared: Declared, belief: Belief) -> tuple[PendingChange, ...]:
    """What somebody else changed, back to what is declared."""
    edit, spec = belief.edit, declared.spec
    if edit is None:
        return ()
    found = []
    if edit.has(EditedField.CODE):
        found.append(PendingChange(Pending.UPDATING_CODE, edit.found_at))
    found += [
        PendingChange(Pending.UPDATING_NAME, edit.found_at, name_from=change.after, name_to=spec.name)
        for change in edit.fields
        if change.which is EditedField.NAME
    ]
    if edit.has(EditedField.STARTS_AT) or edit.has(EditedField.ENDS_AT):
        found.append(
            PendingChange(
                Pending.UPDATING_WINDOW,
                edit.found_at,
                window_from=_as_edited(edit, spec.window),
                window_to=spec.window,
            )
        )
    return tuple(found)
