"""An account is disconnected, and connected again: the same locks in the same places, and nothing proven unread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.operations.places import ask
from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.model.access_code import Standing
from lockstep.operations import access_codes, accounts, bookings, devices, figures, grants, spaces
from lockstep.operations import today as page
from lockstep.operations.access_codes import AccessCode, ListCodes
from lockstep.operations.accounts import WhatBecomesOfCodes
from lockstep.operations.bookings import Booking, CreateBooking
from lockstep.operations.errors import AccountInError, Conflict
from lockstep.operations.grants import CreateGrant
from lockstep.operations.guests import CreateGuest
from lockstep.operations.today import AskToday, Today
from lockstep.storage.accounts import AccountRow
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.settings import Settings
from lockstep.vendors.nuki.emulator.world import World

CREDENTIALS = {"token": "tok", "endpoint": "http://nuki.test"}
HOUR = timedelta(hours=1)


class Flat:
    """A flat with one lock of one account, in a house that works."""

    def __init__(self, house: House, world: World, lock: str) -> None:
        self.house, self.world, self.lock = house, world, lock
        self.space_id = ""

    async def settle(self, passing: timedelta = HOUR / 2) -> None:
        await self.house.advance(self.house.clock.now() + passing)

    async def account(self) -> AccountRow:
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            (account,) = await accounts.listed(tx, self.house.actor)
        return account

    async def disconnect(self, codes: WhatBecomesOfCodes) -> None:
        account = await self.account()
        async with self.house.gate.transaction(self.house.actor.workspace_id) as tx:
            await accounts.disconnect(tx, self.house.actor, account.public_id, codes)

    async def book(self, name: str, starts_in: timedelta, lasts: timedelta) -> Booking:
        starts_at = self.house.clock.now() + starts_in
        command = CreateBooking(
            self.space_id, starts_at=starts_at, ends_at=starts_at + lasts, guest=CreateGuest(name)
        )
        return await ask(self.house.gate, self.house.actor, bookings.create, command)

    async def digits(self, booking: Booking) -> str:
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            grant = await grants.of_booking(tx, self.house.actor, booking.booking_id)
            assert grant is not None
            digits = grants.digits_of(tx, self.house.actor, grant.method)
        assert digits is not None
        return digits

    async def opens_for(self, booking: Booking) -> bool:
        return self.world.enter(self.lock, await self.digits(booking)).opened

    async def today(self) -> Today:
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            return await page.today(tx, self.house.actor, AskToday())

    async def codes(self) -> list[AccessCode]:
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            return await access_codes.list_shown(tx, self.house.actor, ListCodes())

    async def devices(self) -> list[devices.Device]:
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            return await devices.list_shown(tx, self.house.actor, devices.ListDevices())

    async def told(self, kind: str) -> int:
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            return int(await tx.db.fetchval("select count(*) from events where kind = $1", kind))


@pytest.fixture
async def flat(database_url: str, clock: VirtualClock) -> AsyncIterator[Flat]:
    world = World(clock, Settings(app_changes="at_once"))
    world.allow("tok")
    lock = world.add_lock({"name": "Flat"})
    async with build_house(database_url, clock, {"nuki.test": create_app(world)}) as house:
        it = Flat(house, world, lock)
        await house.connect("nuki", CREDENTIALS)
        (device,) = await it.devices()
        command = spaces.CreateSpace("Sea house", time_zone="Europe/Lisbon", device_ids=(device.device_id,))
        it.space_id = (await ask(house.gate, house.actor, spaces.create, command)).space_id
        yield it


@pytest.mark.parametrize("way", ["connect", "credentials"])
async def test_connected_again_it_is_the_same_account_with_its_locks_in_their_places(
    flat: Flat, way: str
) -> None:
    stay = await flat.book("Anna", -HOUR, 48 * HOUR)
    await flat.settle()
    assert await flat.opens_for(stay)
    (before,), account = await flat.devices(), await flat.account()
    await flat.disconnect("remove")
    await flat.settle()
    assert (await flat.account()).state == "disconnected"
    assert not await flat.opens_for(stay)
    (late,) = (await flat.today()).late
    assert (late.stay.name, late.door.lock, late.can_look) == ("Anna", "Flat", False)
    booked_meanwhile = await flat.book("Ben", HOUR, 48 * HOUR)
    if way == "connect":
        again = (await flat.house.connect("nuki", CREDENTIALS)).account
    else:
        again = await accounts.reconnect(flat.house.gate, flat.house.actor, account.public_id, CREDENTIALS)
    assert (again.public_id, again.state, again.disconnected_at) == (account.public_id, "active", None)
    await flat.settle(2 * HOUR)
    (after,) = await flat.devices()
    assert (after.device_id, after.space_ids) == (before.device_id, before.space_ids)
    for guest in (stay, booked_meanwhile):
        assert await flat.opens_for(guest)
    found = await flat.today()
    assert dict(found.counts) == {Standing.PROVEN: 2}
    assert found.late == ()
    assert await flat.told("device.added") == 1


async def test_while_it_is_being_disconnected_it_can_be_kept(flat: Flat) -> None:
    stay = await flat.book("Anna", -HOUR, 48 * HOUR)
    await flat.settle()
    await flat.disconnect("remove")
    assert (await flat.account()).state == "disconnecting"
    (late,) = (await flat.today()).late
    assert late.door.reason.cause == "Its account Nuki is being disconnected."
    (device,) = await flat.devices()
    command = CreateGrant("Cleaning", flat.house.clock.now(), device_ids=(device.device_id,))
    with pytest.raises(AccountInError, match="is disconnecting") as refused:
        await ask(flat.house.gate, flat.house.actor, grants.create, command)
    assert "Connect the account again" in refused.value.next_step
    await flat.house.connect("nuki", CREDENTIALS)
    await flat.settle()
    assert (await flat.account()).state == "active"
    assert await flat.opens_for(stay)
    assert dict((await flat.today()).counts) == {Standing.PROVEN: 1}


async def test_a_booking_made_meanwhile_does_not_keep_it_from_being_disconnected(flat: Flat) -> None:
    await flat.disconnect("remove")
    booked = await flat.book("Ben", HOUR, 48 * HOUR)
    assert [w.code for w in booked.warnings] == ["account_disconnecting"]
    await flat.settle()
    assert (await flat.account()).state == "disconnected"
    assert await flat.codes() == []


async def test_codes_that_were_left_are_unknown_and_nobody_looks_or_is_alarmed(flat: Flat) -> None:
    stay = await flat.book("Anna", -HOUR, 3 * HOUR)
    await flat.settle()
    await flat.book("Ben", 4 * HOUR, 48 * HOUR)
    await flat.disconnect("leave")
    raised = await flat.told("access_code.late") + await flat.told("access_code.failed_to_remove")
    for _ in range(2):
        await ask(flat.house.gate, flat.house.actor, bookings.cancel, bookings.CancelBooking(stay.booking_id))
        codes = {c.row.grant_public_id: c for c in await flat.codes()}
        assert {c.next_look_at for c in codes.values()} == {None}
        await flat.settle(6 * HOUR)
    assert [(c.status.value, c.standing.value) for c in await flat.codes()] == [
        ("unknown", "unconfirmed"),
        ("unset", "failed"),
    ]
    for code in await flat.codes():
        assert code.failure is not None
        assert code.failure["code"] == "account_disconnected"
    assert await flat.told("access_code.late") + await flat.told("access_code.failed_to_remove") == raised
    (late,) = (await flat.today()).late
    assert late.stay.name == "Ben"
    assert (await figures.of_all(flat.house.gate)).late_codes == 1


async def test_what_was_left_counts_as_proven_again_only_when_it_is_read(flat: Flat) -> None:
    stay = await flat.book("Anna", -HOUR, 200 * HOUR)
    await flat.settle()
    await flat.disconnect("leave")
    await flat.settle(48 * HOUR)
    flat.world.settle()
    (entry,) = flat.world.locks[int(flat.lock)].door
    flat.world.delete_code_in_app(flat.lock, entry.reference)
    await flat.house.connect("nuki", CREDENTIALS)
    assert Standing.PROVEN not in (await flat.today()).counts
    await flat.settle()
    assert dict((await flat.today()).counts) == {Standing.PROVEN: 1}
    assert await flat.opens_for(stay)


async def test_an_account_whose_credentials_are_refused_is_mended_by_connecting_it(flat: Flat) -> None:
    flat.world.revoke("tok")
    await flat.settle(2 * HOUR)
    assert (await flat.account()).state == "credentials_refused"
    flat.world.allow("new")
    await flat.house.connect("nuki", CREDENTIALS | {"token": "new"})
    assert (await flat.account()).state == "active"
    with pytest.raises(Conflict, match="connected already"):
        await flat.house.connect("nuki", CREDENTIALS | {"token": "new"})
