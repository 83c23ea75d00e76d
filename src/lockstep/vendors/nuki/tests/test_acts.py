"""Asked-for acts on a Nuki lock: unlock, lock, auto lock; against the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lockstep.driver.changes import ConfigureAutoLock, Lock, ObserveScope, Unlock
from lockstep.driver.contract import TargetState
from lockstep.driver.outcomes import Done, Refused
from lockstep.model.capabilities import Evidence
from lockstep.vendors.nuki.tests.worlds import MIDDAY, NukiWorld, nuki_world


@pytest.fixture
async def world() -> AsyncIterator[NukiWorld]:
    async with nuki_world() as made:
        yield made


async def state_of(world: NukiWorld, target: str) -> TargetState:
    return (await world.driver().observe(ObserveScope())).states[target]


async def test_unlocking_moves_the_lock_and_the_log_tells_of_it(world: NukiWorld) -> None:
    outcome = await world.driver().act(world.intent, Unlock(world.targets[0]))
    assert outcome == Done(Evidence.ACCEPTED)
    (call,) = world.writes()
    assert (call.method, call.path) == ("POST", f"/smartlock/{world.targets[0]}/action/unlock")
    assert call.body is None
    world.settle()
    reading = await world.driver().observe(ObserveScope(since=MIDDAY))
    assert reading.states[world.targets[0]].is_locked is False
    assert [(entry.opened, entry.how) for entry in reading.log] == [(True, "remote")]


async def test_locking_moves_the_lock_back(world: NukiWorld) -> None:
    world.emulator.change_lock(world.targets[0], {"state": {"state": 3, "doorState": 3}})
    assert await world.driver().act(world.intent, Lock(world.targets[0])) == Done(Evidence.ACCEPTED)
    (call,) = world.writes()
    assert (call.method, call.path) == ("POST", f"/smartlock/{world.targets[0]}/action/lock")
    world.settle()
    state = await state_of(world, world.targets[0])
    assert (state.is_locked, state.is_door_open) == (True, True)


async def test_configuring_the_auto_lock_leaves_every_other_setting_as_it_is(world: NukiWorld) -> None:
    target = world.targets[0]
    held = world.emulator.locks[int(target)].configs["advancedConfig"]
    held.update(lngTimeout=45, operationId="65f0")
    assert await world.driver().act(world.intent, ConfigureAutoLock(target, True, 12.5)) == Done(
        Evidence.ACCEPTED
    )
    (call,) = world.writes()
    assert (call.method, call.path) == ("POST", f"/smartlock/{target}/advanced/config")
    assert not {"totalDegrees", "operationId"} & call.body.keys()
    world.settle()
    state = await state_of(world, target)
    assert (state.is_auto_lock_enabled, state.auto_lock_delay_seconds) == (True, 13)
    now = world.emulator.locks[int(target)].configs["advancedConfig"]
    assert now == {**held, "autoLock": True, "autoLockTimeout": 13}


async def test_a_smart_door_has_its_auto_lock_among_settings_of_its_own(world: NukiWorld) -> None:
    door = world.emulator.add_lock({"name": "Gate", "type": 3})
    await world.driver().act(world.intent, ConfigureAutoLock(door, True, 60))
    assert world.writes()[-1].path == f"/smartlock/{door}/advanced/smartdoorconfig"
    opener = world.emulator.add_lock({"name": "Entrance", "type": 2})
    refused = await world.driver().act(world.intent, ConfigureAutoLock(opener, True, 60))
    assert isinstance(refused, Refused)
    assert len(world.writes()) == 1


async def test_an_auto_lock_without_a_flag_is_off_where_its_delay_is_none(world: NukiWorld) -> None:
    target = world.targets[0]
    held = world.emulator.locks[int(target)].configs["advancedConfig"]
    del held["autoLock"]
    held["autoLockTimeout"] = 0
    assert (await state_of(world, target)).is_auto_lock_enabled is False
    assert isinstance(await world.driver().act(world.intent, ConfigureAutoLock(target, True)), Refused)
    await world.driver().act(world.intent, ConfigureAutoLock(target, True, 20))
    world.settle()
    assert (await state_of(world, target)).is_auto_lock_enabled is True
    await world.driver().act(world.intent, ConfigureAutoLock(target, False))
    world.settle()
    assert (await state_of(world, target)).is_auto_lock_enabled is False
