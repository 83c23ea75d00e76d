"""Guests: what is kept of them, where their names go, and that they are forgotten everywhere."""

import asyncio
from typing import Any

import pytest
from tests.operations.places import a_property, a_stay, ask, codes_of, some_locks, until_somebody_waits

from lockstep.model.permissions import Actor
from lockstep.operations import bookings, grants, guests
from lockstep.operations.errors import Conflict, Invalid
from lockstep.operations.gate import Gate
from lockstep.operations.guests import ChangeGuest, CreateGuest, EraseGuest, GetGuest, ListGuests


async def test_a_guest_is_kept_as_told_with_the_phone_in_one_form(gate: Gate, owner: Actor) -> None:
    made = await ask(
        gate,
        owner,
        guests.create,
        CreateGuest(" Ana Lima ", "ana@example.org", "+351 912 345 678", "pt-BR", "g-1"),
    )
    assert (made.name, made.phone, made.language) == ("Ana Lima", "+351912345678", "pt-BR")
    assert await ask(gate, owner, guests.get, GetGuest(made.guest_id)) == made
    assert await ask(gate, owner, guests.listed, ListGuests()) == (made,)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"email": "ana"}, "email_invalid"),
        ({"phone": "912 345 678"}, "phone_invalid"),
        ({"phone": "call me"}, "phone_invalid"),
        ({"language": "Portuguese (Brazil)"}, "language_invalid"),
        ({"name": "a\x00b"}, "text_unreadable"),
    ],
)
async def test_what_cannot_be_read_is_refused_without_repeating_it(
    gate: Gate, owner: Actor, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await ask(gate, owner, guests.create, CreateGuest(**fields))
    assert refused.value.code == code
    assert not any(str(value) in str(refused.value) for value in fields.values())


async def test_a_key_names_one_guest(gate: Gate, owner: Actor) -> None:
    await ask(gate, owner, guests.create, CreateGuest(guest_key="g-1"))
    with pytest.raises(Conflict) as refused:
        await ask(gate, owner, guests.create, CreateGuest(guest_key="g-1"))
    assert refused.value.code == "guest_key_taken"


async def test_of_two_guests_who_are_given_one_key_at_the_same_time_one_has_it(
    gate: Gate, owner: Actor
) -> None:
    one, other = [await ask(gate, owner, guests.create, CreateGuest(name)) for name in ("Ana", "Rui")]
    async with gate.transaction(owner.workspace_id) as tx:
        await guests.change(tx, owner, ChangeGuest(one.guest_id, guest_key="g-1"))
        second = asyncio.create_task(
            ask(gate, owner, guests.change, ChangeGuest(other.guest_id, guest_key="g-1"))
        )
        await until_somebody_waits(gate)
    with pytest.raises(Conflict) as refused:
        await second
    assert refused.value.code == "guest_key_taken"


async def test_a_new_name_reaches_the_lock(gate: Gate, owner: Actor) -> None:
    stay = await stay_of(gate, owner, CreateGuest("Ana"))
    assert await names_on_locks(gate, owner, stay) == {"Ana"}
    await ask(gate, owner, guests.change, ChangeGuest(guest_of(stay), name="Ana Lima"))
    assert await names_on_locks(gate, owner, stay) == {"Ana Lima"}


async def test_a_change_leaves_what_it_does_not_name_and_takes_away_what_is_null(
    gate: Gate, owner: Actor
) -> None:
    made = await ask(gate, owner, guests.create, CreateGuest("Ana", "ana@example.org"))
    changed = await ask(gate, owner, guests.change, ChangeGuest(made.guest_id, email=None))
    assert (changed.name, changed.email) == ("Ana", None)


async def test_an_erased_guest_is_forgotten_and_goes_on_having_a_code(gate: Gate, owner: Actor) -> None:
    guest = CreateGuest("Ana Lima", "ana@example.org", "+351912345678", "pt", "anas-key")
    stay = await stay_of(gate, owner, guest, reservation_code="HMSECRET12")
    (before,) = await codes_of(gate, owner, stay.booking_id)
    erased = await ask(gate, owner, guests.erase, EraseGuest(guest_of(stay)))
    assert erased.erased_at is not None
    assert (erased.name, erased.email, erased.phone, erased.guest_key) == (None, None, None, None)
    (after,) = await codes_of(gate, owner, stay.booking_id)
    assert after.entry.declared.spec.fingerprint == before.entry.declared.spec.fingerprint
    assert await names_on_locks(gate, owner, stay) == {"Guest"}
    everything = await all_that_is_kept(gate, owner)
    assert not any(secret in everything for secret in ("ana@", "anas-key", "+351912345678", "HMSECRET12"))


async def test_nothing_of_a_guest_is_in_an_event(gate: Gate, owner: Actor) -> None:
    stay = await stay_of(gate, owner, CreateGuest("Ana Lima", "ana@example.org", "+351912345678"))
    await ask(gate, owner, guests.change, ChangeGuest(guest_of(stay), name="Ana Maria"))
    await ask(gate, owner, guests.erase, EraseGuest(guest_of(stay)))
    async with gate.reading(owner.workspace_id) as tx:
        rows = [str(dict(row)) for row in await tx.db.fetch("select * from events")]
    assert len(rows) > 3
    assert not any(secret in row for row in rows for secret in ("Ana", "example", "351912345678"))


async def test_the_names_of_grants_without_a_booking_are_forgotten_too(gate: Gate, owner: Actor) -> None:
    (lock,) = await some_locks(gate, owner, "front")
    guest = await ask(gate, owner, guests.create, CreateGuest("Ana Lima"))
    starts_at = gate.clock.now()
    command = grants.CreateGrant("Ana Lima", starts_at, device_ids=(lock,), guest_id=guest.guest_id)
    await ask(gate, owner, grants.create, command)
    await ask(gate, owner, guests.erase, EraseGuest(guest.guest_id))
    async with gate.reading(owner.workspace_id) as tx:
        assert await tx.db.fetchval("select name from grants") == "Guest"
        assert "Ana" not in await tx.db.fetchval("select name from entries")


async def test_who_is_forgotten_stays_so(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner)
    guest = await ask(gate, owner, guests.create, CreateGuest("Ana"))
    await ask(gate, owner, guests.erase, EraseGuest(guest.guest_id))
    with pytest.raises(Conflict, match="erased"):
        await ask(gate, owner, guests.change, ChangeGuest(guest.guest_id, name="Ana"))
    with pytest.raises(Conflict, match="erased"):
        await a_stay(gate, owner, house.space_id, 5, 8, guest_id=guest.guest_id)


async def stay_of(gate: Gate, owner: Actor, guest: CreateGuest, **fields: Any) -> bookings.Booking:
    (lock,) = await some_locks(gate, owner, "front")
    house = await a_property(gate, owner, device_ids=(lock,))
    return await a_stay(gate, owner, house.space_id, 5, 8, guest=guest, **fields)


def guest_of(stay: bookings.Booking) -> str:
    assert stay.guest_id is not None
    return stay.guest_id


async def names_on_locks(gate: Gate, owner: Actor, stay: bookings.Booking) -> set[str]:
    """Without the tags at their ends."""
    codes = await codes_of(gate, owner, stay.booking_id)
    return {code.entry.declared.spec.name.rpartition(" ")[0] for code in codes}


async def all_that_is_kept(gate: Gate, owner: Actor) -> str:
    async with gate.reading(owner.workspace_id) as tx:
        rows = [
            str(dict(row))
            for table in ("guests", "bookings", "grants", "entries", "events")
            for row in await tx.db.fetch(f"select * from {table}")
        ]
    return "\n".join(rows)
