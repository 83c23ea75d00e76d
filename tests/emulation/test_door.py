"""The door opens from what the lock holds: window, weekday, time of day, enabled; nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.emulation.door import Door, Entry, Why

BERLIN = ZoneInfo("Europe/Berlin")
# A Friday, 13:00 in Berlin.
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _door(**fields: Any) -> Door:
    door = Door(BERLIN)
    door.put(Entry("1", "345678", **fields))
    return door


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, Why.OPENED),
        ({"starts_at": NOON}, Why.OPENED),
        ({"starts_at": NOON + timedelta(microseconds=1)}, Why.TOO_EARLY),
        ({"ends_at": NOON}, Why.TOO_LATE),
        ({"ends_at": NOON + timedelta(microseconds=1)}, Why.OPENED),
        ({"weekdays": frozenset({4})}, Why.OPENED),
        ({"weekdays": frozenset({3, 5})}, Why.WRONG_DAY),
        ({"from_minute": 780, "until_minute": 781}, Why.OPENED),
        ({"from_minute": 720, "until_minute": 780}, Why.WRONG_TIME_OF_DAY),
        ({"from_minute": 1200, "until_minute": 800}, Why.OPENED),
        ({"from_minute": 1200, "until_minute": 780}, Why.WRONG_TIME_OF_DAY),
        ({"from_minute": 781}, Why.OPENED),
        ({"is_enabled": False}, Why.DISABLED),
    ],
    ids=[
        "no limit", "first instant", "just before", "last instant", "just before the last", "its weekday",
        "another weekday", "its minute", "the minute after", "over midnight", "after midnight's span",
        "half a time limit", "disabled",
    ],
)  # fmt: skip
def test_what_a_lock_makes_of_digits(fields: dict[str, Any], why: Why) -> None:
    entered = _door(**fields).enter("345678", NOON)
    assert (entered.why, entered.opened, entered.reference) == (why, why is Why.OPENED, "1")


def test_digits_nobody_has_open_nothing() -> None:
    assert _door().enter("999999", NOON).why is Why.NO_SUCH_CODE


def test_of_two_entries_with_the_same_digits_one_that_opens_is_enough() -> None:
    door = _door(is_enabled=False)
    door.put(Entry("2", "345678"))
    assert door.enter("345678", NOON).reference == "2"
    assert [entry.reference for entry in door.holding("345678")] == ["1", "2"]


def test_an_entry_replaces_the_one_with_its_reference_and_is_removed_by_it() -> None:
    door = _door()
    door.put(Entry("1", "987654"))
    assert [entry.code for entry in door] == ["987654"]
    assert door.remove("1")
    assert not door.remove("1")
    assert len(door) == 0


def test_a_door_remembers_who_came_but_not_who_only_asked() -> None:
    door = _door()
    door.verdict("345678", NOON)
    door.enter("345678", NOON)
    door.enter("999999", NOON + HOUR)
    assert [(visit.at, visit.opened) for visit in door.visits] == [(NOON, True), (NOON + HOUR, False)]


def test_an_entry_shows_no_digits_when_printed() -> None:
    assert "345678" not in repr(Entry("1", "345678"))


def test_a_time_of_day_follows_the_door_s_summer_time() -> None:
    door = _door(from_minute=600, until_minute=660)
    assert door.verdict("345678", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)).opened
    assert door.verdict("345678", datetime(2026, 7, 20, 8, 30, tzinfo=UTC)).opened
    assert not door.verdict("345678", datetime(2026, 7, 20, 9, 30, tzinfo=UTC)).opened


INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS, INSTANTS, INSTANTS)
def test_a_window_alone_opens_exactly_within_it(starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    opened = _door(starts_at=starts_at, ends_at=ends_at).verdict("345678", at).opened
    assert opened == (starts_at <= at < ends_at)
