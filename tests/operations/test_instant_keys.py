"""Instant keys: a link opens a guest's session so many times, and no longer than it may."""

from __future__ import annotations

import pytest
from tests.operations.places import ask, some_locks, told

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import Actor
from lockstep.operations import client_sessions, guest_devices, guests, instant_keys
from lockstep.operations.errors import Invalid, LinkOver, NotFound
from lockstep.operations.gate import Gate
from lockstep.operations.guests import CreateGuest, EraseGuest
from lockstep.operations.instant_keys import CreateInstantKey, InstantKey


@pytest.fixture
async def anna(gate: Gate, owner: Actor) -> str:
    return (await ask(gate, owner, guests.create, CreateGuest("Anna"))).guest_id


async def a_link(gate: Gate, owner: Actor, guest_id: str, most_uses: int = 1) -> InstantKey:
    return await ask(gate, owner, instant_keys.create, CreateInstantKey(guest_id, most_uses))


def token_of(link: InstantKey) -> str:
    return link.path.rpartition("/")[2]


async def test_a_link_opens_the_guests_session_as_often_as_it_says(
    gate: Gate, owner: Actor, anna: str
) -> None:
    (lock,) = await some_locks(gate, owner, "Door")
    async with gate.transaction(owner.workspace_id) as tx:
        await guest_devices.give(tx, owner, anna, lock)
    link = await a_link(gate, owner, anna, most_uses=2)
    for _ in range(2):
        opened = await instant_keys.open_link(gate, token_of(link))
        actor = await client_sessions.authenticate(gate, opened.client_session_token)
        assert actor is not None
        assert len(actor.device_ids) == 1
    with pytest.raises(LinkOver):
        await instant_keys.open_link(gate, token_of(link))
    async with gate.reading(owner.workspace_id) as tx:
        assert (await instant_keys.get(tx, owner, link.instant_key_id)).uses == 2
        (listed,) = await instant_keys.listed(tx, owner, anna)
        assert await instant_keys.of_path(tx, owner, f"https://x.test{link.path}") == listed
    assert (await told(gate, owner)).count("instant_key.used") == 2


async def test_a_link_ends_by_itself_when_it_is_deleted_and_when_its_guest_is_forgotten(
    gate: Gate, owner: Actor, anna: str, clock: VirtualClock
) -> None:
    deleted, forgotten, late = [await a_link(gate, owner, anna) for _ in range(3)]
    session = await instant_keys.open_link(gate, token_of(deleted))
    async with gate.transaction(owner.workspace_id) as tx:
        await instant_keys.delete(tx, owner, deleted.instant_key_id)
        with pytest.raises(NotFound):
            await instant_keys.get(tx, owner, deleted.instant_key_id)
    assert await client_sessions.authenticate(gate, session.client_session_token) is None
    clock.advance(instant_keys.LASTS)
    with pytest.raises(LinkOver):
        await instant_keys.open_link(gate, token_of(late))
    await ask(gate, owner, guests.erase, EraseGuest(anna))
    for link in (deleted, forgotten):
        with pytest.raises(LinkOver):
            await instant_keys.open_link(gate, token_of(link))


async def test_a_link_is_used_at_least_once_and_of_its_token_only_hash_and_seal_are_stored(
    gate: Gate, owner: Actor, anna: str
) -> None:
    with pytest.raises(Invalid):
        await a_link(gate, owner, anna, most_uses=0)
    link = await a_link(gate, owner, anna)
    async with gate.database.reading(owner.workspace_id) as db:
        (row,) = await db.fetch("select * from instant_keys")
    assert token_of(link) not in repr(dict(row))
    assert token_of(link) not in repr(link)
