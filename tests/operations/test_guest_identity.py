"""Who guests turn out to be: one person once, merged, taken in, removed with what they were given."""

from __future__ import annotations

from typing import Any

import pytest
from tests.operations.places import a_property, a_stay, ask, codes_of, june, some_locks, told

from lockstep.model.permissions import Actor
from lockstep.operations import (
    bookings,
    client_sessions,
    customers,
    grants,
    guest_devices,
    guest_identity,
    guests,
    spaces,
)
from lockstep.operations.client_sessions import AskedSession
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate
from lockstep.operations.grants import CreateGrant
from lockstep.operations.guests import ChangeGuest, CreateGuest, EraseGuest, GetGuest, ListGuests
from lockstep.operations.spaces import AddDevices


async def a_guest(gate: Gate, owner: Actor, name: str, **known: Any) -> str:
    return (await ask(gate, owner, guests.create, CreateGuest(name, **known))).guest_id


async def test_nobody_is_somebody_twice_where_that_is_asked(gate: Gate, owner: Actor) -> None:
    anna = await a_guest(gate, owner, "Anna", email="Anna@example.com", phone="+351 912 345 678")
    for email, phone, code in (
        ("anna@example.com", None, "guest_email_taken"),
        (None, "+351912345678", "guest_phone_taken"),
    ):
        with pytest.raises(Conflict) as refused:
            await ask(gate, owner, guests.create, CreateGuest("A.", email, phone, is_alone=True))
        assert refused.value.code == code
    ben = await a_guest(gate, owner, "Ben")
    with pytest.raises(Conflict):
        await ask(gate, owner, guests.change, ChangeGuest(ben, email="anna@example.com", is_alone=True))
    await ask(gate, owner, guests.change, ChangeGuest(anna, name="Anna Smith", is_alone=True))
    # A platform tells the same address for each stay of a person.
    await a_guest(gate, owner, "Anna again", email="anna@example.com")


async def test_a_merged_guest_is_the_other_one_with_all_that_it_had(gate: Gate, owner: Actor) -> None:
    (lock,) = await some_locks(gate, owner, "Door")
    anna = await a_guest(gate, owner, "Anna", guest_key="a1")
    double = await a_guest(gate, owner, "A. Smith", email="anna@example.com", guest_key="a2")
    async with gate.transaction(owner.workspace_id) as tx:
        session = await client_sessions.create(tx, owner, AskedSession(guest_id=double))
        await guest_devices.give(tx, owner, double, lock)
    command = CreateGrant("A. Smith", june(5), june(7), device_ids=(lock,), guest_id=double)
    grant = (await ask(gate, owner, grants.create, command)).row
    async with gate.transaction(owner.workspace_id) as tx:
        merged = await guest_identity.merge(tx, owner, anna, [double])
        assert (merged.name, merged.email) == ("Anna", "anna@example.com")
        assert (await client_sessions.get(tx, owner, session.client_session_id)).guest_id == anna
        assert await guest_devices.reached_by(tx, owner, anna) == (lock,)
        assert (await guests.get(tx, owner, GetGuest(double))).guest_id == anna
        assert (await guests.of_key(tx, owner, "a2")).guest_id == anna
        assert [m.guest_key for m in (await guests.merged_into(tx, owner, [anna]))[anna]] == ["a2"]
        assert [g.guest_id for g in await guests.listed(tx, owner, ListGuests(only_present=True))] == [anna]
        (listed,) = await grants.listed(tx, owner, grants.ListGrants(guest_id=anna))
    assert listed.access_grant_id == grant.public_id
    await ask(gate, owner, guests.erase, EraseGuest(anna))
    async with gate.database.reading(owner.workspace_id) as db:
        assert await db.fetchval("select count(*) from guests where guest_key is not null") == 0
    assert "guest.merged" in await told(gate, owner)


async def test_who_turned_out_to_be_another_customers_guest_is_not_forgotten_with_his_own(
    gate: Gate, owner: Actor
) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        for customer, key in (("harbour", "anna"), ("hill", "a-smith")):
            person = customers.Person(key, f"Anna of {customer}")
            await customers.push(tx, owner, customers.Push(customer, people=(person,)))
        anna, double = [(await guests.of_key(tx, owner, key)).guest_id for key in ("anna", "a-smith")]
        await guest_identity.merge(tx, owner, anna, [double])
        await customers.forget(tx, owner, customers.Forget(("hill",)))
        assert (await guests.get(tx, owner, GetGuest(anna))).name == "Anna of harbour"


async def test_a_guest_is_not_merged_into_itself(gate: Gate, owner: Actor) -> None:
    anna = await a_guest(gate, owner, "Anna")
    async with gate.transaction(owner.workspace_id) as tx:
        with pytest.raises(Invalid):
            await guest_identity.merge(tx, owner, anna, [anna])


async def test_who_is_removed_keeps_no_code_but_that_of_a_booking(gate: Gate, owner: Actor) -> None:
    place = await a_property(gate, owner)
    (lock,) = await some_locks(gate, owner, "Door")
    await ask(gate, owner, spaces.add_devices, AddDevices(place.space_id, (lock,)))
    anna = await a_guest(gate, owner, "Anna")
    stay = await a_stay(gate, owner, place.space_id, 5, 7, guest_id=anna)
    command = CreateGrant("Anna", june(10), june(12), device_ids=(lock,), guest_id=anna)
    grant = (await ask(gate, owner, grants.create, command)).row
    async with gate.transaction(owner.workspace_id) as tx:
        await guest_identity.remove(tx, owner, anna)
        with pytest.raises(NotFound):
            await guest_identity.remove(tx, owner, anna)
        assert (await grants.get(tx, owner, grant.public_id)).row.cancelled_at is not None
        assert (await bookings.get(tx, owner, bookings.GetBooking(stay.booking_id))).cancelled_at is None
    assert len(await codes_of(gate, owner, stay.booking_id)) == 1
