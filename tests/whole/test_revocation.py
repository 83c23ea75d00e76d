"""Revocation on online locks: codes are off within 60 seconds of their end or cancellation (docs/trust.md, 13)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.whole.house import House, build_house
from tests.whole.stage import build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import FaultKind
from lockstep.operations import devices, grants
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world

LOCKS, GUESTS = 10, 10
WITHIN = timedelta(seconds=60)


def _world(clock: VirtualClock, model: str) -> VirtualWorld:
    world = create_world(clock, model, locks=LOCKS, features={"lists_account": True})
    world.change_settings({"tokens": ["t"]})
    return world


async def _declare(house: House, starts_at: datetime, ends_at: datetime) -> tuple[list[str], list[str]]:
    """Codes on every lock, each guest's own; returns digits and the ids of the grants."""
    digits, ids = [], []
    for number in range(GUESTS):
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            found = await devices.listed(tx, house.actor, None, LOCKS)
            command = grants.CreateGrant(
                f"Guest {number}", starts_at, ends_at, device_ids=tuple(d.public_id for d in found)
            )
            made = await grants.create(tx, house.actor, command)
            digits.append(grants.digits_of(tx, house.actor, made.method) or "")
            ids.append(made.row.public_id)
    return digits, ids


async def _seconds_until_closed(house: House, world: VirtualWorld, digits: list[str]) -> list[float]:
    """For each code on each lock, how long after now it still opened."""
    begun = house.clock.now()
    open_still = {(lock, code) for lock in world.lock_ids() for code in digits}
    taken: list[float] = []
    while open_still and house.clock.now() < begun + timedelta(minutes=5):
        closed = {(lock, code) for lock, code in open_still if not world.enter(lock, code).opened}
        taken += [(house.clock.now() - begun).total_seconds()] * len(closed)
        open_still -= closed
        await house.advance(house.clock.now() + timedelta(seconds=2))
    return taken + [float("inf")] * len(open_still)


@pytest.mark.parametrize("model", ["just_in_time", "plain"])
async def test_99_of_100_codes_are_off_within_a_minute_of_their_end(
    database_url: str, clock: VirtualClock, model: str
) -> None:
    world = _world(clock, model)
    async with build_house(database_url, clock, {"virtual.test": create_app(world)}) as house:
        await house.connect("virtual", {"endpoint": "http://virtual.test", "token": "t"})
        ends_at = clock.now() + timedelta(hours=6)
        digits, _ = await _declare(house, clock.now() + timedelta(hours=1), ends_at)
        await house.advance(ends_at - timedelta(seconds=1))
        assert all(world.enter(lock, code).opened for lock in world.lock_ids() for code in digits)
        await house.advance(ends_at)
        taken = sorted(await _seconds_until_closed(house, world, digits))
        assert taken[int(len(taken) * 0.99) - 1] <= WITHIN.total_seconds(), taken[-5:]


async def test_cancelled_codes_are_off_within_a_minute(database_url: str, clock: VirtualClock) -> None:
    world = _world(clock, "plain")
    async with build_house(database_url, clock, {"virtual.test": create_app(world)}) as house:
        await house.connect("virtual", {"endpoint": "http://virtual.test", "token": "t"})
        digits, ids = await _declare(house, clock.now() - timedelta(hours=1), clock.now() + timedelta(days=2))
        await house.advance(clock.now() + timedelta(minutes=10))
        assert all(world.enter(lock, code).opened for lock in world.lock_ids() for code in digits)
        for id in ids:
            async with house.gate.transaction(house.actor.workspace_id) as tx:
                await grants.cancel(tx, house.actor, id)
        await house.work()
        taken = sorted(await _seconds_until_closed(house, world, digits))
        assert taken[int(len(taken) * 0.99) - 1] <= WITHIN.total_seconds(), taken[-5:]


@pytest.mark.parametrize("trouble", [None, FaultKind.REPLY_LOST_BEFORE, FaultKind.REPLY_LOST_AFTER])
async def test_at_nuki_a_code_that_was_edited_right_before_is_off_within_a_minute(
    database_url: str, clock: VirtualClock, trouble: FaultKind | None
) -> None:
    """The longest wait of all: the edit has to settle (30 s) before the code is removed, and where its answer was lost
    that begins only when its call could no longer be under way (10 s)."""
    async with build_stage(database_url, clock, "nuki", locks=1) as stage:
        (lock,) = stage.site.locks
        let = await stage.let(lock, timedelta(hours=-1))
        await stage.wait(timedelta(minutes=30))
        assert stage.site.opens(lock, let.code or "")
        if trouble is not None:
            stage.fault(trouble)
        await stage.change(let, ends_at=clock.now() + timedelta(days=3))
        await stage.house.work()
        assert [call.fault for call in stage.site.journal.mutating()][-1] == trouble
        await stage.cancel(let)
        await stage.wait(WITHIN)
        assert not stage.site.opens(lock, let.code or "")
        assert stage.writes() == 3, "set, edited, removed"


async def test_at_nuki_thirty_codes_of_an_account_that_are_cancelled_at_once_are_off_within_a_minute(
    database_url: str, clock: VirtualClock
) -> None:
    """More than that take longer: the account's own pace bounds it (45 calls a minute, and readings are among them)."""
    async with build_stage(database_url, clock, "nuki", locks=6) as stage:
        lets = [
            (lock, await stage.let(lock, timedelta(hours=-1))) for lock in stage.site.locks for _ in range(5)
        ]
        await stage.wait(timedelta(minutes=30))
        assert all(stage.site.opens(lock, let.code or "") for lock, let in lets)
        for _, let in lets:
            await stage.cancel(let)
        await stage.wait(WITHIN)
        assert not [lock for lock, let in lets if stage.site.opens(lock, let.code or "")]
