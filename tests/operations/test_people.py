"""Whom an access system knows: guests that follow it until somebody takes them in."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.operations.places import ask, some_locks

from lockstep.driver.contract import Person
from lockstep.model.permissions import Actor
from lockstep.operations import guest_identity, guests, people
from lockstep.operations.errors import Conflict
from lockstep.operations.gate import Gate
from lockstep.operations.guests import EraseGuest, Guest, ListGuests
from lockstep.storage import accounts

BEN = Person("p1", "Ben", "ben@example.com", "+351912345678")
CARA = Person("p2", "Cara")


async def told(gate: Gate, owner: Actor, *who: Person) -> dict[str | None, Guest]:
    """The access system tells of these; by name, whom it knows and nobody took in."""
    async with gate.transaction(owner.workspace_id) as tx:
        await people.take(tx, owner, await an_account(gate, owner), who)
        found = await guests.listed(tx, owner, ListGuests(50, is_managed=False, only_present=True))
    return {it.name: it for it in found}


async def an_account(gate: Gate, owner: Actor) -> UUID:
    async with gate.database.reading(owner.workspace_id) as db:
        return (await accounts.listed(db, owner.workspace_id))[0].id


async def test_people_follow_what_their_access_system_tells(gate: Gate, owner: Actor) -> None:
    await some_locks(gate, owner, "Door")
    first = await told(gate, owner, BEN, CARA, CARA)
    assert set(first) == {"Ben", "Cara"}
    assert (first["Ben"].email, first["Ben"].phone, first["Ben"].is_managed) == (BEN.email, BEN.phone, False)

    renamed = await told(gate, owner, Person("p1", "Benjamin\x00 "), CARA)
    assert {it.guest_id for it in renamed.values()} == {it.guest_id for it in first.values()}
    assert (set(renamed), renamed["Benjamin"].email) == ({"Benjamin", "Cara"}, None)

    assert set(await told(gate, owner, CARA)) == {"Cara"}
    again = await told(gate, owner, BEN, CARA)
    assert again["Ben"].guest_id != first["Ben"].guest_id, (
        "who came back is somebody new: the other is forgotten"
    )


async def test_who_was_taken_in_or_forgotten_is_left_alone(gate: Gate, owner: Actor) -> None:
    await some_locks(gate, owner, "Door")
    seen = await told(gate, owner, BEN, CARA)
    async with gate.transaction(owner.workspace_id) as tx:
        taken = await guest_identity.take_in(tx, owner, seen["Ben"].guest_id, "b1")
        assert (taken.is_managed, taken.guest_key) == (True, "b1")
        with pytest.raises(Conflict):
            await guest_identity.take_in(tx, owner, taken.guest_id, None)
    await ask(gate, owner, guests.erase, EraseGuest(seen["Cara"].guest_id))

    assert await told(gate, owner, Person("p1", "Benjamin"), CARA) == {}
    assert await told(gate, owner) == {}
    assert (await ask(gate, owner, guests.get, guests.GetGuest(taken.guest_id))).name == "Ben"
