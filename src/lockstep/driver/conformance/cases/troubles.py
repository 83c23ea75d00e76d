"""What goes wrong between driver and vendor: replies lost, errors, pace, credentials, locks that are away."""

from __future__ import annotations

from datetime import timedelta

import httpx2

from lockstep.driver.changes import EnsureAbsent, Intent, ObserveScope
from lockstep.driver.conformance.requirements import (
    can_be_read,
    can_delete,
    can_trouble,
    device_proves,
    has_own_schedule,
    keeps_names,
    loses_or_refuses_offline,
    may_apply_late,
    reads_live,
)
from lockstep.driver.conformance.steps import (
    DEADLINE_SECONDS,
    change_of,
    entry_at,
    entry_named,
    error_of,
    finished,
    intent,
    is_proven,
    read,
    remove_code,
    set_code,
    some_digits,
    some_name,
)
from lockstep.driver.conformance.suite import Cases
from lockstep.driver.conformance.world import Calls, Trouble, World
from lockstep.driver.outcomes import (
    CredentialsRefused,
    DeviceOffline,
    Done,
    DriverError,
    Refused,
    Unknown,
    VendorBusy,
    VendorUnreachable,
)
from lockstep.kit.ids import new_id
from lockstep.model.capabilities import CodeChooser

troubles = Cases()
_LOST = (Trouble.REPLY_LOST_BEFORE, Trouble.ERROR_BEFORE)
_LOST_AFTER = (Trouble.REPLY_LOST_AFTER, Trouble.ERROR_AFTER)


@troubles.when(can_trouble(*_LOST))
async def a_write_whose_reply_is_lost_before_it_was_done_is_unknown(world: World) -> None:
    for kind in _LOST:
        await _lose(world, kind)
        if _caller(world):
            assert not world.enter(world.targets[0], some_digits(world))
        if keeps_names(world.traits):
            assert await entry_named(world, frozenset({world.targets[0]}), some_name(world)) is None
    placed = await set_code(world, world.driver())
    assert world.enter(world.targets[0], placed.digits)


@troubles.when(can_trouble(Trouble.REPLY_LOST_AFTER))
async def a_write_whose_reply_is_lost_after_it_was_done_is_unknown_and_stands(world: World) -> None:
    await _lose(world, Trouble.REPLY_LOST_AFTER)
    await _stands(world)


@troubles.when(can_trouble(Trouble.ERROR_AFTER))
async def a_server_error_after_a_write_is_unknown_and_the_write_stands(world: World) -> None:
    await _lose(world, Trouble.ERROR_AFTER)
    await _stands(world)


@troubles.when(can_trouble(*_LOST_AFTER), can_delete)
async def a_removal_whose_reply_is_lost_is_unknown_and_never_sent_again(world: World) -> None:
    for index, kind in enumerate(_LOST_AFTER):
        placed = await set_code(world, world.driver(), index)
        before = world.mutating_calls()
        world.trouble(kind)
        outcome = await world.driver().apply(intent(), EnsureAbsent(placed.targets, placed.reference))
        world.calm()
        assert isinstance(outcome, Unknown)
        assert world.mutating_calls() == before + 1
        world.settle()
        assert not world.enter(world.targets[0], placed.digits)
        assert await entry_at(world, placed) is None


@troubles.when(can_trouble(Trouble.TRUNCATED))
async def a_yes_that_cannot_be_read_is_never_an_error(world: World) -> None:
    driver = world.driver()
    change = await change_of(world, driver)
    world.trouble(Trouble.TRUNCATED)
    outcome = await driver.apply(intent(), change)
    world.calm()
    assert isinstance(outcome, Unknown | Done)
    world.settle()
    if _caller(world):
        assert world.enter(world.targets[0], some_digits(world))


@troubles.when(can_trouble(Trouble.WRITE_LATE), may_apply_late)
async def a_write_that_reaches_the_lock_late_is_not_believed_before(world: World) -> None:
    capabilities = world.traits.capabilities
    late = capabilities.settling + (capabilities.late_apply - capabilities.settling) / 2
    driver = world.driver()
    change = await change_of(world, driver)
    begun_at = world.clock.now()
    world.trouble(Trouble.WRITE_LATE, seconds=late.total_seconds())
    outcome = await driver.apply(intent(), change)
    world.calm()
    outcome = await finished(world, driver, outcome)
    assert not isinstance(outcome, Refused)
    world.clock.set(max(world.clock.now(), begun_at + capabilities.settling))
    targets, name = frozenset({world.targets[0]}), some_name(world)
    if keeps_names(world.traits):
        assert not is_proven(await entry_named(world, targets, name), capabilities)
    if _caller(world):
        assert not world.enter(world.targets[0], some_digits(world))
    world.clock.set(begun_at + late + capabilities.settling)
    if keeps_names(world.traits):
        assert is_proven(await entry_named(world, targets, name), capabilities)
    if _caller(world):
        assert world.enter(world.targets[0], some_digits(world))


@troubles.when(can_trouble(Trouble.WRITE_LOST), device_proves, keeps_names)
async def a_write_that_never_reaches_the_lock_is_never_proven(world: World) -> None:
    capabilities = world.traits.capabilities
    driver = world.driver()
    change = await change_of(world, driver)
    world.trouble(Trouble.WRITE_LOST)
    outcome = await driver.apply(intent(), change)
    world.calm()
    assert not isinstance(await finished(world, driver, outcome), Refused)
    world.settle()
    world.clock.advance(capabilities.late_apply)
    targets = frozenset({world.targets[0]})
    assert not is_proven(await entry_named(world, targets, some_name(world)), capabilities)


@troubles.when(can_trouble(Trouble.STALE), can_be_read, can_delete)
async def a_stale_reading_is_passed_on_with_its_time_and_the_next_is_right(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    world.clock.advance(timedelta(hours=1))
    removed_at = world.clock.now()
    await remove_code(world, driver, placed)
    before = world.mutating_calls()
    past = world.clock.now() - removed_at + timedelta(minutes=5)
    world.trouble(Trouble.STALE, Calls.READS, seconds=past.total_seconds())
    begun_at = world.clock.now()
    stale = await read(world.driver(), placed.targets)
    world.calm()
    assert stale.begun_at == begun_at
    assert placed.reference in {entry.reference for entry in stale.entries}
    assert await entry_at(world, placed) is None
    assert world.mutating_calls() == before


@troubles.when(
    can_trouble(Trouble.REPLY_LOST_BEFORE, Trouble.ERROR_BEFORE, Trouble.RATE_LIMITED, Trouble.TRUNCATED),
    can_be_read,
)
async def an_observation_that_fails_is_an_error_and_not_an_empty_reading(world: World) -> None:
    await set_code(world, world.driver())
    kinds = (Trouble.REPLY_LOST_BEFORE, Trouble.ERROR_BEFORE, Trouble.RATE_LIMITED, Trouble.TRUNCATED)
    for kind in kinds:
        for scope in (ObserveScope(frozenset(world.targets)), ObserveScope(None)):
            world.trouble(kind, Calls.READS)
            await error_of(world.driver().observe(scope))
            await error_of(world.driver().describe())
            world.calm()


@troubles.when(can_trouble(Trouble.RATE_LIMITED))
async def too_many_calls_are_told_as_busy_and_nothing_is_changed(world: World) -> None:
    driver = world.driver()
    change = await change_of(world, driver)
    before = world.mutating_calls()
    world.trouble(Trouble.RATE_LIMITED)
    error = await error_of(driver.apply(intent(), change))
    world.calm()
    assert isinstance(error, VendorBusy)
    assert error.is_account_wide
    assert error.retry_after is None or error.retry_after > timedelta(0)
    assert world.mutating_calls() == before + 1
    await _nothing_came(world)
    world.trouble(Trouble.RATE_LIMITED, Calls.READS)
    assert isinstance(await error_of(world.driver().describe()), VendorBusy)
    world.calm()


@troubles.when(can_trouble(Trouble.BUSY), can_delete)
async def a_target_that_is_busy_is_told_as_such_and_nothing_is_changed(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    before = world.mutating_calls()
    absent = EnsureAbsent(placed.targets, placed.reference)
    world.trouble(Trouble.BUSY)
    error = await error_of(driver.apply(intent(), absent))
    world.calm()
    assert isinstance(error, VendorBusy)
    assert not error.is_account_wide
    assert world.mutating_calls() == before + 1
    world.settle()
    assert world.enter(world.targets[0], placed.digits)


@troubles.when()
async def credentials_that_are_refused_are_told_as_such(world: World) -> None:
    change = await change_of(world, world.driver())
    stranger = world.driver_with_wrong_credentials()
    targets = frozenset(world.targets)
    for asked in (
        stranger.describe(),
        stranger.observe(ObserveScope(targets)),
        stranger.observe(ObserveScope(None)),
        stranger.apply(intent(), change),
    ):
        assert isinstance(await error_of(asked), CredentialsRefused)
    await _nothing_came(world)


@troubles.when()
async def a_vendor_that_cannot_be_reached_is_told_as_such_and_nothing_is_sent(world: World) -> None:
    change = await change_of(world, world.driver())
    before = world.mutating_calls()
    async with httpx2.AsyncClient(transport=_NoRoute()) as http:
        driver = world.driver(http)
        targets = frozenset(world.targets)
        for asked in (
            driver.describe(),
            driver.observe(ObserveScope(targets)),
            driver.apply(intent(), change),
        ):
            assert isinstance(await error_of(asked), VendorUnreachable)
    assert world.mutating_calls() == before


@troubles.when()
async def a_write_past_its_deadline_is_not_sent(world: World) -> None:
    driver = world.driver()
    change = await change_of(world, driver)
    before = world.mutating_calls()
    await error_of(driver.apply(Intent(new_id(), 0.0), change))
    assert world.mutating_calls() == before
    assert DEADLINE_SECONDS > 0
    await _nothing_came(world)


@troubles.when(loses_or_refuses_offline)
async def a_lock_that_is_offline_is_never_believed_to_have_a_new_code(world: World) -> None:
    capabilities = world.traits.capabilities
    driver = world.driver()
    change = await change_of(world, driver)
    before = world.mutating_calls()
    world.offline(world.targets[0], True)
    try:
        outcome = await finished(world, driver, await driver.apply(intent(), change))
        assert not isinstance(outcome, Refused), "a lock that is away is no refusal of the code"
    except DriverError as error:
        assert isinstance(error, DeviceOffline)
    assert world.mutating_calls() <= before + 1
    world.settle()
    if _caller(world):
        assert not world.enter(world.targets[0], some_digits(world))
    if device_proves(world.traits) and keeps_names(world.traits):
        entry = await entry_named(world, frozenset({world.targets[0]}), some_name(world))
        assert not is_proven(entry, capabilities)
    described = await world.driver().describe()
    target = next(t for t in described.targets if t.reference == world.targets[0])
    assert target.state.is_online in (False, None)


@troubles.when(loses_or_refuses_offline)
async def a_lock_that_is_offline_holds_up_no_other(world: World) -> None:
    world.offline(world.targets[0], True)
    placed = await set_code(world, world.driver(), targets=frozenset({world.targets[1]}))
    assert world.enter(world.targets[1], placed.digits)


@troubles.when(loses_or_refuses_offline)
async def a_lock_that_is_back_takes_codes_again(world: World) -> None:
    world.offline(world.targets[0], True)
    world.settle()
    world.offline(world.targets[0], False)
    world.settle()
    placed = await set_code(world, world.driver())
    assert world.enter(world.targets[0], placed.digits)


@troubles.when(loses_or_refuses_offline, has_own_schedule)
async def a_code_opens_also_while_its_lock_is_offline(world: World) -> None:
    placed = await set_code(world, world.driver())
    world.offline(world.targets[0], True)
    assert world.enter(world.targets[0], placed.digits)


@troubles.when(reads_live)
async def a_lock_that_cannot_be_read_is_unread_and_not_empty(world: World) -> None:
    await set_code(world, world.driver())
    world.offline(world.targets[0], True)
    reading = await read(world.driver(), frozenset(world.targets))
    assert world.targets[0] not in reading.complete_for
    assert world.targets[1] in reading.complete_for


async def _lose(world: World, kind: Trouble) -> None:
    """One write in trouble: Unknown, and one call."""
    driver = world.driver()
    change = await change_of(world, driver)
    before = world.mutating_calls()
    world.trouble(kind)
    outcome = await driver.apply(intent(), change)
    world.calm()
    assert isinstance(outcome, Unknown), f"{kind}: {outcome!r}"
    assert world.mutating_calls() == before + 1, "a mutating call was repeated"
    world.settle()


async def _stands(world: World) -> None:
    """The code of `_lose` is on the lock, and found by its name where names are kept."""
    if _caller(world):
        assert world.enter(world.targets[0], some_digits(world))
    if keeps_names(world.traits):
        entry = await entry_named(world, frozenset({world.targets[0]}), some_name(world))
        assert is_proven(entry, world.traits.capabilities)


async def _nothing_came(world: World) -> None:
    world.settle()
    if _caller(world):
        assert not world.enter(world.targets[0], some_digits(world))
    if can_be_read(world.traits):
        reading = await read(world.driver(), frozenset({world.targets[0]}))
        assert not [e for e in reading.entries if e.is_code and world.targets[0] in e.targets]


def _caller(world: World) -> bool:
    return world.traits.capabilities.chooser is CodeChooser.CALLER


class _NoRoute(httpx2.AsyncBaseTransport):
    """A network on which nothing is reached."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route to host", request=request)
