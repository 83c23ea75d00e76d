"""Edits that are honoured: which ones, and what becomes of declaration and belief. Pure.

An edit becomes the declaration only if the revision that is declared was proven before it appeared (reconciling.md 17);
else nobody can tell it from a write of ours that came late, and it is put right as any."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.model.belief import Belief, is_enough
from lockstep.model.capabilities import Capabilities, ReadBack
from lockstep.model.declared import ABSENT, Declared, Spec, carried, is_enabled, revision_of
from lockstep.model.edit import ChangeType, EditedField
from lockstep.model.seen import Seen
from lockstep.model.window import Window

_FIRST_YEAR = 2000
"""Vendors write a start that is not there as one long ago."""


def is_to_be_honoured(declared: Declared, before: Belief, after: Belief) -> bool:
    """Whether the step from one belief to the next is an edit that may become the declaration."""
    was_edited = after.overwritten_at != before.overwritten_at and after.edit is not None
    if not (declared.honours_edits and was_edited) or declared.is_withdrawn:
        return False
    return revision_of(before.only or ABSENT) == declared.revision


def can_be_declared(before: Belief, after: Belief, seen: Seen | None, capabilities: Capabilities) -> bool:
    """Whether a declaration can say it. Not a code that was disabled, or enabled before its time, nor other doors, nor
    hours of the week: such an edit is put right. A version alone tells of other digits."""
    if seen is None or after.edit is None:
        return seen is None
    if seen.is_enabled not in (None, is_enabled(before.only or ABSENT)):
        return False
    return bool(after.edit.fields) or capabilities.read_back is ReadBack.VERSION


def is_settled(seen: Seen | None, capabilities: Capabilities) -> bool:
    """Whether the reading proves what it shows; else the edit may still be on its way to the lock."""
    return seen is None or seen.evidence >= is_enough(capabilities)


def honoured_spec(spec: Spec, after: Belief, seen: Seen, fingerprint: UUID | None) -> Spec:
    """What is declared from now on. `fingerprint` None: the digits cannot be read, and are unknown."""
    edit = after.edit
    assert edit is not None, "asked for an edit"
    name = spec.name
    if edit.has(EditedField.NAME) and seen.name is not None:
        name = seen.name
    window = spec.window
    if seen.window is not None:
        starts_at = seen.window.starts_at if edit.has(EditedField.STARTS_AT) else window.starts_at
        ends_at = seen.window.ends_at if edit.has(EditedField.ENDS_AT) else window.ends_at
        window = _window(starts_at, ends_at, edit.found_at)
    return replace(spec, name=name, window=window, fingerprint=fingerprint)


def honoured_belief(before: Belief, after: Belief, seen: Seen | None, revision: int) -> Belief:
    """The same reading proves the new declaration. Nobody was overwritten, and no war of two systems is counted."""
    assert after.edit is not None, "asked for an edit"
    edit = replace(after.edit, is_honoured=True)
    told = replace(after, edit=edit, overwritten=before.overwritten, overwritten_at=before.overwritten_at)
    if seen is None or edit.change_type is ChangeType.REMOVED:
        return told
    state = carried(revision, is_enabled=is_enabled(before.only or ABSENT))
    return replace(
        told,
        possible=frozenset({state}),
        evidence=seen.evidence,
        references=frozenset({seen.reference}),
        accepted=state,
        version=seen.version,
        proven_at=edit.found_at,
        tried=(),
    )


def _window(starts_at: datetime, ends_at: datetime | None, found_at: datetime) -> Window:
    if starts_at.year < _FIRST_YEAR:
        starts_at = found_at
    if ends_at is not None and ends_at <= starts_at:
        # It is over, and was never open for anybody since.
        starts_at = ends_at - timedelta(seconds=1)
    return Window(starts_at, ends_at)
