"""The system's clock."""

from datetime import UTC, datetime, timedelta

from lockstep.kit.clock import Clock, SystemClock


def test_the_systems_clock_tells_aware_instants_in_utc() -> None:
    clock: Clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)  # noqa: TID251


async def test_waiting_for_what_is_over_returns_at_once() -> None:
    clock = SystemClock()
    await clock.wait_until(clock.now() - timedelta(days=1))


async def test_waiting_ends_not_before_its_instant() -> None:
    clock = SystemClock()
    at = clock.now() + timedelta(milliseconds=20)
    await clock.wait_until(at)
    assert clock.now() >= at
