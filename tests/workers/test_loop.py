"""The loop: it claims what is due, wakes when told, ends what is under way, outlives a fault, and is fair."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import SEALED
from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.kit.ids import new_id, public_id
from lockstep.storage import accounts, claims, domains, workspaces
from lockstep.storage.claims import Claim
from lockstep.workers.loop import Loop, LoopSettings, claim_some

LEASE = timedelta(seconds=60)


@pytest.fixture
async def house(database_url: str, clock: VirtualClock) -> AsyncIterator[House]:
    async with build_house(database_url, clock, {}) as built:
        yield built


async def _add_domains(house: House, workspace_id: UUID, count: int) -> list[UUID]:
    async with house.gate.database.transaction(workspace_id) as db:
        account_id = new_id()
        at = house.clock.now()
        name = public_id("account", account_id)
        await accounts.insert(
            db, workspace_id, account_id, name, "virtual", name, "A", SEALED, account_id.bytes, at
        )
        return [
            await domains.ensure(db, workspace_id, account_id, f"lock_{n}", new_id(), at)
            for n in range(count)
        ]


async def _add_workspace(house: House) -> UUID:
    workspace_id = new_id()
    async with house.gate.database.transaction(None) as db:
        await workspaces.insert(
            db, workspace_id, public_id("ws", workspace_id), "Other", b"salt" * 4, house.clock.now()
        )
    return workspace_id


async def test_a_row_is_worked_on_when_due_and_again_when_woken(house: House) -> None:
    (row_id,) = await _add_domains(house, house.actor.workspace_id, 1)
    seen: asyncio.Queue[Claim] = asyncio.Queue()

    async def process(claim: Claim) -> None:
        async with house.gate.database.transaction(claim.workspace_id) as db:
            await claims.release(db, claim, None)
        await seen.put(claim)

    loop = Loop(house.gate, {"domains": process}, LoopSettings(LEASE, 2))
    running = asyncio.create_task(loop.run())
    await loop.listening.wait()
    first = await seen.get()
    async with house.gate.database.transaction(house.actor.workspace_id) as db:
        await claims.wake(db, house.actor.workspace_id, "domains", [row_id], house.clock.now())
    second = await seen.get()
    assert (first.row_id, second.row_id) == (row_id, row_id)
    assert second.generation > first.generation
    loop.stop()
    await running


async def test_what_is_under_way_is_ended_before_the_loop_ends(house: House) -> None:
    await _add_domains(house, house.actor.workspace_id, 1)
    begun, may_end = asyncio.Event(), asyncio.Event()
    ended: list[UUID] = []

    async def process(claim: Claim) -> None:
        begun.set()
        await may_end.wait()
        ended.append(claim.row_id)

    loop = Loop(house.gate, {"domains": process}, LoopSettings(LEASE, 2))
    running = asyncio.create_task(loop.run())
    await begun.wait()
    loop.stop()
    assert not running.done()
    may_end.set()
    await running
    assert len(ended) == 1


async def test_a_fault_of_one_row_holds_up_no_other(house: House) -> None:
    rows = await _add_domains(house, house.actor.workspace_id, 3)
    done: asyncio.Queue[UUID] = asyncio.Queue()

    async def process(claim: Claim) -> None:
        if claim.row_id == rows[0]:
            raise ValueError("a fault of ours")
        async with house.gate.database.transaction(claim.workspace_id) as db:
            await claims.release(db, claim, None)
        await done.put(claim.row_id)

    loop = Loop(house.gate, {"domains": process}, LoopSettings(LEASE, 1))
    running = asyncio.create_task(loop.run())
    assert {await done.get(), await done.get()} == set(rows[1:])
    loop.stop()
    await running


async def test_a_workspace_with_a_backlog_holds_up_no_other(house: House) -> None:
    busy = house.actor.workspace_id
    await _add_domains(house, busy, 400)
    quiet = [await _add_workspace(house) for _ in range(10)]
    for workspace_id in quiet:
        await _add_domains(house, workspace_id, 1)
    waiting, claimed = set(quiet), 0
    while waiting:
        found = await claim_some(house.gate, "domains", LEASE, 8)
        assert found
        claimed += len(found)
        waiting -= {c.workspace_id for c in found}
    assert claimed <= 10 * 8, "a few rows of each workspace in turn"


async def test_a_row_is_never_claimed_twice_by_many_at_once(house: House) -> None:
    rows = await _add_domains(house, house.actor.workspace_id, 60)

    async def claim_all() -> list[Claim]:
        mine: list[Claim] = []
        while found := await claim_some(house.gate, "domains", LEASE, 3):
            mine += found
        return mine

    shares: list[list[Claim]] = await asyncio.gather(*(claim_all() for _ in range(6)))
    taken: list[Any] = [c.row_id for share in shares for c in share]
    # Whoever is overtaken by the others may leave with nothing; what is left is due still.
    taken += [c.row_id for c in await claim_all()]
    assert sorted(taken) == sorted(rows)
