"""Locks that a vendor's listing lacks: taken as removed after several descriptions over some time, never at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from lockstep.model.listing import DESCRIBE_EVERY, Missed, next_description, taken_as_removed

T0 = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def missing(count: int, times: int) -> dict[UUID, Missed]:
    return {UUID(int=n): Missed(T0, times) for n in range(count)}


@pytest.mark.parametrize(
    ("times", "after", "is_removed"),
    [
        (1, timedelta(0), False),
        (1, 9 * HOUR, False),
        (2, 9 * HOUR, False),
        (9, 44 * MINUTE, False),
        (3, 45 * MINUTE, True),
    ],
)
def test_a_lock_is_removed_after_three_descriptions_over_three_quarters_of_an_hour(
    times: int, after: timedelta, is_removed: bool
) -> None:
    assert bool(taken_as_removed(missing(1, times), 4, T0 + after)) is is_removed


@pytest.mark.parametrize(("listed", "gone"), [(2, 2), (3, 2), (5, 3), (100, 100)])
def test_several_at_once_are_a_doubt_for_a_day(listed: int, gone: int) -> None:
    lost = missing(gone, 30)
    assert taken_as_removed(lost, listed, T0 + 23 * HOUR) == set()
    assert taken_as_removed(lost, listed, T0 + 24 * HOUR) == set(lost)


def test_of_two_that_go_one_after_the_other_each_has_its_own_time() -> None:
    first, second = UUID(int=1), UUID(int=2)
    lost = {first: Missed(T0, 9), second: Missed(T0 + 30 * MINUTE, 4)}
    assert taken_as_removed(lost, 9, T0 + 50 * MINUTE) == {first}


def test_the_vendor_is_asked_again_within_minutes_and_then_less_and_less_often() -> None:
    assert next_description([], T0) == DESCRIBE_EVERY
    at, asked = T0, []
    while at < T0 + HOUR:
        at += next_description([T0], at)
        asked.append(at - T0)
    assert asked[0] <= 2 * MINUTE
    assert len([since for since in asked if since <= 45 * MINUTE]) >= 3
    assert len(asked) < 15
    assert next_description([T0, T0 - 9 * HOUR], T0) <= 2 * MINUTE, "by the one that went last"
