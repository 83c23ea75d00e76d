"""What is still under way with a code, and which name stands on the lock meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.model.simulated import T0, declare, digits, hours

from lockstep.model.belief import Belief
from lockstep.model.capabilities import Capabilities, Schedule, ScheduleKind
from lockstep.model.declared import ABSENT, OTHER, Declared, Spec
from lockstep.model.edit import ChangeType, Edit, EditedField, FieldChange
from lockstep.model.pending import Pending, name_on_lock, pending_changes
from lockstep.model.window import Window

LOCK = Capabilities()
ONE = declare(1, 1, 100, 120)
WAS = ONE.spec
NOW = hours(90)
RENAMED = Edit(ChangeType.MODIFIED, (FieldChange(EditedField.NAME, WAS.name, "Theirs"),), NOW)


def moved(name: str = WAS.name, fingerprint: UUID | None = WAS.fingerprint, ends: float = 120) -> Declared:
    window = Window(hours(100), hours(ends))
    return replace(ONE, revision=2, spec=replace(WAS, name=name, fingerprint=fingerprint, window=window))


def believed(*states: str, **more: object) -> Belief:
    return replace(Belief(frozenset(states), last_write_at=T0, proven_at=T0), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "belief", "carried", "now", "kinds"),
    [
        (ONE, Belief(), None, hours(1), ["deferring_creation"]),
        (ONE, Belief(), None, NOW, ["creating"]),
        (ONE, believed(ABSENT, "1"), None, NOW, ["creating"]),
        (ONE, believed("1"), None, NOW, []),
        (moved(name="Berta"), believed("1"), WAS, NOW, ["updating_name"]),
        (moved(fingerprint=digits(2)), believed("1", "2"), WAS, NOW, ["updating_code"]),
        (moved("Berta", digits(2), 130), believed("1"), WAS, NOW, [
            "updating_code", "updating_name", "updating_window"]),
        (ONE, believed(OTHER, edit=RENAMED), None, NOW, ["updating_name"]),
        (replace(ONE, withdrawn_at=NOW), believed("1"), None, NOW, ["deleting"]),
        (replace(ONE, withdrawn_at=NOW), believed(ABSENT), None, NOW, []),
        (ONE, believed("1"), None, hours(121), ["deleting"]),
        (ONE, believed(ABSENT), None, hours(121), []),
    ],
)  # fmt: skip
def test_what_is_pending_is_what_the_lock_may_have_against_what_is_declared(
    declared: Declared, belief: Belief, carried: Spec | None, now: datetime, kinds: list[str]
) -> None:
    assert [c.kind.value for c in pending_changes(declared, belief, carried, LOCK, now)] == kinds


def test_what_is_deferred_tells_until_when_and_what_is_moved_tells_from_where() -> None:
    (deferred,) = pending_changes(ONE, Belief(), None, LOCK, hours(1))
    assert deferred.scheduled_at == hours(28)
    just_in_time = replace(LOCK, schedule=Schedule(ScheduleKind.NONE))
    (deferred,) = pending_changes(ONE, Belief(), None, just_in_time, hours(1))
    assert deferred.scheduled_at == hours(99)
    (change,) = pending_changes(moved(ends=130), believed("1"), WAS, LOCK, NOW)
    assert change.kind is Pending.UPDATING_WINDOW
    assert (change.window_from, change.window_to) == (WAS.window, Window(hours(100), hours(130)))


def test_what_somebody_else_moved_is_told_from_there_to_where_it_is_declared() -> None:
    later = FieldChange(EditedField.ENDS_AT, "2026-01-01T00:00:00Z", "2126-01-01T00:00:00Z")
    edit = Edit(ChangeType.MODIFIED, (later,), NOW)
    (change,) = pending_changes(ONE, believed(OTHER, edit=edit), None, LOCK, NOW)
    assert change.window_from is not None
    assert change.window_from.ends_at == datetime(2126, 1, 1, tzinfo=UTC)
    assert (change.window_from.starts_at, change.window_to) == (WAS.window.starts_at, WAS.window)


@pytest.mark.parametrize(
    ("belief", "carried", "name"),
    [
        (Belief(), None, "Berta"),
        (believed("2"), None, "Berta"),
        (believed("1"), WAS, WAS.name),
        (believed("1", "2"), WAS, "Berta"),
        (believed(OTHER, edit=RENAMED), None, "Theirs"),
    ],
)
def test_the_name_on_the_lock_is_the_one_that_a_reading_shows_else_the_one_that_is_written(
    belief: Belief, carried: Spec | None, name: str
) -> None:
    assert name_on_lock(moved(name="Berta"), belief, carried) == name
