"""Client sessions: a person's app reaches what it was given, and nothing else of the workspace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.operations.places import a_property, ask, june, some_locks, told

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import Actor, NotAllowed
from lockstep.operations import (
    account_changes,
    accounts,
    bookings,
    client_sessions,
    devices,
    events,
    grants,
    guest_devices,
    guests,
    requested_grants,
    spaces,
    workspaces,
)
from lockstep.operations.account_details import Details
from lockstep.operations.client_sessions import AskedSession, ClientSession, KnownSession, ListSessions
from lockstep.operations.devices import ListDevices
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate
from lockstep.operations.grants import CreateGrant, ListGrants
from lockstep.operations.guests import CreateGuest, EraseGuest
from lockstep.operations.requested_grants import ListRequested, RequestGrant
from lockstep.workers.sweeps.sequencer import sequence_all


class Two:
    """Two accounts with a lock each; `theirs` is what a session is given."""

    theirs: str
    lock: str
    other_account: str
    other_lock: str


@pytest.fixture
async def two(gate: Gate, owner: Actor) -> Two:
    two = Two()
    (two.lock,) = await some_locks(gate, owner, "Anna's door")
    (two.other_lock,) = await some_locks(gate, owner, "Ben's door")
    async with gate.reading(owner.workspace_id) as tx:
        two.theirs, two.other_account = (a.public_id for a in await accounts.listed(tx, owner))
    return two


async def make(gate: Gate, actor: Actor, asked: AskedSession) -> ClientSession:
    async with gate.transaction(actor.workspace_id) as tx:
        return await client_sessions.create(tx, actor, asked)


async def get_or_create(gate: Gate, actor: Actor, asked: AskedSession) -> ClientSession:
    async with gate.transaction(actor.workspace_id) as tx:
        return await client_sessions.get_or_create(tx, actor, asked)


async def signed_in(gate: Gate, session: ClientSession) -> Actor:
    actor = await client_sessions.authenticate(gate, session.token)
    assert actor is not None
    return actor


async def test_a_session_sees_the_devices_of_its_accounts_and_no_others(
    gate: Gate, owner: Actor, two: Two
) -> None:
    session = await make(gate, owner, AskedSession("anna", connected_account_ids=[two.theirs]))
    assert (session.device_count, session.connected_account_ids) == (1, (two.theirs,))
    anna = await signed_in(gate, session)
    async with gate.reading(owner.workspace_id) as tx:
        assert [d.device_id for d in await devices.list_shown(tx, anna, ListDevices())] == [two.lock]
        assert [a.public_id for a in await accounts.listed(tx, anna)] == [two.theirs]
        with pytest.raises(NotAllowed):
            await accounts.get(tx, anna, two.other_account)
        with pytest.raises(Exception, match="not given"):
            await devices.shown(tx, anna, two.other_lock)


async def test_a_session_makes_and_sees_the_codes_of_its_own_locks_alone(
    gate: Gate, owner: Actor, two: Two
) -> None:
    async def let_in(actor: Actor, *locks: str) -> str:
        command = CreateGrant("Visit", june(5), june(7), device_ids=locks)
        return (await ask(gate, actor, grants.create, command)).row.public_id

    anna = await signed_in(gate, await make(gate, owner, AskedSession(connected_account_ids=[two.theirs])))
    mine = await let_in(anna, two.lock)
    shared = await let_in(owner, two.lock, two.other_lock)
    with pytest.raises(Exception, match="not given"):
        await let_in(anna, two.other_lock)
    async with gate.reading(owner.workspace_id) as tx:
        assert [g.access_grant_id for g in await grants.listed(tx, anna, ListGrants())] == [mine]
        with pytest.raises(Exception, match="confined"):
            await grants.get(tx, anna, shared)


async def test_a_session_reaches_nothing_of_the_whole_workspace(gate: Gate, owner: Actor, two: Two) -> None:
    place = await a_property(gate, owner)
    anna = await signed_in(gate, await make(gate, owner, AskedSession(connected_account_ids=[two.theirs])))
    async with gate.transaction(owner.workspace_id) as tx:
        assert (await workspaces.get(tx, anna)).name == "Harbour flats"
        for refused in (
            bookings.listed(tx, anna, bookings.ListBookings()),
            spaces.get(tx, anna, spaces.GetSpace(place.space_id)),
            guests.listed(tx, anna, guests.ListGuests()),
            workspaces.change(tx, anna, workspaces.ChangeWorkspace("Mine")),
            client_sessions.create(tx, anna, AskedSession("ben")),
            client_sessions.listed(tx, anna, ListSessions()),
        ):
            with pytest.raises(NotAllowed):
                await refused


async def test_a_session_of_a_guest_reaches_the_devices_that_the_guest_was_given(
    gate: Gate, owner: Actor, two: Two
) -> None:
    guest = await ask(gate, owner, guests.create, CreateGuest("Anna"))
    session = await make(gate, owner, AskedSession(guest_id=guest.guest_id))
    async with gate.transaction(owner.workspace_id) as tx:
        await guest_devices.give(tx, owner, guest.guest_id, two.other_lock)
        await guest_devices.give(tx, owner, guest.guest_id, two.other_lock)
    anna = await signed_in(gate, session)
    async with gate.reading(owner.workspace_id) as tx:
        assert [d.device_id for d in await devices.list_shown(tx, anna, ListDevices())] == [two.other_lock]
        assert (await guests.get(tx, anna, guests.GetGuest(guest.guest_id))).name == "Anna"
        assert (await client_sessions.get(tx, anna)).device_count == 1
    async with gate.transaction(owner.workspace_id) as tx:
        await guest_devices.take(tx, owner, guest.guest_id, two.other_lock)
    assert (await signed_in(gate, session)).device_ids == frozenset()
    await ask(gate, owner, guests.erase, EraseGuest(guest.guest_id))
    assert await client_sessions.authenticate(gate, session.token) is None


async def test_a_session_is_refused_as_soon_as_it_is_revoked_deleted_or_over(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    revoked, deleted, short = [await make(gate, owner, AskedSession()) for _ in range(3)]
    async with gate.transaction(owner.workspace_id) as tx:
        await client_sessions.revoke(tx, owner, revoked.client_session_id)
        await client_sessions.delete(tx, owner, deleted.client_session_id)
        with pytest.raises(NotFound):
            await client_sessions.get(tx, owner, deleted.client_session_id)
        assert [s.client_session_id for s in await client_sessions.listed(tx, owner, ListSessions())] == [
            short.client_session_id
        ]
    assert await client_sessions.authenticate(gate, revoked.token) is None
    assert await client_sessions.authenticate(gate, deleted.token) is None
    assert await client_sessions.authenticate(gate, short.token) is not None
    clock.advance(client_sessions.LASTS)
    assert await client_sessions.authenticate(gate, short.token) is None
    kinds = await told(gate, owner)
    assert kinds.count("client_session.created") == 3
    assert {"client_session.revoked", "client_session.deleted"} <= set(kinds)


async def test_one_person_has_one_session_which_is_given_more(gate: Gate, owner: Actor, two: Two) -> None:
    first = await get_or_create(gate, owner, AskedSession("anna"))
    again = await get_or_create(gate, owner, AskedSession("anna", connected_account_ids=[two.theirs]))
    assert (again.client_session_id, again.token) == (first.client_session_id, first.token)
    assert again.connected_account_ids == (two.theirs,)
    with pytest.raises(Conflict, match="has this key already"):
        await make(gate, owner, AskedSession("anna"))
    other = await make(gate, owner, AskedSession("ben"))
    async with gate.transaction(owner.workspace_id) as tx:
        asked = AskedSession(connected_account_ids=[two.other_account])
        both = await client_sessions.grant_access(tx, owner, first.client_session_id, asked)
        with pytest.raises(Conflict, match="has this key already"):
            await client_sessions.grant_access(tx, owner, other.client_session_id, AskedSession("anna"))
    assert both.connected_account_ids == (two.theirs, two.other_account)


async def test_a_key_whose_session_is_over_gets_a_new_one(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    first = await get_or_create(gate, owner, AskedSession("anna"))
    clock.advance(client_sessions.LASTS)
    assert (await get_or_create(gate, owner, AskedSession("anna"))).token != first.token


async def test_without_a_key_the_session_that_was_given_exactly_this_is_found_again(
    gate: Gate, owner: Actor, two: Two
) -> None:
    asked = AskedSession(connected_account_ids=[two.theirs])
    first = await get_or_create(gate, owner, asked)
    assert (await get_or_create(gate, owner, asked)).token == first.token
    more = AskedSession(connected_account_ids=[two.theirs, two.other_account])
    assert (await get_or_create(gate, owner, more)).token != first.token


async def test_a_publishable_key_gets_an_empty_session_where_the_workspace_allows_it(
    gate: Gate, owner: Actor, two: Two
) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        key = (await workspaces.get(tx, owner)).publishable_key or ""
    assert await client_sessions.publisher(gate, key) is None
    async with gate.transaction(owner.workspace_id) as tx:
        allowed = workspaces.ChangeWorkspace(is_publishable_key_enabled=True)
        await workspaces.change(tx, owner, allowed)
    public = await client_sessions.publisher(gate, key)
    assert public is not None
    made = await get_or_create(gate, public, AskedSession("anna"))
    assert made.device_count == 0
    soon = AskedSession("anna", expires_at=made.created_at + timedelta(minutes=1))
    assert (await get_or_create(gate, public, soon)).expires_at == made.expires_at, "everybody has this key"
    with pytest.raises(NotAllowed, match="empty"):
        await get_or_create(gate, public, AskedSession("anna", connected_account_ids=[two.theirs]))
    with pytest.raises(Invalid):
        await get_or_create(gate, public, AskedSession())
    async with gate.reading(owner.workspace_id) as tx:
        with pytest.raises(NotAllowed):
            await devices.list_shown(tx, public, ListDevices())


async def test_a_seeded_session_keeps_its_id_and_token_and_a_strangers_token_is_none(
    gate: Gate, owner: Actor
) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        known = KnownSession("john_session", "seam_cst1_token")
        seeded = await client_sessions.create(tx, owner, AskedSession("john"), known)
    assert (seeded.client_session_id, seeded.token) == ("john_session", "seam_cst1_token")
    assert (await signed_in(gate, seeded)).name == "client_session:john_session"
    assert await client_sessions.authenticate(gate, "seam_cst1_other") is None


async def test_a_session_ends_within_a_year(gate: Gate, owner: Actor, clock: VirtualClock) -> None:
    for days in (0, 400):
        with pytest.raises(Invalid):
            await make(gate, owner, AskedSession(expires_at=clock.now() + timedelta(days=days)))


async def test_of_a_token_only_its_hash_and_a_seal_are_stored(gate: Gate, owner: Actor) -> None:
    session = await make(gate, owner, AskedSession("anna"))
    async with gate.database.reading(owner.workspace_id) as db:
        (row,) = await db.fetch("select * from client_sessions")
    assert session.token not in repr(dict(row))
    assert session.token not in repr(session)


async def test_a_customers_session_reaches_all_that_is_the_customers_and_nothing_else(
    gate: Gate, owner: Actor, two: Two
) -> None:
    asked = AskedSession("anna", customer_key="harbour")
    anna = await signed_in(gate, await make(gate, owner, asked))
    async with gate.transaction(owner.workspace_id) as tx:
        assert await devices.list_shown(tx, anna, ListDevices()) == [], "nothing is the customer's yet"
        await account_changes.change(tx, owner, two.theirs, Details(customer_key="harbour"))
        await account_changes.change(tx, owner, two.other_account, Details(customer_key="hill"))
    (third,) = await some_locks(gate, owner, "Boathouse")
    house = await a_property(gate, owner, "Harbour house", customer_key="harbour", device_ids=(third,))
    await a_property(gate, owner, "Hill house", customer_key="hill", device_ids=(two.other_lock,))

    session = await get_or_create(gate, owner, asked)
    assert (session.device_count, session.connected_account_ids) == (2, (two.theirs,))
    anna = await signed_in(gate, session)
    async with gate.transaction(owner.workspace_id) as tx:
        found = await devices.list_shown(tx, anna, ListDevices())
        assert {d.device_id for d in found} == {two.lock, third}
        assert [a.public_id for a in await accounts.listed(tx, anna)] == [two.theirs]
        assert [s.space_id for s in await spaces.listed(tx, anna, spaces.ListSpaces())] == [house.space_id]
        wanted = RequestGrant(
            CreateGrant("Visit", june(5), june(7), device_ids=(third,)), CreateGuest("Ben", "ben@b.test")
        )
        made = await requested_grants.create(tx, anna, wanted)
        assert made.customer_key == "harbour"
        assert [
            g.grant.access_grant_id for g in await requested_grants.listed(tx, anna, ListRequested())
        ] == [made.grant.access_grant_id]
        with pytest.raises(NotAllowed, match="not this customer's"):
            await requested_grants.create(tx, anna, replace(wanted, customer_key="hill"))
        with pytest.raises(Exception, match="not given"):
            await devices.shown(tx, anna, two.other_lock)
        with pytest.raises(NotAllowed, match="not this customer's"):
            await spaces.change(tx, anna, spaces.ChangeSpace(house.space_id, customer_key="hill"))
        with pytest.raises(Exception, match="not given"):
            await spaces.add_devices(tx, anna, spaces.AddDevices(house.space_id, (two.other_lock,)))
        with pytest.raises(NotAllowed, match="not given"):
            await spaces.keep_account(tx, anna, house.space_id, two.other_account)
        with pytest.raises(NotAllowed):
            await accounts.disconnect(tx, anna, two.other_account, "leave")
        shed = spaces.CreateSpace("Shed", time_zone="Europe/Lisbon", device_ids=(two.lock,))
        assert (await spaces.create(tx, anna, shed)).customer_key == "harbour"
        await spaces.change(tx, anna, spaces.ChangeSpace(house.space_id, "Boathouse"))
        assert (await accounts.disconnect(tx, anna, two.theirs, "leave")).state == "disconnected"
    anna = await signed_in(gate, session)
    await sequence_all(gate)
    async with gate.reading(owner.workspace_id) as tx:
        assert made.grant.guest_id is not None
        assert (await guests.get(tx, anna, guests.GetGuest(made.grant.guest_id))).name == "Ben"
        told_of = [e.subjects for e in await events.find(tx, anna, events.FindEvents(100))]
    assert {s["device_id"] for s in told_of if "device_id" in s} == {third, two.lock}
    assert len({s["property_id"] for s in told_of if "property_id" in s}) == 2


async def test_sessions_of_two_customers_are_never_one(gate: Gate, owner: Actor) -> None:
    made = [await get_or_create(gate, owner, AskedSession(customer_key=key)) for key in ("a", "b", "a", None)]
    assert len({s.client_session_id for s in made}) == 3
    assert [s.customer_key for s in made] == ["a", "b", "a", None]


async def test_with_a_publishable_key_no_session_of_a_customer_is_had(
    gate: Gate, owner: Actor, two: Two
) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        allowed = workspaces.ChangeWorkspace(is_publishable_key_enabled=True)
        key = (await workspaces.change(tx, owner, allowed)).publishable_key
    page = await client_sessions.publisher(gate, key or "")
    assert page is not None
    with pytest.raises(NotAllowed, match="empty"):
        await get_or_create(gate, page, AskedSession("anna", customer_key="harbour"))
    await make(gate, owner, AskedSession("anna", customer_key="harbour"))
    with pytest.raises(NotAllowed, match="customer's"):
        await get_or_create(gate, page, AskedSession("anna"))
