"""What was held at an earlier instant can still be read."""

from datetime import UTC, datetime, timedelta

from lockstep.emulation.history import History

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_each_instant_is_answered_with_what_was_held_then() -> None:
    held: History[str, int] = History()
    held.put("a", 1, START)
    held.put("b", 2, START + HOUR)
    held.put("a", 3, START + 2 * HOUR)
    held.drop("b", START + 3 * HOUR)
    hours = range(-1, 4)
    assert [held.as_of(START + hour * HOUR) for hour in hours] == [[], [1], [1, 2], [3, 2], [3]]
    assert list(held) == [3]
    assert "b" not in held


def test_only_the_last_versions_are_kept() -> None:
    held: History[str, int] = History(versions=2)
    for number in range(5):
        held.put("a", number, START + number * HOUR)
    assert [held.as_of(START + hour * HOUR) for hour in (2, 3, 4)] == [[], [3], [4]]


def test_dropping_what_is_not_there_is_nothing() -> None:
    held: History[str, int] = History()
    assert held.drop("a", START) is None
    assert held.as_of(START) == []
