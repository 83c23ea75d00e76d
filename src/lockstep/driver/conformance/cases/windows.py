"""The window, obeyed at the door: before, at, during and after; in steps; in the lock's own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lockstep.driver.conformance.requirements import (
    can_be_read,
    can_delete,
    can_update,
    has_coarse_steps,
    has_no_schedule,
    has_own_schedule,
    holds_disabled,
    is_lock_local,
    opens_without_limit_of_use,
)
from lockstep.driver.conformance.steps import (
    Placed,
    change_code,
    entry_at,
    is_proven,
    open_window,
    remove_code,
    set_code,
    window_in,
)
from lockstep.driver.conformance.suite import Cases
from lockstep.driver.conformance.world import World
from lockstep.model.window import Window

windows = Cases()
_SECOND = timedelta(seconds=1)


@windows.when(has_own_schedule)
async def a_code_opens_from_its_start_until_its_end_and_at_no_other_time(world: World) -> None:
    window = window_in(world, timedelta(hours=2), timedelta(hours=6))
    placed = await set_code(world, world.driver(), window=window)
    _walk_through(world, placed)


@windows.when(has_own_schedule)
async def a_window_that_began_days_ago_is_set_and_opens_now(world: World) -> None:
    now = world.clock.now()
    ends_at = open_window(world).ends_at
    window = Window(now - timedelta(days=3), ends_at)
    placed = await set_code(world, world.driver(), window=window)
    assert world.enter(world.targets[0], placed.digits)
    entry = await entry_at(world, placed)
    if entry is not None and entry.window is not None:
        assert entry.window.ends_at == ends_at
        assert entry.window.starts_at <= world.clock.now()


@windows.when(has_own_schedule, opens_without_limit_of_use)
async def a_code_without_an_end_goes_on_opening(world: World) -> None:
    placed = await set_code(world, world.driver(), window=Window(open_window(world).starts_at))
    assert world.enter(world.targets[0], placed.digits)
    world.clock.advance(timedelta(days=400))
    assert world.enter(world.targets[0], placed.digits)


@windows.when(has_coarse_steps)
async def a_window_between_two_steps_is_widened_and_never_narrowed(world: World) -> None:
    step = world.traits.capabilities.schedule.granularity
    whole = window_in(world, 3 * step, 4 * step)
    assert whole.ends_at is not None
    window = Window(whole.starts_at + step / 3, whole.ends_at - step / 3)
    placed = await set_code(world, world.driver(), window=window)
    assert placed.done.window == whole, "the window that was really given is told"
    _walk_through(world, placed)


@windows.when(has_no_schedule, can_delete)
async def a_lock_that_knows_no_windows_opens_from_the_write_until_the_removal(world: World) -> None:
    driver = world.driver()
    window = window_in(world, timedelta(hours=2), timedelta(hours=2))
    placed = await set_code(world, driver, window=window)
    assert world.enter(world.targets[0], placed.digits)
    world.clock.advance(timedelta(hours=12))
    assert world.enter(world.targets[0], placed.digits)
    await remove_code(world, driver, placed)
    assert not world.enter(world.targets[0], placed.digits)


@windows.when(holds_disabled, can_update)
async def a_disabled_code_opens_only_once_it_is_enabled(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver, is_enabled=False)
    assert not world.enter(world.targets[0], placed.digits)
    entry = await entry_at(world, placed)
    if can_be_read(world.traits):
        assert is_proven(entry, world.traits.capabilities)
        assert entry is not None
        assert entry.is_enabled in (False, None)
    await change_code(world, driver, placed, is_enabled=True)
    assert world.enter(world.targets[0], placed.digits)


@windows.when(is_lock_local)
async def a_window_across_a_change_of_clocks_keeps_its_instants(world: World) -> None:
    for target in world.targets:
        changes = await _changes_of_clocks(world, target)
        for number, change in enumerate(changes):
            world.clock.set(max(world.clock.now(), change - timedelta(days=2)))
            window = Window(change - timedelta(hours=9), change + timedelta(hours=9))
            placed = await set_code(world, world.driver(), number, targets=frozenset({target}), window=window)
            assert placed.done.window is None, "every instant of this window has a wall time of its own"
            _walk_through(world, placed)


@windows.when(is_lock_local)
async def a_window_within_the_hour_that_comes_twice_puts_nobody_out(world: World) -> None:
    for target in world.targets:
        for number, change in enumerate(await _changes_of_clocks(world, target)):
            world.clock.set(max(world.clock.now(), change - timedelta(days=2)))
            for offset in (timedelta(minutes=-20), timedelta(minutes=20)):
                index = 2 * number + int(offset > timedelta(0))
                window = Window(change + offset - timedelta(minutes=5), change + offset)
                placed = await set_code(
                    world, world.driver(), index, targets=frozenset({target}), window=window
                )
                actual = placed.done.window or window
                assert actual.covers(window)
                assert actual.starts_at >= window.starts_at - timedelta(hours=1)
                entry = await entry_at(world, placed)
                assert entry is None or entry.window in (actual, None)


def _walk_through(world: World, placed: Placed) -> None:
    """Walk up to the door around every edge of the window, the declared one and the one really given."""
    target = min(placed.targets)
    actual = placed.done.window or placed.window
    declared_ends, actual_ends = placed.window.ends_at, actual.ends_at
    assert declared_ends is not None
    assert actual_ends is not None
    assert actual.covers(placed.window), "nobody is let in later or put out sooner than was declared"
    middle = placed.window.starts_at + (declared_ends - placed.window.starts_at) / 2
    moments = {
        actual.starts_at - _SECOND: False,
        actual.starts_at: True,
        placed.window.starts_at: True,
        middle: True,
        declared_ends - _SECOND: True,
        actual_ends - _SECOND: True,
    }
    if world.traits.capabilities.schedule.expires_by_itself:
        moments[actual_ends] = False
        moments[actual_ends + timedelta(hours=2)] = False
    for at in sorted(moments):
        world.clock.set(at)
        assert world.enter(target, placed.digits) is moments[at], f"at {at} within {actual}"


async def _changes_of_clocks(world: World, target: str) -> list[datetime]:
    """The next two instants at which the target's zone changes its offset; none in a zone without."""
    described = await world.driver().describe()
    name = next(t.time_zone for t in described.targets if t.reference == target)
    assert name is not None, "a lock that thinks in its own time tells its zone"
    zone, found = ZoneInfo(name), list[datetime]()
    at = world.clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=3)
    for _ in range(24 * 400):
        later = at + timedelta(hours=1)
        if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            found.append(later)
        at = later
    return found[:2]
