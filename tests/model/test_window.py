"""Windows are half-open, aware and UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.simulated import declare, hours
from tests.model.strategies import LOCKS, examples

from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import (
    ABSENT,
    due_instants,
    due_state,
    effective_end,
    effective_window,
    is_over,
)
from lockstep.model.window import InstantNaive, Window, WindowEmpty, as_utc

windows = st.builds(
    lambda start, length: Window(hours(start), None if length is None else hours(start + length)),
    st.integers(-20, 20),
    st.one_of(st.none(), st.integers(1, 20)),
)
instants = st.integers(-2400, 3600).map(lambda m: hours(m / 60))


@pytest.mark.parametrize(("start", "end"), [(1, 1), (2, 1)])
def test_a_window_that_holds_no_instant_is_refused(start: float, end: float) -> None:
    with pytest.raises(WindowEmpty, match="end must lie after"):
        Window(hours(start), hours(end))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(InstantNaive, match="offset"):
        Window(datetime(2026, 6, 1, 12))  # noqa: DTZ001


def test_instants_become_utc() -> None:
    window = Window(datetime(2026, 6, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert window == Window(datetime(2026, 6, 1, 12, tzinfo=UTC))
    assert window.starts_at.tzinfo is UTC
    assert as_utc(window.starts_at) == window.starts_at


def test_the_start_belongs_to_a_window_and_the_end_does_not() -> None:
    window = Window(hours(1), hours(2))
    assert [window.contains(hours(h)) for h in (0.9, 1, 1.9, 2)] == [False, True, True, False]
    assert [window.is_over(hours(h)) for h in (1.9, 2)] == [False, True]
    assert not Window(hours(1)).is_over(hours(99_999))


def test_back_to_back_windows_do_not_overlap() -> None:
    assert not Window(hours(1), hours(2)).overlaps(Window(hours(2), hours(3)))
    assert Window(hours(1)).overlaps(Window(hours(99)))


@examples(100)
@given(windows, windows, st.lists(instants, min_size=20, max_size=20))
def test_relations_of_windows_say_what_holds_at_every_instant(
    one: Window, other: Window, at: list[datetime]
) -> None:
    both = one.hull(other)
    for instant in [*at, one.starts_at, other.starts_at]:
        inside = one.contains(instant), other.contains(instant)
        assert one.overlaps(other) or not all(inside)
        assert both.contains(instant) or not any(inside)
        assert inside[0] or not inside[1] or not one.covers(other)
    assert one.overlaps(other) == other.overlaps(one)
    assert both.covers(one)
    assert both.covers(other)
    assert one.covers(one)


@examples(100)
@given(windows, windows, instants, st.lists(instants, max_size=20))
def test_windows_that_are_the_same_from_now_on_open_at_the_same_instants_from_now_on(
    one: Window, other: Window, now: datetime, at: list[datetime]
) -> None:
    if one.same_from(other, now):
        assert all(one.contains(i) == other.contains(i) for i in at if i >= now)


@examples(100)
@given(windows, st.sampled_from([0, 1, 60, 900, 3600, 86_400]))
def test_a_window_in_steps_covers_the_window_by_less_than_a_step_each_side(window: Window, step: int) -> None:
    by = timedelta(seconds=step)
    wide = window.widened_to(by)
    assert wide.covers(window)
    assert wide.widened_to(by) == wide
    slack = max(by, timedelta(microseconds=1))
    assert window.starts_at - wide.starts_at < slack
    if window.ends_at is not None and wide.ends_at is not None:
        assert wide.ends_at - window.ends_at < slack


@examples(100)
@given(
    st.sampled_from(sorted(LOCKS)), st.integers(-90, 20), st.one_of(st.none(), st.integers(1, 20)), instants
)
def test_what_is_due_changes_only_at_its_instants(
    name: str, start: int, length: int | None, at: datetime
) -> None:
    lock = LOCKS[name]
    one = declare(1, 1, start + 0.5, None if length is None else start + 0.5 + length)
    later = at + timedelta(minutes=20)
    between = [i for i in due_instants(one, lock) if at < i <= later]
    if not between:
        assert due_state(one, lock, at) == due_state(one, lock, later)
    for instant in due_instants(one, lock):
        assert due_state(one, lock, instant) != due_state(one, lock, instant - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("cloud keypad", (2.5, 4.5)),
        ("hour steps", (2, 5)),
        ("slots, just in time", (1.5, 4.5)),
        ("slots, held disabled", (2.5, 4.5)),
    ],
)
def test_the_window_in_which_a_code_really_opens(name: str, opens: tuple[float, float]) -> None:
    window = effective_window(Window(hours(2.5), hours(4.5)), LOCKS[name])
    assert window == Window(hours(opens[0]), hours(opens[1]))


@examples(100)
@given(st.sampled_from(sorted(LOCKS)), windows, instants)
def test_a_code_that_opens_at_an_instant_is_due_at_it(name: str, window: Window, at: datetime) -> None:
    lock: Capabilities = LOCKS[name]
    one = declare(1, 1, 0, 1)
    one = type(one)(one.entry_id, 1, type(one.spec)(one.spec.fingerprint, window, "", one.spec.targets))
    effective = effective_window(window, lock)
    assert effective.covers(window)
    assert effective.ends_at == effective_end(window, lock)
    assert effective.is_over(at) == is_over(one, lock, at)
    if effective.contains(at):
        assert due_state(one, lock, at) == "1"
    if effective.is_over(at):
        assert due_state(one, lock, at) == ABSENT
