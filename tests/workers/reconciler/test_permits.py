"""Turns at a vendor: never more calls at once than the account bears, and no pause between two of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tests.conftest import SEALED

from lockstep.kit.ids import new_id, public_id
from lockstep.model.capabilities import Pace
from lockstep.model.permissions import Actor
from lockstep.operations.gate import Gate
from lockstep.storage import accounts, budgets
from lockstep.workers.reconciler.permits import Permits, Ticket

TEN_SECONDS = timedelta(seconds=10)
PACE = Pace(calls_per_minute=60_000, at_once=2)


@dataclass
class Vendor:
    """Counts the calls that are under way."""

    now: int = 0
    most: int = 0
    ended: list[str] = field(default_factory=list)

    async def call(self, name: str) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        self.ended.append(name)


async def an_account(gate: Gate, owner: Actor) -> UUID:
    account_id = new_id()
    public = public_id("account", account_id)
    async with gate.transaction(owner.workspace_id) as tx:
        await accounts.insert(
            tx.db, tx.workspace_id, account_id, public, "virtual", "v", "V", SEALED, b"h", tx.now
        )
    return account_id


async def held_in_database(gate: Gate, owner: Actor, account_id: UUID) -> int:
    async with gate.reading(owner.workspace_id) as tx:
        held: int = await tx.db.fetchval(
            "select count(*) from accounts, jsonb_object_keys(permits) where id = $1", account_id
        )
    return held


async def calling(
    permits: Permits, owner: Actor, account_id: UUID, vendor: Vendor, name: str, pace: Pace = PACE
) -> bool:
    """One call, from its admission on; comes back as long as it is told to."""
    ticket: Ticket | datetime | None = None
    while not isinstance(ticket, Ticket):
        await asyncio.sleep(0)
        ticket = await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS)
    async with permits.calling(ticket) as may_call:
        if may_call:
            await vendor.call(name)
    return may_call


async def test_no_more_calls_are_under_way_than_the_account_bears_in_two_processes(
    gate: Gate, owner: Actor
) -> None:
    account_id, vendor = await an_account(gate, owner), Vendor()
    processes = Permits(gate), Permits(gate)
    done = await asyncio.gather(
        *(calling(processes[n % 2], owner, account_id, vendor, str(n)) for n in range(40))
    )
    assert all(done)
    assert len(vendor.ended) == 40
    assert vendor.most == PACE.at_once
    assert await held_in_database(gate, owner, account_id) == 0


async def test_a_call_that_got_ready_meanwhile_is_handed_the_permit_of_the_one_that_ends(
    gate: Gate, owner: Actor
) -> None:
    account_id, permits = await an_account(gate, owner), Permits(gate)
    pace = Pace(calls_per_minute=60_000, at_once=1)
    first = await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS)
    second = await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS)
    assert isinstance(first, Ticket)
    assert isinstance(second, Ticket)
    assert await permits.turn(first)
    waits = asyncio.create_task(permits.turn(second))
    await asyncio.sleep(0)
    permit = first.permit
    assert permits.leave(first) is None, "it was not given back"
    assert await waits
    assert second.permit == permit
    given_back = permits.leave(second)
    assert given_back is not None
    await permits.give_back(second, given_back, 0)
    assert await held_in_database(gate, owner, account_id) == 0


async def test_whoever_finds_the_line_full_comes_back_later(gate: Gate, owner: Actor) -> None:
    account_id, permits = await an_account(gate, owner), Permits(gate)
    pace = Pace(calls_per_minute=60_000, at_once=1)
    tickets = [await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS) for _ in range(4)]
    assert [isinstance(t, Ticket) for t in tickets] == [True, True, True, False]
    assert isinstance(tickets[-1], datetime)
    assert tickets[-1] > gate.clock.now()


async def test_when_the_vendor_says_stop_those_who_got_ready_do_not_call(gate: Gate, owner: Actor) -> None:
    account_id, permits = await an_account(gate, owner), Permits(gate)
    pace = Pace(calls_per_minute=60_000, at_once=1)
    first = await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS)
    second = await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS)
    assert isinstance(first, Ticket)
    assert isinstance(second, Ticket)
    waits = asyncio.create_task(permits.turn(second))
    await asyncio.sleep(0)
    permits.stop(first)
    assert not await waits
    await permits.abandon(second)
    await permits.abandon(first)
    assert await held_in_database(gate, owner, account_id) == 0
    third = await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS)
    assert isinstance(third, Ticket)
    assert await permits.turn(third), "the next is asked anew"
    await permits.abandon(third)


async def test_a_call_that_is_given_up_while_it_waits_leaves_no_permit_behind(
    gate: Gate, owner: Actor
) -> None:
    account_id, permits, vendor = await an_account(gate, owner), Permits(gate), Vendor()
    pace = Pace(calls_per_minute=60_000, at_once=1)
    first = await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS)
    assert isinstance(first, Ticket)
    waits = asyncio.create_task(calling(permits, owner, account_id, vendor, "second", pace))
    while not permits._lines[account_id].waiting:  # noqa: ASYNC110
        await asyncio.sleep(0)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    await permits.abandon(first)
    assert await calling(permits, owner, account_id, vendor, "third", pace)
    assert vendor.ended == ["third"]
    assert await held_in_database(gate, owner, account_id) == 0


async def test_a_permit_of_another_process_is_waited_for(gate: Gate, owner: Actor) -> None:
    account_id, permits, vendor = await an_account(gate, owner), Permits(gate), Vendor()
    pace = Pace(calls_per_minute=60_000, at_once=1)
    other = new_id()
    async with gate.transaction(owner.workspace_id) as tx:
        await budgets.take_call(
            tx.db, tx.workspace_id, account_id, other, tx.now, pace.calls_per_minute, 1, TEN_SECONDS
        )
    assert isinstance(await permits.admit(owner.workspace_id, account_id, pace, TEN_SECONDS), datetime)
    async with gate.transaction(owner.workspace_id) as tx:
        await budgets.give_back(tx.db, tx.workspace_id, account_id, other)
    assert await calling(permits, owner, account_id, vendor, "ours", pace)
