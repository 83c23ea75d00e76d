"""Who arrives is told from grants and bookings: a door without a code has its reason, on every screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.operations.places import a_property, a_stay, ask, june, some_locks
from tests.operations.test_today import id_of, reader

from lockstep.emulation.clock import VirtualClock
from lockstep.http.console.needs import needs_of
from lockstep.model.access_code import Standing
from lockstep.model.capabilities import Capabilities
from lockstep.model.feed import FeedFault, FeedReading
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import (
    accounts,
    arrivals,
    bookings,
    calendars,
    examining,
    feed_readings,
    figures,
    grants,
    spaces,
)
from lockstep.operations import today as page
from lockstep.operations.arrivals import Arrival
from lockstep.operations.bookings import ConfirmBooking, ListBookings
from lockstep.operations.calendars import AddCalendar
from lockstep.operations.feed_readings import Version
from lockstep.operations.gate import Gate
from lockstep.operations.grants import CreateGrant
from lockstep.operations.guests import CreateGuest
from lockstep.operations.spaces import CreateSpace
from lockstep.operations.today import AskToday, Today

DAY = timedelta(days=1)


async def today(gate: Gate, actor: Actor) -> Today:
    async with gate.reading(actor.workspace_id) as tx:
        return await page.today(tx, actor, AskToday())


async def listed(gate: Gate, actor: Actor, span: timedelta = DAY) -> list[Arrival]:
    async with gate.reading(actor.workspace_id) as tx:
        return await arrivals.listed(tx, actor, span)


async def findings(gate: Gate, actor: Actor) -> dict[str, str]:
    """Check -> cause and next step of what the doctor finds."""
    async with gate.reading(actor.workspace_id) as tx:
        return {f.check: f"{f.cause} {f.next_step}" for f in await examining.of_workspace(tx, actor)}


async def disconnect(gate: Gate, actor: Actor) -> None:
    async with gate.transaction(actor.workspace_id) as tx:
        for account in await accounts.listed(tx, actor):
            await accounts.disconnect(tx, actor, account.public_id, "leave")


async def awaiting(gate: Gate, actor: Actor, booking_id: str) -> None:
    """As if a calendar had told it, and not whether it is a stay."""
    async with gate.transaction(actor.workspace_id) as tx:
        booking = await bookings.known_booking(tx, actor, booking_id)
        grant = await grants.of_booking(tx, actor, booking_id)
        assert grant is not None
        await grants.cancel(tx, actor, grant.row.public_id)
        await tx.db.execute(
            "update bookings set state = 'awaiting', kind = 'unclear' where id = $1", booking.id
        )


async def test_a_stay_where_no_lock_stands_is_told_everywhere(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner)
    booked = await a_stay(gate, owner, house.space_id, 1, 3, guest=CreateGuest("Anna"))
    assert [(w.code, w.what) for w in booked.warnings] == [
        ("no_lock", "No lock stands here, so nobody gets a code.")
    ]
    found = await today(gate, owner)
    (stay,) = found.stays
    assert (stay.name, stay.doors, stay.standing) == ("Anna", (), Standing.FAILED)
    assert stay.obstacle is not None
    assert "Put a lock into the space" in stay.obstacle.next_step
    assert found.doorless == (stay,)
    assert dict(found.counts) == {Standing.FAILED: 1}
    (arrival,) = await listed(gate, owner)
    assert (arrival.codes, arrival.coming.obstacle) == ((), stay.obstacle)
    assert "No lock stands here" in (await findings(gate, owner))["stays"]
    told = await figures.of_all(gate)
    assert (told.arriving_codes[Standing.FAILED], told.late_codes, told.proven_share) == (1, 1, 0.0)


async def test_a_lock_that_is_put_there_ends_it(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner)
    booked = await a_stay(gate, owner, house.space_id, 1, 3)
    command = spaces.AddDevices(house.space_id, tuple(await some_locks(gate, owner, "Door")))
    await ask(gate, owner, spaces.add_devices, command)
    found = await today(gate, owner)
    assert [d.lock for d in found.stays[0].doors] == ["Door"]
    assert (found.doorless, found.ahead, "stays" in await findings(gate, owner)) == ((), (), False)
    shown = await ask(gate, owner, bookings.get, bookings.GetBooking(booked.booking_id))
    assert shown.warnings == ()


async def test_what_will_stand_before_a_closed_door_later_in_the_week_is_told_early(
    gate: Gate, owner: Actor
) -> None:
    house = await a_property(gate, owner)
    for day in (4, 6, 20):
        await a_stay(gate, owner, house.space_id, day, day + 1)
    found = await today(gate, owner)
    (ahead,) = found.ahead
    assert (ahead.row.space_name, ahead.row.stays, ahead.row.first_at) == ("Sea house", 2, june(4, 14))
    assert ahead.obstacle.code == "no_lock"
    assert found.stays == ()
    assert "Closed to 2 in the coming week" in (await findings(gate, owner))["stays"]


async def test_doors_of_a_disconnected_account_fail_with_the_way_back(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    house = await a_property(gate, owner, device_ids=await some_locks(gate, owner, "Door"))
    await a_stay(gate, owner, house.space_id, 1, 3, guest=CreateGuest("Before"))
    await disconnect(gate, owner)
    later = await a_stay(gate, owner, house.space_id, 1, 3, guest=CreateGuest("After"))
    assert [w.code for w in later.warnings] == ["account_disconnected"]
    assert later.warnings[0].what.startswith("Door: Its account Test is disconnected")
    found = await today(gate, owner)
    assert [(s.name, [d.lock for d in s.doors], s.standing) for s in found.stays] == [
        ("Before", ["Door"], Standing.FAILED),
        ("After", ["Door"], Standing.FAILED),
    ]
    for late in found.late:
        assert "Its account Test is disconnected" in late.door.reason.cause
        assert "Connect the account again" in late.door.reason.next_step
        assert not late.can_look
    assert len(found.late) == (await figures.of_all(gate)).late_codes == 2
    assert found.locks == ()
    codes = {a.coming.row.grant_public_id: [c.standing for c in a.codes] for a in await listed(gate, owner)}
    assert sorted(codes.values()) == [[], [Standing.FAILED]]
    clock.advance(timedelta(days=3))
    assert (await figures.of_all(gate)).late_codes == 0, "what was left there on purpose is no alarm"


async def test_an_entry_that_may_be_a_stay_waits_for_a_word(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner, device_ids=await some_locks(gate, owner, "Door"))
    soon = await a_stay(gate, owner, house.space_id, 1, 3)
    later = await a_stay(gate, owner, house.space_id, 6, 8)
    far = await a_stay(gate, owner, house.space_id, 20, 22)
    for booking in (soon, later, far):
        await awaiting(gate, owner, booking.booking_id)
    found = await today(gate, owner)
    (stay,) = found.stays
    assert (stay.booking_id, stay.is_awaiting, stay.standing) == (
        soon.booking_id,
        True,
        Standing.UNCONFIRMED,
    )
    assert [s.booking_id for s in found.awaiting] == [soon.booking_id, later.booking_id]
    assert f"POST /v1/bookings/{later.booking_id}/confirm" in (await findings(gate, owner))["stays"]
    await ask(gate, owner, bookings.confirm, ConfirmBooking(soon.booking_id))
    found = await today(gate, owner)
    assert [d.lock for d in found.stays[0].doors] == ["Door"]
    assert [s.booking_id for s in found.awaiting] == [later.booking_id]
    assert (await today(gate, reader(owner))).awaiting == (), "bookings are for whoever may read them"


async def test_a_booking_whose_access_was_cancelled_says_so(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner, device_ids=await some_locks(gate, owner, "Door"))
    booked = await a_stay(gate, owner, house.space_id, 1, 3, guest=CreateGuest("Anna"))
    async with gate.transaction(owner.workspace_id) as tx:
        grant = await grants.of_booking(tx, owner, booked.booking_id)
        assert grant is not None
        await grants.cancel(tx, owner, grant.row.public_id)
    (stay,) = (await today(gate, owner)).stays
    assert (stay.name, stay.access_grant_id, stay.booking_id) == ("Anna", None, booked.booking_id)
    assert stay.obstacle is not None
    assert stay.obstacle.code == "access_cancelled"


async def test_a_lock_without_a_keypad_is_a_door_only_where_there_is_no_other(
    gate: Gate, owner: Actor
) -> None:
    blind = replace(Capabilities(), credential_kinds=frozenset())
    (garage,) = await some_locks(gate, owner, "Garage", capabilities=blind)
    house = await a_property(gate, owner, device_ids=(garage,))
    alone = await a_stay(gate, owner, house.space_id, 1, 3)
    assert [(w.code, w.what) for w in alone.warnings] == [
        ("takes_no_codes", "Garage: This lock takes no codes.")
    ]
    assert [d.reason.cause for d in (await today(gate, owner)).stays[0].doors] == [
        "This lock takes no codes."
    ]
    command = spaces.AddDevices(house.space_id, tuple(await some_locks(gate, owner, "Door")))
    await ask(gate, owner, spaces.add_devices, command)
    assert [d.lock for d in (await today(gate, owner)).stays[0].doors] == ["Door"]
    (shown,) = await ask(gate, owner, bookings.listed, ListBookings())
    assert shown.warnings == ()


@pytest.mark.parametrize("is_named", [True, False], ids=["a lock", "a space"])
async def test_a_grant_is_told_as_a_booking_is(gate: Gate, owner: Actor, is_named: bool) -> None:
    (door,) = await some_locks(gate, owner, "Door")
    house = await a_property(gate, owner, device_ids=(door,))
    room = await ask(gate, owner, spaces.create, CreateSpace("Room", house.space_id))
    fields = {"device_ids": (door,)} if is_named else {"space_ids": (room.space_id,)}
    command = CreateGrant("Cleaning", june(1, 5), june(3), **fields)  # type: ignore[arg-type]
    await ask(gate, owner, grants.create, command)
    assert [d.lock for d in (await today(gate, owner)).stays[0].doors] == ["Door"]
    await disconnect(gate, owner)
    (stay,) = (await today(gate, owner)).stays
    assert "is disconnected" in stay.doors[0].reason.cause


async def test_a_confined_key_is_told_of_its_own_properties_alone(gate: Gate, owner: Actor) -> None:
    ours = await a_property(gate, owner, "Ours")
    theirs = await a_property(gate, owner, "Theirs")
    for house in (ours, theirs):
        await a_stay(gate, owner, house.space_id, 1, 3)
        await a_stay(gate, owner, house.space_id, 4, 5)
        waits = await a_stay(gate, owner, house.space_id, 5, 6)
        await awaiting(gate, owner, waits.booking_id)
    confined = reader(owner, *Scope, property_ids=frozenset({await id_of(gate, owner, ours.space_id)}))
    found = await today(gate, confined)
    assert [s.property_name for s in (*found.stays, *found.doorless, *found.awaiting)] == ["Ours"] * 3
    assert [a.row.space_name for a in found.ahead] == ["Ours"]
    assert len(await listed(gate, confined)) == 1


async def test_metrics_the_doctor_and_the_page_count_alike(gate: Gate, owner: Actor) -> None:
    (door,) = await some_locks(gate, owner, "Door")
    house = await a_property(gate, owner, device_ids=(door,))
    empty = await a_property(gate, owner, "Empty")
    await a_stay(gate, owner, house.space_id, 1, 3)
    await a_stay(gate, owner, empty.space_id, 1, 3)
    found, told = await today(gate, owner), await figures.of_all(gate)
    assert {s: n for s, n in told.arriving_codes.items() if n} == dict(found.counts)
    assert told.late_codes == len(found.late) + len(found.doorless) == 1


@pytest.mark.parametrize("is_skipped", [True, False], ids=["left out", "read as well as possible"])
async def test_an_entry_of_a_calendar_that_cannot_be_read_is_urgent(
    gate: Gate, owner: Actor, is_skipped: bool
) -> None:
    house = await a_property(gate, owner)
    added = AddCalendar(house.space_id, "https://calendar.example/1.ics", "Airbnb")
    calendar = await ask(gate, owner, calendars.add, added)
    fault = FeedFault("one", "The entry has no start.", "Correct it at Airbnb.", is_skipped=is_skipped)
    async with gate.transaction(owner.workspace_id) as tx:
        id = await tx.db.fetchval("select id from calendars where public_id = $1", calendar.calendar_id)
        await feed_readings.take(tx, owner, id, FeedReading("airbnb", faults=(fault,)), Version())
    (need,) = [n for n in needs_of(await today(gate, owner)) if n.title == "Airbnb"]
    assert (need.cause, need.is_urgent) == ("The entry has no start.", is_skipped)
    assert ("calendars" in await findings(gate, owner)) == is_skipped
