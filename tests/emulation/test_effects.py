"""Effects happen in the order of their time, whoever moves the clock and how far."""

from datetime import UTC, datetime, timedelta

from lockstep.emulation.effects import Effects

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_is_due_happens_in_order_and_is_told_its_own_instant() -> None:
    effects = Effects()
    seen: list[datetime] = []
    for hours in (3, 1, 2, 1):
        effects.at(START + hours * HOUR, seen.append)
    assert effects.settle(START + 2 * HOUR) == 3
    assert seen == [START + HOUR, START + HOUR, START + 2 * HOUR]
    assert effects.next_due == START + 3 * HOUR


def test_effects_of_one_instant_keep_the_order_in_which_they_were_added() -> None:
    effects = Effects()
    seen: list[str] = []

    def add(name: str) -> None:
        effects.at(START, lambda at: seen.append(name))

    for name in "abc":
        add(name)
    effects.settle(START)
    assert seen == ["a", "b", "c"]


def test_what_an_effect_adds_happens_too_where_it_is_due() -> None:
    effects = Effects()
    seen: list[datetime] = []

    def hourly(at: datetime) -> None:
        seen.append(at)
        effects.at(at + HOUR, hourly)

    effects.at(START, hourly)
    assert effects.settle(START + 3 * HOUR) == 4
    assert effects.next_due == START + 4 * HOUR


def test_nothing_happens_before_its_time() -> None:
    effects = Effects()
    seen: list[datetime] = []
    effects.at(START, seen.append)
    assert effects.settle(START - timedelta(microseconds=1)) == 0
    assert len(effects) == 1
    assert effects.settle(START) == 1
    assert effects.next_due is None


def test_whoever_waits_is_told_of_what_is_added() -> None:
    effects, told = Effects(), []
    effects.added = lambda: told.append(effects.next_due)
    effects.at(START, lambda at: None)
    assert told == [START]
