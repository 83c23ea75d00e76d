"""Codes that somebody else put on a lock: who each is from reading to reading, and what may be done with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.operations.places import until_somebody_waits
from tests.whole.house import build_house
from tests.whole.stage import Stage, build_stage, connected

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import FaultKind
from lockstep.operations import (
    access_codes,
    accounts,
    adopting,
    devices,
    lock_codes,
    managing,
    releasing,
    sandboxes,
    simulating,
    unmanaged_codes,
)
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.adopting import AdoptCode
from lockstep.operations.devices import ListDevices
from lockstep.operations.emulator import CodeAtLock, EmulatedDevice
from lockstep.operations.errors import AccountInError, Conflict, NotFound
from lockstep.operations.lock_codes import CreateCode
from lockstep.operations.sandboxes import EmulatedAccount
from lockstep.operations.simulating import UnmanagedCodeAtLock
from lockstep.operations.unmanaged_codes import ListUnmanagedCodes, UnmanagedCode

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STRANGERS = ("unmanaged_code.created", "unmanaged_code.removed")


async def on(stage: Stage, lock: str) -> list[UnmanagedCode]:
    command = ListUnmanagedCodes(device_id=stage.device_id(lock))
    return await stage.ask(unmanaged_codes.listed, command)


async def told(stage: Stage) -> list[str]:
    return [kind for kind in await stage.told() if kind in STRANGERS]


@pytest.mark.parametrize("profile", ["nuki", "slots", "existence"])
async def test_a_strangers_code_is_the_same_from_reading_to_reading_and_its_coming_and_going_is_told(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        (lock,) = stage.site.locks
        await stage.wait(16 * MINUTE)
        before = len(await told(stage))
        reference = stage.site.app_put(lock, None, "734512")
        let = await stage.let(lock, -HOUR)
        await stage.wait(16 * MINUTE)
        assert await stage.standing(let) == "proven"
        (code,) = await on(stage, lock)
        assert code.code == ("734512" if stage.site.features.shows == "digits" else None)
        assert (await told(stage))[before:] == ["unmanaged_code.created"]
        stage.site.app_put(lock, reference, "734521")
        await stage.wait(16 * MINUTE)
        (same,) = await on(stage, lock)
        assert same.unmanaged_code_id == code.unmanaged_code_id
        assert same.code == ("734521" if stage.site.features.shows == "digits" else None)
        stage.site.app_delete(lock, reference)
        await stage.wait(16 * MINUTE)
        assert await on(stage, lock) == []
        assert (await told(stage))[before:] == list(STRANGERS)
        await stage.cancel(let)
        await stage.wait(30 * MINUTE)
        assert (await told(stage))[before:] == list(STRANGERS), "ours is none"


async def adopted(stage: Stage, code: UnmanagedCode, *, is_forced: bool = False) -> AccessCode:
    return await stage.ask(adopting.adopt, AdoptCode(code.unmanaged_code_id, is_forced))


async def shown(stage: Stage, access_code_id: str) -> AccessCode:
    return await stage.ask(access_codes.get, access_code_id)


@pytest.mark.parametrize("profile", ["nuki", "slots", "just_in_time", "existence"])
async def test_an_adopted_code_is_proven_as_it_stands_and_from_then_on_as_any_of_ours(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        (lock,) = stage.site.locks
        stage.site.app_put(lock, None, "734512")
        await stage.wait(16 * MINUTE)
        (code,) = await on(stage, lock)
        assert code.can_be_adopted
        writes = stage.writes()
        made = await adopted(stage, code)
        assert made.row.public_id == code.unmanaged_code_id
        assert (made.standing.value, made.status.value) == ("proven", "set")
        is_shown = stage.site.features.shows == "digits"
        assert made.digits == ("734512" if is_shown else None)
        assert await on(stage, lock) == []
        await stage.wait(40 * MINUTE)
        assert stage.writes() == writes, "it was not touched"
        assert stage.site.held(lock) == ["734512"]
        assert (await shown(stage, made.row.public_id)).standing.value == "proven"
        stage.site.app_delete(lock, stage.site.reference_of(lock, "734512") or "")
        await stage.wait(40 * MINUTE)
        again = await shown(stage, made.row.public_id)
        if is_shown:
            assert stage.site.held(lock) == ["734512"], "it is set again"
        else:
            assert again.failure is not None
            assert again.failure["code"] == "digits_unknown"
        await stage.cancelled(again.row.grant_public_id)
        await stage.wait(40 * MINUTE)
        assert stage.site.held(lock) == []
        assert (await told(stage)).count("unmanaged_code.removed") == 0


@pytest.mark.parametrize("profile", ["nuki", "slots", "existence"])
async def test_a_strangers_code_that_is_to_go_is_taken_off_and_gone_when_a_reading_proves_it(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        (lock,) = stage.site.locks
        for digits in ("734512", "821963"):
            stage.site.app_put(lock, None, digits)
        await stage.wait(16 * MINUTE)
        first, second = await on(stage, lock)
        before = len(await told(stage))
        stage.fault(FaultKind.ERROR_BEFORE)
        going = await stage.ask(adopting.remove, first.unmanaged_code_id)
        assert going.is_being_removed
        assert len(stage.site.held(lock)) == 2
        await stage.wait(20 * MINUTE)
        assert len(stage.site.held(lock)) == 1
        assert [c.unmanaged_code_id for c in await on(stage, lock)] == [second.unmanaged_code_id]
        assert (await told(stage))[before:] == ["unmanaged_code.removed"]
        await stage.wait(HOUR)
        assert len(stage.site.held(lock)) == 1


async def test_a_code_that_is_let_go_stays_on_the_lock_as_a_strangers_and_can_be_adopted_again(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "nuki", locks=1) as stage:
        (lock,) = stage.site.locks
        command = CreateCode(stage.device_id(lock), "Anna")
        made = await stage.ask(lock_codes.create, command)
        code_id, digits = made.row.public_id, made.digits or ""
        await stage.wait(5 * MINUTE)
        await stage.ask(releasing.release, code_id)
        (left,) = await on(stage, lock)
        assert (left.unmanaged_code_id, left.code) == (code_id, digits)
        with pytest.raises(NotFound):
            await shown(stage, code_id)
        writes = stage.writes()
        await stage.wait(DAY)
        assert (stage.writes(), stage.site.held(lock)) == (writes, [digits])
        assert [c.unmanaged_code_id for c in await on(stage, lock)] == [code_id]
        again = await adopted(stage, left)
        assert (again.row.public_id, again.digits, again.standing.value) == (code_id, digits, "proven")
        await stage.wait(HOUR)
        assert stage.writes() == writes


async def test_a_strangers_code_is_not_adopted_while_its_account_is_disconnected(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "nuki", locks=1) as stage:
        (lock,) = stage.site.locks
        stage.site.app_put(lock, None, "734512")
        await stage.wait(16 * MINUTE)
        (code,) = await on(stage, lock)
        gate, actor = stage.house.gate, stage.house.actor
        async with gate.transaction(actor.workspace_id) as tx:
            (account,) = await accounts.listed(tx, actor)
            await accounts.disconnect(tx, actor, account.public_id, "leave")
            adopting_it = asyncio.create_task(adopted(stage, code))
            await until_somebody_waits(gate)
        with pytest.raises(AccountInError):
            await adopting_it


async def test_a_device_that_is_not_looked_after_keeps_its_codes_and_is_neither_read_nor_written(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=2) as stage:
        mine, other = stage.site.locks
        let = await stage.let([mine, other], -HOUR, 7 * HOUR)
        await stage.wait(10 * MINUTE)
        ids = {lock: code.row.public_id for lock, code in (await stage.shown(let)).items()}
        device = await stage.ask(managing.unmanage, stage.device_id(mine))
        assert not device.is_managed
        writes = stage.writes()
        await stage.wait(9 * HOUR)
        assert stage.site.held(mine) == [let.code]
        assert stage.site.held(other) == [], "its window is over there"
        (left,) = await on(stage, mine)
        assert (left.unmanaged_code_id, left.can_be_adopted) == (ids[mine], False)
        with pytest.raises(Conflict):
            await stage.let(mine, HOUR)
        assert stage.writes() == writes + 1
        listed = await stage.ask(devices.list_shown, ListDevices(is_managed=False))
        assert [d.device_id for d in listed] == [stage.device_id(mine)]
        await stage.ask(managing.manage, stage.device_id(mine))
        await stage.wait(20 * MINUTE)
        assert [c.unmanaged_code_id for c in await on(stage, mine)] == [ids[mine]]
        new = await stage.let(mine, -HOUR)
        await stage.wait(20 * MINUTE)
        assert await stage.standing(new) == "proven"
        assert stage.site.held(mine) == sorted([let.code or "", new.code or ""])


async def test_a_guest_keeps_his_digits_on_all_doors_where_one_of_them_is_looked_after_again(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "nuki", locks=2) as stage:
        mine, other = stage.site.locks
        let = await stage.let([mine, other], -HOUR, 9 * DAY)
        await stage.wait(10 * MINUTE)
        writes = stage.writes()
        await stage.ask(managing.unmanage, stage.device_id(mine))
        await stage.wait(20 * MINUTE)
        await stage.ask(managing.manage, stage.device_id(mine))
        await stage.wait(20 * MINUTE)
        codes = await stage.shown(let)
        assert {c.standing.value for c in codes.values()} == {"proven"}
        assert ({c.digits for c in codes.values()}, len(codes), stage.writes()) == ({let.code}, 2, writes)
        assert await on(stage, mine) == []
        await stage.cancel(let)
        await stage.wait(10 * MINUTE)
        assert (stage.site.held(mine), stage.site.held(other)) == ([], [])


async def test_two_workspaces_of_one_account_do_not_fight_over_a_code_unless_one_is_forced_to_lose_it(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "nuki", locks=1) as stage:
        (lock,) = stage.site.locks
        async with build_house(database_url, clock, {"vendor.test": stage.site.app}) as house:
            neighbour = await connected(house, stage.site)
            made = await stage.ask(lock_codes.create, CreateCode(stage.device_id(lock), "Anna"))
            await stage.wait(20 * MINUTE)
            await neighbour.wait(20 * MINUTE)
            (code,) = await on(neighbour, lock)
            with pytest.raises(Conflict, match="Another workspace"):
                await adopted(neighbour, code)
            taken = await adopted(neighbour, code, is_forced=True)
            assert (taken.digits, taken.standing.value) == (made.digits, "proven")
            (left,) = await on(stage, lock)
            assert left.unmanaged_code_id == made.row.public_id
            writes = stage.writes()
            await stage.wait(HOUR)
            await neighbour.wait(HOUR)
            assert stage.writes() == writes
            assert stage.site.held(lock) == [made.digits]


async def test_a_grant_that_loses_one_of_its_doors_to_another_workspace_goes_on_without_it(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "nuki", locks=2) as stage:
        front, back = stage.site.locks
        async with build_house(database_url, clock, {"vendor.test": stage.site.app}) as house:
            neighbour = await connected(house, stage.site)
            let = await stage.let([front, back], -HOUR, 5 * DAY)
            await stage.wait(20 * MINUTE)
            await neighbour.wait(20 * MINUTE)
            (code,) = await on(neighbour, front)
            await adopted(neighbour, code, is_forced=True)
            assert let.ends_at is not None
            await stage.change(let, ends_at=let.ends_at + DAY)
            await stage.wait(20 * MINUTE)
            await neighbour.wait(20 * MINUTE)
            assert let.code is not None
            assert stage.site.held(front) == stage.site.held(back) == [let.code], "nobody's digits changed"
            codes = await stage.shown(let)
            assert (codes[front].status.value, codes[back].standing.value) == ("removed", "proven")
            assert [c.unmanaged_code_id for c in await on(stage, front)] != []


async def test_a_code_that_is_put_on_an_emulated_lock_is_who_it_is_before_and_after_it_is_read(
    database_url: str, clock: VirtualClock
) -> None:
    front = EmulatedDevice("august_device_1", "Front Door", "august")
    john = EmulatedAccount("john@example.com", "John", (front,), "john_connected_account_id")
    async with build_house(database_url, clock, {}, is_sandbox=True) as house:
        await sandboxes.connect(house.gate, house.actor, john)
        await house.work()
        await house.advance(clock.now() + SECOND)
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            command = UnmanagedCodeAtLock("august_device_1", CodeAtLock("Gardener", "734512"))
            made = await simulating.put_unmanaged_code(house.gate, tx, house.actor, command)
        assert (
            await unmanaged_codes.once_read(house.gate, house.actor, made.unmanaged_code_id, timedelta(0))
            is None
        )
        await house.work()
        read = await unmanaged_codes.once_read(house.gate, house.actor, made.unmanaged_code_id, timedelta(0))
        assert read is not None
        assert (read.name, read.code, read.device_id) == ("Gardener", "734512", "august_device_1")
        await house.advance(clock.now() + HOUR)
        async with house.gate.database.reading(house.actor.workspace_id) as db:
            kinds = [r["kind"] for r in await db.fetch("select kind from events order by id")]
        assert [kind for kind in kinds if kind in STRANGERS] == ["unmanaged_code.created"]
