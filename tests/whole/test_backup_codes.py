"""Backup codes at the door: a pool that fills itself, a pulled one that opens, and the replaced one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.whole.stage import Let, Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.model.backup_pool import ROLLING
from lockstep.model.permissions import Actor
from lockstep.operations import access_codes, accounts, arrivals, backup_codes, devices, grants
from lockstep.operations.backup_codes import Pulled, SetPool
from lockstep.operations.backup_pools import BackupPool
from lockstep.operations.errors import AccountInError, Conflict, Invalid
from lockstep.operations.gate import Tx
from lockstep.workers.sweeps.backup_pools import fill_all
from lockstep.workers.sweeps.retention import sweep_all

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def stage(database_url: str, clock: VirtualClock) -> AsyncIterator[Stage]:
    async with build_stage(database_url, clock, "plain", 1) as stage:
        yield stage


async def set_pool(stage: Stage, **fields: Any) -> None:
    await stage.ask(backup_codes.set_pool, SetPool(stage.device_id(stage.site.locks[0]), **fields))
    await fill(stage)


async def fill(stage: Stage, after: timedelta = timedelta(minutes=2)) -> None:
    """The sweep, and time for what follows."""
    await fill_all(stage.house.gate)
    await stage.wait(after)


async def leap(stage: Stage, span: timedelta) -> None:
    """Time passes in which nothing was done."""
    stage.clock.advance(span)
    await stage.wait(timedelta(minutes=1))


async def pool_of(stage: Stage) -> BackupPool:
    async def shown(tx: Tx, actor: Actor, device_id: str) -> devices.Device:
        return await devices.shown(tx, actor, device_id)

    pool = (await stage.ask(shown, stage.device_id(stage.site.locks[0]))).backup_pool
    assert pool is not None
    return pool


async def code_of(stage: Stage, let: Let) -> access_codes.AccessCode:
    """The code of a grant on the one lock that nothing has replaced."""
    async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
        row = (await grants.get(tx, stage.house.actor, let.grant_id)).row
        codes = (await access_codes.of_grants(tx, stage.house.actor, [row.id]))[row.id]
    (code,) = [c for c in codes if c.row.withdrawn_at is None]
    return code


async def pull(stage: Stage, access_code_id: str) -> Pulled:
    return await stage.ask(backup_codes.pull, access_code_id)


def held(stage: Stage) -> list[str]:
    return stage.site.held(stage.site.locks[0])


def opens(stage: Stage, digits: str | None) -> bool:
    assert digits is not None
    return stage.site.opens(stage.site.locks[0], digits)


async def test_a_pulled_backup_code_opens_at_once_and_the_one_that_it_replaces_does_not_any_more(
    stage: Stage,
) -> None:
    await set_pool(stage)
    assert await pool_of(stage) == BackupPool(3, 3, 0, is_allowed_without_schedule=False, problems=())
    let = await stage.let(stage.site.locks, timedelta(0), 12 * DAY)
    await stage.wait(timedelta(minutes=2))
    replaced = await code_of(stage, let)
    assert replaced.is_backup_available
    pulled = await pull(stage, replaced.row.public_id)
    digits = pulled.backup.digits
    assert opens(stage, digits), "it was on the lock before anybody asked"
    assert digits != replaced.digits
    assert pulled.backup.row.is_backup
    assert pulled.replaced.row.pulled_backup_public_id == pulled.backup.row.public_id
    assert pulled.backup.window.ends_at == let.ends_at
    await fill(stage)
    assert opens(stage, digits)
    assert not opens(stage, replaced.digits)
    assert (await stage.ask(access_codes.get, replaced.row.public_id)).standing.value == "gone"
    assert (await code_of(stage, let)).standing.value == "proven"
    assert (await pool_of(stage)).ready == 3, "filled again"
    assert len(held(stage)) == 4
    assert await stage.told("access_code.backup_pulled") == ["access_code.backup_pulled"]


async def test_pulling_again_gives_the_same_and_two_who_pull_at_once_get_one(stage: Stage) -> None:
    await set_pool(stage)
    let = await stage.let(stage.site.locks, HOUR)
    code = (await code_of(stage, let)).row.public_id
    found = await asyncio.gather(*(pull(stage, code) for _ in range(3)))
    found.append(await pull(stage, code))
    assert len({f.backup.row.public_id for f in found}) == 1
    assert (await pool_of(stage)).pulled == 1


async def test_a_pulled_one_moves_with_its_grant_goes_with_it_and_never_comes_back_to_the_pool(
    stage: Stage,
) -> None:
    await set_pool(stage)
    let = await stage.let(stage.site.locks, timedelta(0), 5 * DAY)
    pulled = await pull(stage, (await code_of(stage, let)).row.public_id)
    await fill(stage)
    await stage.change(let, ends_at=stage.clock.now() + 20 * DAY)
    await stage.wait(timedelta(minutes=2))
    (entry,) = [c for c in [await code_of(stage, let)] if c.digits == pulled.backup.digits]
    assert entry.window.ends_at == let.ends_at
    await leap(stage, 15 * DAY)
    assert opens(stage, pulled.backup.digits)
    await stage.cancel(let)
    await stage.wait(timedelta(minutes=5))
    assert not opens(stage, pulled.backup.digits)
    assert (await pool_of(stage)).pulled == 0
    await fill(stage)
    assert pulled.backup.digits not in held(stage)


async def test_only_the_door_that_needs_one_gets_a_backup_code_and_the_stay_goes_on_as_one(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 2) as stage:
        front, back = stage.site.locks
        await set_pool(stage)
        let = await stage.let([front, back], timedelta(0), 5 * DAY)
        await stage.wait(timedelta(minutes=2))
        assert let.code is not None
        replaced = (await stage.shown(let))[front]
        pulled = await pull(stage, replaced.row.public_id)
        await fill(stage)
        await stage.change(let, ends_at=stage.clock.now() + 9 * DAY, name="Ben")
        await stage.wait(timedelta(minutes=2))
        assert pulled.backup.digits is not None
        assert stage.site.opens(front, pulled.backup.digits)
        assert stage.site.opens(back, let.code)
        assert not stage.site.opens(front, let.code)
        (arrival,) = await stage.ask(arrivals.listed, DAY)
        assert {c.row.device_id: c.digits for c in arrival.codes} == {
            replaced.row.device_id: pulled.backup.digits,
            (await stage.shown(let))[back].row.device_id: let.code,
        }
        assert {c.standing.value for c in arrival.codes} == {"proven"}
        names = {c.row.entry.declared.spec.name.split()[0] for c in arrival.codes}
        assert names == {"Ben"}, "a backup code stands under the guest's name"
        await stage.cancel(let)
        await stage.wait(timedelta(minutes=5))
        assert not stage.site.opens(front, pulled.backup.digits)
        assert not stage.site.opens(back, let.code)


async def test_nothing_of_a_guest_is_left_of_codes_and_backup_codes_after_their_time(stage: Stage) -> None:
    await set_pool(stage)
    let = await stage.let(stage.site.locks, timedelta(0), name="Annabel Lee")
    await pull(stage, (await code_of(stage, let)).row.public_id)
    await fill(stage)
    await leap(stage, 3 * DAY)
    await set_pool(stage, size=0)
    await leap(stage, 366 * DAY)
    await sweep_all(stage.house.gate)
    async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
        tables = ("grants", "access_methods", "entries", "entry_revisions", "access_codes", "events")
        kept = repr([dict(row) for table in tables for row in await db.fetch(f"select * from {table}")])
        digits = "select count(digits) + count(fingerprint) from"
        left = [await db.fetchval(f"{digits} {table}") for table in ("access_methods", "entries")]
    assert "Annabel" not in kept
    assert left == [0, 0]


async def test_a_grant_that_is_given_other_digits_has_them_where_a_backup_code_stood(stage: Stage) -> None:
    await set_pool(stage)
    let = await stage.let(stage.site.locks, timedelta(0))
    pulled = await pull(stage, (await code_of(stage, let)).row.public_id)
    await fill(stage)
    await stage.change(let, code="295175")
    await stage.wait(timedelta(minutes=5))
    assert opens(stage, "295175")
    assert not opens(stage, pulled.backup.digits)


async def test_several_that_are_pulled_at_a_time_are_a_sign_and_told(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "hour_steps", 1) as stage:
        await set_pool(stage)
        stage.clock.advance(timedelta(minutes=17))
        await set_pool(stage, size=4)
        lets = [await stage.let(stage.site.locks, timedelta(0)) for _ in range(2)]
        await stage.wait(timedelta(minutes=5))
        (lock,) = stage.site.locks
        windows = [e.ends_at - e.starts_at for e in stage.site.cloud().locks[lock].door if e.starts_at]
        assert len(windows) == 6
        assert max(windows) <= ROLLING, "with what the lock rounds"
        for let in lets:
            await pull(stage, (await code_of(stage, let)).row.public_id)
        assert "many_pulled" in (await pool_of(stage)).problems
        await stage.cancel(lets[0])
        assert "many_pulled" not in (await pool_of(stage)).problems


async def test_windows_roll_on_and_an_unused_code_ends_by_itself_when_nobody_renews_it(stage: Stage) -> None:
    await set_pool(stage, size=2)
    before = held(stage)
    for _ in range(4):
        await leap(stage, 4 * DAY)
        await fill(stage)
    assert held(stage) == before, "the same digits: nobody has seen them"
    assert all(opens(stage, digits) for digits in before)
    revisions = "select max(n) from (select count(*) n from entry_revisions group by entry_id) each"
    async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
        assert await db.fetchval(revisions) <= 2
    stage.clock.advance(ROLLING)
    assert not any(opens(stage, digits) for digits in before)


async def test_backup_codes_leave_their_places_to_guests(database_url: str, clock: VirtualClock) -> None:
    async with build_stage(database_url, clock, "plain", 1, places=4) as stage:
        await set_pool(stage)
        assert len(held(stage)) == 3
        first, second = [await stage.let(stage.site.locks, timedelta(0)) for _ in range(2)]
        await stage.wait(timedelta(minutes=5))
        assert await stage.standing(first) == await stage.standing(second) == "proven"
        assert (await pool_of(stage)).ready == 2
        await leap(stage, HOUR)
        await fill(stage)
        assert (await pool_of(stage)).problems == ("partial",)
        assert len(held(stage)) == 4


async def test_a_lock_without_a_schedule_has_backup_codes_only_where_an_operator_wants_them(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 1, schedule={"kind": "none"}) as stage:
        await set_pool(stage)
        assert held(stage) == []
        assert (await pool_of(stage)).problems == ("no_schedule", "empty")
        await set_pool(stage, without_schedule=True)
        assert len(held(stage)) == 3
        let = await stage.let(stage.site.locks, timedelta(0), 2 * DAY)
        pulled = await pull(stage, (await code_of(stage, let)).row.public_id)
        await fill(stage)
        assert opens(stage, pulled.backup.digits)
        await leap(stage, 2 * DAY)
        assert not opens(stage, pulled.backup.digits)
        await set_pool(stage, size=0)
        assert held(stage) == []


async def test_what_cannot_be_replaced_is_refused_with_the_reason(stage: Stage) -> None:
    let = await stage.let(stage.site.locks, timedelta(0))
    code = (await code_of(stage, let)).row.public_id
    with pytest.raises(Conflict) as refused:
        await pull(stage, code)
    assert refused.value.code == "no_backup_code"
    await set_pool(stage)
    lasting = await stage.let(stage.site.locks, timedelta(0), None)
    with pytest.raises(Invalid) as invalid:
        await pull(stage, (await code_of(stage, lasting)).row.public_id)
    assert invalid.value.code == "backup_needs_end"
    await stage.cancel(let)
    with pytest.raises(Conflict) as over:
        await pull(stage, code)
    assert over.value.code == "access_code_over"


async def test_the_first_grant_that_asks_for_backup_codes_switches_the_pool_on(stage: Stage) -> None:
    now = stage.clock.now()
    ids = tuple(stage.device_id(lock) for lock in stage.site.locks)
    command = grants.CreateGrant("Anna", now, now + DAY, device_ids=ids, uses_backup_pool=True)
    await stage.ask(grants.create, command)
    await fill(stage)
    assert (await pool_of(stage)).ready == 3
    assert len(await stage.told("device.backup_pool_changed")) == 1, "whoever did it stands in the audit log"


async def test_an_offline_lock_opens_for_a_backup_code_that_is_pulled(stage: Stage) -> None:
    await set_pool(stage)
    lock = stage.site.locks[0]
    stage.site.online(lock, False)
    let = await stage.let(lock, timedelta(0))
    await stage.wait(timedelta(minutes=10))
    assert await stage.standing(let) == "failed"
    pulled = await pull(stage, (await code_of(stage, let)).row.public_id)
    await stage.wait(timedelta(minutes=10))
    assert opens(stage, pulled.backup.digits)


async def test_a_lock_that_nobody_looks_at_gives_no_backup_code(stage: Stage) -> None:
    await set_pool(stage)
    let = await stage.let(stage.site.locks, timedelta(0))
    await stage.wait(timedelta(minutes=2))
    async with stage.house.gate.transaction(stage.house.actor.workspace_id) as tx:
        (account,) = await accounts.listed(tx, stage.house.actor)
        await accounts.disconnect(tx, stage.house.actor, account.public_id, "leave")
    code = await code_of(stage, let)
    assert not code.is_backup_available
    with pytest.raises(AccountInError):
        await pull(stage, code.row.public_id)
