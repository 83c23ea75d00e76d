"""What only some vendors have: digits of their own, jobs, remote unlock, a log, batteries, callbacks."""

from __future__ import annotations

from collections.abc import Mapping

from lockstep.driver.changes import Action, ConfigureAutoLock, Lock, ObserveScope, Unlock
from lockstep.driver.conformance.requirements import (
    can_act,
    can_configure_auto_lock,
    can_lock,
    can_trouble,
    can_unlock,
    has_battery,
    has_log,
    has_push,
    loses_or_refuses_offline,
    makes_jobs,
    registers_callbacks,
    vendor_chooses,
)
from lockstep.driver.conformance.steps import (
    change_of,
    finished,
    intent,
    set_code,
    some_name,
)
from lockstep.driver.conformance.suite import Cases
from lockstep.driver.conformance.world import Calls, Trouble, World
from lockstep.driver.contract import CallbackRefused, CallbacksRefused
from lockstep.driver.outcomes import (
    Accepted,
    CredentialsRefused,
    DeviceOffline,
    Done,
    DriverError,
    Refused,
    Unknown,
)
from lockstep.model.capabilities import Evidence, Reissue

extras = Cases()


@extras.when(vendor_chooses)
async def issued_digits_are_given_and_open_the_door(world: World) -> None:
    placed = await set_code(world, world.driver())
    assert len(placed.digits) in world.traits.capabilities.code_lengths
    assert world.enter(world.targets[0], placed.digits)


@extras.when(vendor_chooses)
async def issuing_again_gives_what_was_told(world: World) -> None:
    window = None
    one = await set_code(world, world.driver(), window=window, name=some_name(world))
    two = await set_code(world, world.driver(), window=one.window, name=one.name)
    is_same = world.traits.capabilities.reissue is Reissue.SAME
    assert (one.digits == two.digits) is is_same
    assert (one.reference == two.reference) is is_same


@extras.when(makes_jobs)
async def a_job_is_followed_to_its_end_also_by_a_driver_made_anew(world: World) -> None:
    driver = world.driver()
    change = await change_of(world, driver)
    accepted = await driver.apply(intent(), change)
    assert isinstance(accepted, Accepted)
    assert world.clock.now() < accepted.look_at < accepted.give_up_at
    world.clock.set(accepted.look_at)
    outcome = await world.driver().follow(accepted.token)
    if isinstance(outcome, Accepted):
        assert outcome.look_at > world.clock.now(), "a job under way is looked at again, not at once"
        assert outcome.give_up_at == accepted.give_up_at
    done = await finished(world, world.driver(), accepted)
    assert isinstance(done, Done)
    assert done.reference is not None


@extras.when(makes_jobs, can_trouble(Trouble.WRITE_LOST))
async def a_job_that_runs_out_of_time_ends_unknown(world: World) -> None:
    driver = world.driver()
    change = await change_of(world, driver)
    world.trouble(Trouble.WRITE_LOST)
    accepted = await driver.apply(intent(), change)
    world.calm()
    assert isinstance(await finished(world, driver, accepted), Unknown)


@extras.when(makes_jobs, loses_or_refuses_offline)
async def a_job_whose_lock_goes_away_ends_in_no_yes(world: World) -> None:
    driver = world.driver()
    accepted = await driver.apply(intent(), await change_of(world, driver))
    world.offline(world.targets[0], True)
    try:
        assert isinstance(await finished(world, driver, accepted), Refused | Unknown)
    except DriverError as error:
        assert isinstance(error, DeviceOffline)


def acts_of(world: World, target: str) -> list[Action]:
    """One of each kind of act that the world's locks can be asked for."""
    capabilities = world.traits.capabilities
    found: list[tuple[bool, Action]] = [
        (capabilities.can_unlock, Unlock(target)),
        (capabilities.can_lock, Lock(target)),
        (capabilities.can_configure_auto_lock, ConfigureAutoLock(target, True, 30)),
    ]
    return [act for can, act in found if can]


@extras.when(can_act)
async def an_act_from_afar_is_one_mutating_call_and_is_said_to_be_done(world: World) -> None:
    for act in acts_of(world, world.targets[0]):
        before = world.mutating_calls()
        outcome = await world.driver().act(intent(), act)
        assert isinstance(outcome, Done | Accepted), act
        assert world.mutating_calls() == before + 1, act
        world.settle()


@extras.when(can_act, can_trouble(Trouble.REPLY_LOST_AFTER))
async def an_act_from_afar_whose_reply_is_lost_is_unknown_and_never_repeated(world: World) -> None:
    for act in acts_of(world, world.targets[0]):
        before = world.mutating_calls()
        world.trouble(Trouble.REPLY_LOST_AFTER)
        outcome = await world.driver().act(intent(), act)
        world.calm()
        assert isinstance(outcome, Unknown), act
        assert world.mutating_calls() == before + 1, act
        world.settle()


@extras.when(can_act, loses_or_refuses_offline)
async def an_act_on_a_lock_that_is_away_is_never_confirmed_by_it(world: World) -> None:
    world.offline(world.targets[0], True)
    for act in acts_of(world, world.targets[0]):
        try:
            outcome = await world.driver().act(intent(), act)
            assert not isinstance(outcome, Done) or outcome.evidence < Evidence.ACKNOWLEDGED, act
        except DriverError as error:
            assert isinstance(error, DeviceOffline), act
        world.settle()


@extras.when(can_unlock, can_lock)
async def a_lock_is_shown_open_after_unlocking_and_locked_after_locking(world: World) -> None:
    target = world.targets[0]
    for act, is_locked in ((Unlock(target), False), (Lock(target), True)):
        await world.driver().act(intent(), act)
        world.settle()
        reading = await world.driver().observe(ObserveScope(frozenset({target})))
        assert reading.states[target].is_locked in (is_locked, None), act


@extras.when(can_configure_auto_lock)
async def auto_lock_is_shown_as_it_was_configured(world: World) -> None:
    target = world.targets[0]
    for is_enabled, delay, shown in ((True, 30, 30), (False, None, 30), (True, None, 30), (True, 45, 45)):
        await world.driver().act(intent(), ConfigureAutoLock(target, is_enabled, delay))
        world.settle()
        state = (await world.driver().observe(ObserveScope(frozenset({target})))).states[target]
        assert (state.is_auto_lock_enabled, state.auto_lock_delay_seconds) == (is_enabled, shown)


@extras.when(has_log)
async def the_log_attributes_a_visit_to_the_code_that_was_used(world: World) -> None:
    placed = await set_code(world, world.driver())
    since = world.clock.now()
    world.settle()
    entered_at = world.clock.now()
    assert world.enter(world.targets[0], placed.digits)
    world.settle()
    reading = await world.driver().observe(ObserveScope(placed.targets, since))
    visits = [line for line in reading.log if line.opened and line.target == world.targets[0]]
    assert len(visits) == 1
    assert visits[0].reference in (placed.reference, None)
    assert entered_at <= visits[0].at <= world.clock.now()
    later = await world.driver().observe(ObserveScope(placed.targets, world.clock.now()))
    assert later.log == ()


@extras.when(has_battery)
async def the_battery_is_told(world: World) -> None:
    described = await world.driver().describe()
    for target in described.targets:
        if target.reference in world.targets:
            level = target.state.battery_level
            assert level is not None or target.state.is_battery_critical is not None
            assert level is None or 0 <= level <= 1


@extras.when(has_push)
async def a_signed_callback_tells_where_to_look_and_a_forged_one_is_refused(world: World) -> None:
    await world.callbacks()
    await set_code(world, world.driver())
    calls = await world.callbacks()
    assert calls, "a vendor that pushes tells of a new code"
    read_callback = world.vendor.read_callback
    looks = [read_callback(call.headers, call.body, call.secret).look_at for call in calls]
    assert any(look is None or world.targets[0] in look for look in looks)
    for call in calls:
        for headers, body, secret in (
            (call.headers, call.body, f"{call.secret}x"),
            (call.headers, call.body + b" ", call.secret),
            ({}, call.body, call.secret),
        ):
            assert _is_refused(world, headers, body, secret)
    late = {name.upper(): value for name, value in calls[0].headers.items()}
    assert not _is_refused(world, late, calls[0].body, calls[0].secret), "names of headers have no case"


@extras.when(registers_callbacks)
async def the_vendor_can_be_told_whom_to_call_and_to_stop(world: World) -> None:
    desk = world.driver().callbacks
    assert desk is not None
    url, other = "https://lockstep.test/callbacks/one", "https://lockstep.test/callbacks/other"
    assert not await desk.is_registered(url)
    secrets = {await desk.register(one) for one in (url, url, other)}
    assert len(secrets - {""}) == 3, "each registration has a secret of its own"
    assert await desk.is_registered(url)
    assert await desk.is_registered(other)
    await desk.withdraw(url)
    assert not await desk.is_registered(url), "registered twice it is called once, and withdrawn at once"
    assert await desk.is_registered(other)
    await desk.withdraw(url)
    await desk.withdraw(other)


@extras.when(registers_callbacks, can_trouble(Trouble.ERROR_BEFORE))
async def a_registration_that_fails_says_nothing_of_the_account(world: World) -> None:
    url = "https://lockstep.test/callbacks/s3cret"
    desk = world.driver().callbacks
    assert desk is not None
    for calls in (Calls.READS, Calls.WRITES):
        world.trouble(Trouble.ERROR_BEFORE, calls)
        try:
            await desk.register(url)
            raise AssertionError("it cannot have been registered")
        except (DriverError, CallbacksRefused) as error:
            assert not isinstance(error, CredentialsRefused | DeviceOffline)
            assert "s3cret" not in f"{error} {error!r}"
        world.calm()
    assert not await desk.is_registered(url)


def _is_refused(world: World, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    try:
        world.vendor.read_callback(headers, body, secret)
    except CallbackRefused:
        return True
    return False
