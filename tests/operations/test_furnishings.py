"""A grant of a space that is made while what stands in that space changes reaches what stands there afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from tests.operations.places import a_property, ask, june, opens, some_locks

from lockstep.model.permissions import Actor
from lockstep.operations import bookings, grants, managing, spaces
from lockstep.operations.bookings import CreateBooking
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Gate, TransactionNeeded, Tx
from lockstep.operations.grants import CreateGrant
from lockstep.operations.spaces import AddDevices, CreateSpace, RemoveDevices, RemoveSpace
from lockstep.storage import access_codes
from lockstep.storage import grants as stored_grants


@dataclass(frozen=True)
class House:
    """A flat, in it a safe of its own space; a gate that is not managed stands in the flat, a shed's lock nowhere."""

    gate: Gate
    owner: Actor
    flat: str
    room: str
    locks: dict[str, str]

    async def grant(self) -> str:
        """As the ways in make one."""
        command = CreateGrant("Anna", june(5), june(8), space_ids=(self.flat,))
        try:
            async with self.gate.at_once(self.owner.workspace_id) as tx:
                return (await grants.create_shown(tx, self.owner, command)).access_grant_id
        except TransactionNeeded:
            return (await ask(self.gate, self.owner, grants.create_shown, command)).access_grant_id

    async def opened(self, grant_id: str) -> set[str]:
        async with self.gate.reading(self.owner.workspace_id) as tx:
            grant = await stored_grants.by_public_id(tx.db, tx.workspace_id, grant_id)
            assert grant is not None
            codes = await access_codes.of_grants(tx.db, tx.workspace_id, [grant.id])
        return {code.device_name for code in codes if code.withdrawn_at is None}

    async def until_it_waits(self, asked: asyncio.Task[object]) -> None:
        """For what another transaction holds; or until it is done, where it waits for nothing."""
        async with self.gate.database.reading(None) as db:
            while not asked.done() and not await db.fetchval(
                "select exists (select from pg_locks where not granted)"
            ):
                continue


@pytest.fixture
async def house(gate: Gate, owner: Actor) -> House:
    names = ("door", "safe", "gate", "shed")
    locks = dict(zip(names, await some_locks(gate, owner, *names), strict=True))
    flat = await a_property(gate, owner, device_ids=(locks["door"], locks["gate"]))
    room = await ask(gate, owner, spaces.create, CreateSpace("R", flat.space_id, device_ids=(locks["safe"],)))
    await ask(gate, owner, managing.unmanage, locks["gate"])
    return House(gate, owner, flat.space_id, room.space_id, locks)


Change = Callable[[House, Tx], Awaitable[object]]
CHANGES: dict[str, tuple[Change, set[str]]] = {
    "a lock is added": (
        lambda h, tx: spaces.add_devices(tx, h.owner, AddDevices(h.flat, (h.locks["shed"],))),
        {"door", "safe", "shed"},
    ),
    "a lock is taken out": (
        lambda h, tx: spaces.remove_devices(tx, h.owner, RemoveDevices(h.flat, (h.locks["door"],))),
        {"safe"},
    ),
    "a room with a lock is made": (
        lambda h, tx: spaces.create(
            tx, h.owner, CreateSpace("Shed", h.flat, device_ids=(h.locks["shed"],))
        ),
        {"door", "safe", "shed"},
    ),
    "a room is removed": (lambda h, tx: spaces.remove(tx, h.owner, RemoveSpace(h.room)), {"door"}),
    "a lock is managed again": (
        lambda h, tx: managing.manage(tx, h.owner, h.locks["gate"]),
        {"door", "safe", "gate"},
    ),
}  # fmt: skip
changes = pytest.mark.parametrize(("change", "opened"), CHANGES.values(), ids=CHANGES)


@changes
async def test_a_grant_that_is_made_while_a_space_changes_reaches_what_stands_there_then(
    house: House, change: Change, opened: set[str]
) -> None:
    async with house.gate.transaction(house.owner.workspace_id) as tx:
        await change(house, tx)
        made = asyncio.create_task(house.grant())
        await house.until_it_waits(made)
    assert await house.opened(await made) == opened


@changes
async def test_a_space_that_changes_while_a_grant_of_it_is_made_changes_that_grant(
    house: House, change: Change, opened: set[str]
) -> None:
    async def changed() -> None:
        async with house.gate.transaction(house.owner.workspace_id) as tx:
            await change(house, tx)

    async with house.gate.transaction(house.owner.workspace_id) as tx:
        command = CreateGrant("Anna", june(5), june(8), space_ids=(house.flat,))
        made = await grants.create(tx, house.owner, command)
        changing = asyncio.create_task(changed())
        await house.until_it_waits(changing)
    await changing
    assert await house.opened(made.row.public_id) == opened


async def test_the_first_lock_of_a_space_is_opened_by_whoever_is_granted_the_space_meanwhile(
    house: House,
) -> None:
    empty = await a_property(house.gate, house.owner, "Shed")
    house = House(house.gate, house.owner, empty.space_id, "", house.locks)
    async with house.gate.transaction(house.owner.workspace_id) as tx:
        await spaces.add_devices(tx, house.owner, AddDevices(empty.space_id, (house.locks["shed"],)))
        made = asyncio.create_task(house.grant())
        await house.until_it_waits(made)
    assert await house.opened(await made) == {"shed"}


async def test_a_stay_that_is_booked_while_a_lock_is_added_opens_that_lock(house: House) -> None:
    async with house.gate.transaction(house.owner.workspace_id) as tx:
        await spaces.add_devices(tx, house.owner, AddDevices(house.flat, (house.locks["shed"],)))
        stay = CreateBooking(house.room, starts_at=june(5), ends_at=june(8))
        booked = asyncio.create_task(ask(house.gate, house.owner, bookings.create, stay))
        await house.until_it_waits(booked)
    booking_id = (await booked).booking_id
    assert await opens(house.gate, house.owner, booking_id) == {"door", "safe", "shed"}


async def test_nothing_is_granted_of_a_space_that_is_removed_meanwhile(house: House) -> None:
    house = House(house.gate, house.owner, house.room, house.room, house.locks)
    async with house.gate.transaction(house.owner.workspace_id) as tx:
        await spaces.remove(tx, house.owner, RemoveSpace(house.room))
        made = asyncio.create_task(house.grant())
        await house.until_it_waits(made)
    with pytest.raises(NotFound):
        await made


async def test_two_who_grant_the_same_space_do_not_wait_for_each_other(house: House) -> None:
    empty = await a_property(house.gate, house.owner, "Shed")
    house = House(house.gate, house.owner, empty.space_id, "", house.locks)
    async with house.gate.transaction(house.owner.workspace_id) as tx:
        command = CreateGrant("Anna", june(5), june(8), space_ids=(house.flat,))
        await grants.create(tx, house.owner, command)
        assert await house.opened(await house.grant()) == set()
