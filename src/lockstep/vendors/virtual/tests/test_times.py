"""Windows on the wire: nobody is let in later or put out sooner, whatever the lock's clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockstep.model.window import Window
from lockstep.vendors.virtual import wire
from lockstep.vendors.virtual.times import times_of, window_of

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CLOCKS_BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""When clocks go back in Berlin: the hour before and the hour after have the same wall time."""

instants = st.timedeltas(timedelta(0), timedelta(days=730)).map(
    lambda since: datetime(2026, 1, 1, tzinfo=UTC) + since
)
lengths = st.timedeltas(timedelta(minutes=1), timedelta(days=30))


def lock_of(zone: str, *, step: int, is_local: bool, refuses_past: bool = False) -> wire.Lock:
    schedule = wire.Schedule(
        step_seconds=step, zone="lock_local" if is_local else "utc", refuses_past_starts=refuses_past
    )
    return wire.Lock("lock_1", "Door", "site_1", zone, wire.Features(schedule=schedule))


@given(instants, lengths, st.sampled_from(ZONES), st.sampled_from([1, 60, 1800, 3600]), st.booleans())
@example(CLOCKS_BACK - timedelta(minutes=30), timedelta(hours=1), "Europe/Berlin", 60, True)
@example(CLOCKS_BACK + timedelta(minutes=30), timedelta(minutes=10), "Europe/Berlin", 60, True)
def test_a_window_is_widened_to_wall_times_that_mean_one_instant(
    starts_at: datetime, lasts: timedelta, zone: str, step: int, is_local: bool
) -> None:
    lock = lock_of(zone, step=step, is_local=is_local)
    window = Window(starts_at, starts_at + lasts)
    times = times_of(window, lock, LONG_AGO)
    assert times is not None
    assert times.window.covers(window)
    assert times.window.ends_at is not None
    # An hour that comes twice, a step at each edge, and no more.
    spare = timedelta(hours=1, seconds=step)
    assert window.starts_at - times.window.starts_at <= spare
    assert times.window.ends_at - (starts_at + lasts) <= spare
    assert window_of(times.starts_at, times.ends_at, lock) == times.window
    again = times_of(times.window, lock, LONG_AGO)
    assert again == times, "a window as the lock has it is written as it is"


@given(instants, lengths, st.sampled_from(ZONES))
def test_a_window_in_whole_seconds_is_given_as_it_is_in_utc(
    starts_at: datetime, lasts: timedelta, zone: str
) -> None:
    begin, long = starts_at.replace(microsecond=0), timedelta(seconds=int(lasts.total_seconds()))
    window = Window(begin, begin + long)
    times = times_of(window, lock_of(zone, step=1, is_local=False), LONG_AGO)
    assert times is not None
    assert times.window == window


def test_an_ongoing_window_has_no_end_on_the_wire() -> None:
    for is_local in (True, False):
        times = times_of(Window(LONG_AGO), lock_of("Europe/Berlin", step=60, is_local=is_local), LONG_AGO)
        assert times is not None
        assert times.ends_at is None
        assert times.window == Window(LONG_AGO)


def test_a_start_that_has_passed_is_clamped_where_it_would_be_refused() -> None:
    now = datetime(2026, 6, 1, 10, 20, tzinfo=UTC)
    window = Window(now - timedelta(days=3), now + timedelta(days=1))
    times = times_of(window, lock_of("UTC", step=3600, is_local=False, refuses_past=True), now)
    assert times is not None
    assert times.starts_at == "2026-06-01T10:00:00Z"
    assert times.ends_at == "2026-06-02T11:00:00Z"


@pytest.mark.parametrize("is_local", [True, False])
def test_a_window_that_is_over_stays_a_window(is_local: bool) -> None:
    now = datetime(2026, 6, 1, 10, tzinfo=UTC)
    window = Window(now - timedelta(days=3), now - timedelta(days=2))
    times = times_of(window, lock_of("UTC", step=1, is_local=is_local, refuses_past=True), now)
    assert times is not None
    assert times.window == window


def test_a_lock_that_knows_no_windows_is_told_none() -> None:
    features = wire.Features(schedule=wire.Schedule(kind="none"))
    lock = wire.Lock("lock_1", "Door", "site_1", "UTC", features)
    assert times_of(Window(LONG_AGO), lock, LONG_AGO) is None
