"""Claims: nobody's backlog holds up another, no row is held twice, and no wake is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from tests.conftest import SEALED
from tests.connections import connected_to

from lockstep.kit.ids import new_id, public_id
from lockstep.storage import accounts, claims, domains, workspaces
from lockstep.storage.claims import Claim
from lockstep.storage.database import Database

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connected_to(database_url) as database:
        yield database


async def house(database: Database, locks: int) -> tuple[UUID, list[UUID]]:
    """A workspace with so many locks, all of them due."""
    workspace_id, account_id = new_id(), new_id()
    async with database.transaction(workspace_id) as db:
        await workspaces.insert(db, workspace_id, public_id("ws", workspace_id), "Test", b"salt", NOW)
        name, token = public_id("account", account_id), account_id.bytes
        await accounts.insert(db, workspace_id, account_id, name, "virtual", name, "V", SEALED, token, NOW)
        made = [
            await domains.ensure(db, workspace_id, account_id, f"lock {n}", new_id(), NOW)
            for n in range(locks)
        ]
    return workspace_id, made


async def claim(database: Database, chance: Random, most: int = 8, at: datetime = NOW) -> list[Claim]:
    async with database.transaction(None) as db:
        return await claims.claim(db, "domains", at, LEASE, most, chance.random())


async def release(database: Database, claimed: Claim, due_at: datetime | None = None) -> bool:
    async with database.transaction(claimed.workspace_id) as db:
        return await claims.release(db, claimed, due_at)


async def test_no_backlog_however_long_holds_up_another_workspace(database: Database) -> None:
    """What is busy stays due at once, as a backlog that never shrinks; the quiet come in their turn all the same."""
    for _ in range(3):
        await house(database, 20)
    quiet = {(await house(database, 1))[0] for _ in range(10)}
    for _ in range(3):
        await house(database, 20)
    chance, waiting, count = Random(7), set(quiet), 0
    while waiting and count < 500:
        count += 1
        for one in await claim(database, chance):
            is_quiet = one.workspace_id in quiet
            waiting.discard(one.workspace_id)
            await release(database, one, LATER if is_quiet else NOW)
    assert not waiting, f"{len(waiting)} of 10 were not served in {count} claims"


async def test_many_who_claim_at_once_never_hold_the_same_row(database: Database) -> None:
    _, locks = await house(database, 40)
    taken: list[UUID] = []

    async def work(seed: int) -> None:
        chance = Random(seed)
        while found := await claim(database, chance, most=3):
            for one in found:
                taken.append(one.row_id)
                assert await release(database, one)

    await asyncio.gather(*(work(seed) for seed in range(8)))
    assert sorted(taken) == sorted(locks)


async def test_a_lapsed_lease_passes_to_another_and_who_held_it_decides_nothing_more(
    database: Database,
) -> None:
    workspace_id, _ = await house(database, 1)
    chance = Random(1)
    async with database.transaction(None) as db:
        (dead,) = await claims.claim(db, "domains", NOW, timedelta(0), 1, 0.0)
    (heir,) = await claim(database, chance)
    assert (heir.row_id, heir.epoch) == (dead.row_id, dead.epoch + 1)
    async with database.transaction(workspace_id) as db:
        assert not await claims.holds(db, dead, timedelta(0))
        assert not await claims.extend(db, dead, LEASE)
    assert not await release(database, dead, LATER)
    assert await claim(database, chance) == []
    assert await release(database, heir, LATER)


async def test_a_wake_during_the_work_is_not_lost(database: Database) -> None:
    workspace_id, (lock,) = await house(database, 1)
    chance = Random(1)
    (before,) = await claim(database, chance)
    async with database.transaction(workspace_id) as db:
        await claims.wake(db, workspace_id, "domains", [lock], NOW)
    assert await claim(database, chance) == [], "whoever holds it goes on undisturbed"
    await release(database, before, LATER)
    (after,) = await claim(database, chance)
    assert after.generation > before.generation
    await release(database, after, LATER)
    assert await claim(database, chance) == []


async def test_of_one_workspaces_rows_the_most_urgent_come_first(database: Database) -> None:
    workspace_id, locks = await house(database, 10)
    async with database.transaction(workspace_id) as db:
        for hours, lock in enumerate(reversed(locks)):
            await domains.hurry(db, workspace_id, [lock], LATER + timedelta(hours=hours))
    found = await claim(database, Random(1), most=4)
    assert [one.row_id for one in found] == [*reversed(locks)][:4]
