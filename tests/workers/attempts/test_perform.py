"""Asked-for acts on emulated locks: what comes of them, and what is said where nothing does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.operations import attempts, devices
from lockstep.operations.attempts import ActionAttempt, AutoLock
from lockstep.operations.devices import Device
from lockstep.operations.errors import Invalid
from lockstep.storage import attempts as stored
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world


@pytest.fixture
def world(clock: VirtualClock) -> VirtualWorld:
    return create_world(clock, "plain", locks=1)


@pytest.fixture
async def house(database_url: str, clock: VirtualClock, world: VirtualWorld) -> AsyncIterator[House]:
    async with build_house(database_url, clock, {"virtual.test": create_app(world)}) as house:
        await house.connect("virtual", {"endpoint": "http://virtual.test", "token": "virtual-token"})
        await house.work()
        yield house


async def the_lock(house: House) -> Device:
    async with house.gate.reading(house.actor.workspace_id) as tx:
        (found,) = await devices.list_shown(tx, house.actor, devices.ListDevices())
    return found


async def lock_it(house: House) -> ActionAttempt:
    lock = await the_lock(house)
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        return await attempts.lock(tx, house.actor, lock.device_id)


async def after(house: House, attempt: ActionAttempt) -> ActionAttempt:
    await house.work()
    return await attempts.ended(house.gate, house.actor, attempt.action_attempt_id, timedelta(seconds=5))


async def test_what_a_lock_confirms_is_said_to_be_confirmed_and_shows_at_once(
    house: House, world: VirtualWorld
) -> None:
    world.change_lock("lock_1", {"locked": False})
    done = await after(house, await lock_it(house))
    assert (done.state, done.evidence, done.is_confirmed_by_device) == ("success", "acknowledged", True)
    assert (await the_lock(house)).state.is_locked is True
    house.clock.advance(timedelta(seconds=1))
    device_id = (await the_lock(house)).device_id
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        asked = await attempts.configure_auto_lock(tx, house.actor, device_id, AutoLock(True, 2.5))
        with pytest.raises(Invalid, match="between 1 and 3600"):
            await attempts.configure_auto_lock(tx, house.actor, device_id, AutoLock(True, 0))
    assert (await after(house, asked)).state == "success"
    state = (await the_lock(house)).state
    assert (state.is_auto_lock_enabled, state.auto_lock_delay_seconds) == (True, 2.5)


async def test_what_is_not_done_says_why_and_promises_no_further_try(
    house: House, world: VirtualWorld
) -> None:
    async def failure() -> tuple[str, str]:
        ended = await after(house, await lock_it(house))
        assert (ended.state, ended.evidence) == ("error", None)
        assert ended.failure is not None
        assert "Lockstep" not in f"{ended.failure.cause} {ended.failure.next_step}"
        return ended.failure.code, ended.failure.cause

    world.change_lock("lock_1", {"door_open": True})
    assert await failure() == (
        "other",
        "Lock 1: The vendor refused it. The vendor said: door_open: The door stands open.",
    )
    world.faults.add(Fault(kind=FaultKind.RATE_LIMITED, mutating=True, times=1))
    assert (await failure())[0] == "vendor_busy"
    world.faults.add(Fault(kind=FaultKind.REPLY_LOST_AFTER, mutating=True, times=1))
    assert (await failure())[0] == "unknown_outcome"
    world.take_offline("lock_1")
    assert (await failure())[0] == "device_offline"


async def test_whoever_waits_is_answered_when_the_attempt_ends_or_when_the_time_is_over(house: House) -> None:
    attempt = await lock_it(house)
    gate, actor, attempt_id = house.gate, house.actor, attempt.action_attempt_id
    assert (await attempts.ended(gate, actor, attempt_id, timedelta(0))).state == "pending"
    waiting = asyncio.create_task(attempts.ended(gate, actor, attempt_id, timedelta(seconds=20)))
    await house.work()
    assert (await waiting).state == "success"


async def test_what_a_tester_has_decided_ends_no_second_time(house: House) -> None:
    asked, other = await lock_it(house), await lock_it(house)
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        rows = [
            await stored.by_public_id(tx.db, tx.workspace_id, a.action_attempt_id) for a in (asked, other)
        ]
        forced, free = [row.id for row in rows if row is not None]
        await stored.force(tx.db, tx.workspace_id, forced, "pending", None, None, tx.now)
        ends = [
            await stored.end(tx.db, tx.workspace_id, id, "success", None, tx.now)
            for id in (forced, free, free)
        ]
    assert ends == [False, True, False]
