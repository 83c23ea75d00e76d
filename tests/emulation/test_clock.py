"""The virtual clock: moves when told, in both directions, and wakes whoever waits, wherever they wait."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from lockstep.emulation.clock import ClockRanBackwards, VirtualClock
from lockstep.kit.clock import Clock

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


async def all_have_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_time_stands_still_until_it_is_moved(clock: VirtualClock) -> None:
    as_given: Clock = clock
    assert as_given.now() == START
    clock.advance(HOUR)
    assert as_given.now() == START + HOUR
    clock.set(START + 3 * HOUR)
    assert as_given.now() == START + 3 * HOUR


def test_instants_are_kept_in_utc_and_must_be_aware() -> None:
    assert VirtualClock(datetime(2026, 6, 1, 2, tzinfo=timezone(2 * HOUR))).now().utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="names no time zone"):
        VirtualClock(datetime(2026, 6, 1))  # noqa: DTZ001


async def test_waiters_wake_when_their_instant_has_come_and_not_before(clock: VirtualClock) -> None:
    soon = asyncio.create_task(clock.wait_until(START + HOUR))
    late = asyncio.create_task(clock.wait_until(START + 2 * HOUR))
    await all_have_run()
    assert clock.next_wanted == START + HOUR
    clock.advance(HOUR)
    await all_have_run()
    assert soon.done()
    assert not late.done()
    clock.advance(HOUR)
    await late
    assert clock.next_wanted is None


async def test_a_cancelled_waiter_is_forgotten(clock: VirtualClock) -> None:
    waiter = asyncio.create_task(clock.wait_until(START + HOUR))
    await all_have_run()
    waiter.cancel()
    await all_have_run()
    assert clock.next_wanted is None
    clock.advance(HOUR)


@pytest.mark.parametrize(
    "move", [lambda c: c.advance(-HOUR), lambda c: c.set(START - HOUR)], ids=["advance", "set"]
)
def test_going_back_takes_a_jump(clock: VirtualClock, move: Callable[[VirtualClock], None]) -> None:
    with pytest.raises(ClockRanBackwards):
        move(clock)
    clock.jump(START - HOUR)
    assert clock.now() == START - HOUR


async def test_a_jump_back_before_the_waiter_ran_lets_it_wait_on(clock: VirtualClock) -> None:
    waiter = asyncio.create_task(clock.wait_until(START + HOUR))
    await all_have_run()
    clock.advance(HOUR)
    clock.jump(START)
    await all_have_run()
    assert not waiter.done()
    clock.jump(START + HOUR)
    await waiter


def test_waiters_in_other_threads_wake_in_their_own_loops(clock: VirtualClock) -> None:
    waits = threading.Barrier(3)
    woken: list[datetime] = []

    async def wait() -> None:
        waiter = asyncio.create_task(clock.wait_until(START + HOUR))
        await all_have_run()
        await asyncio.to_thread(waits.wait)
        await waiter
        woken.append(clock.now())

    threads = [threading.Thread(target=lambda: asyncio.run(wait())) for _ in range(2)]
    for thread in threads:
        thread.start()
    waits.wait()
    clock.advance(HOUR)
    for thread in threads:
        thread.join(timeout=30)
    assert woken == [START + HOUR] * 2
