"""Today: who is shown, in which order, on which page; what should be gone; who may see what; how much is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from tests.operations.places import a_property, a_stay, ask, june, some_locks

from lockstep.emulation.clock import VirtualClock
from lockstep.model.access_code import Standing
from lockstep.model.permissions import Actor, ActorKind, NotAllowed, Scope
from lockstep.operations import bookings, grants
from lockstep.operations import today as page
from lockstep.operations.bookings import CancelBooking
from lockstep.operations.gate import Gate
from lockstep.operations.grants import CreateGrant
from lockstep.operations.guests import CreateGuest
from lockstep.operations.today import AskToday, Today


async def today(gate: Gate, actor: Actor, **asked: object) -> Today:
    async with gate.reading(actor.workspace_id) as tx:
        return await page.today(tx, actor, AskToday(**asked))  # type: ignore[arg-type]


def reader(owner: Actor, *scopes: Scope, **fields: object) -> Actor:
    known = frozenset({Scope.GRANTS_READ, Scope.DEVICES_READ, *scopes})
    return Actor(ActorKind.API_KEY, owner.workspace_id, "key_0", known, **fields)  # type: ignore[arg-type]


@asynccontextmanager
async def believed(gate: Gate, actor: Actor, **columns: object) -> AsyncIterator[None]:
    """As if the reconciler had stored this of every entry."""
    async with gate.transaction(actor.workspace_id) as tx:
        for column, value in columns.items():
            await tx.db.execute(f"update entries set {column} = $1", value)
    yield


async def test_who_is_inside_or_arrives_within_a_day_is_shown_soonest_first(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    house = await a_property(gate, owner, device_ids=await some_locks(gate, owner, "Door"))
    for name, arrives, departs in (("Soon", 11, 12), ("Inside", 9, 11), ("Over", 8, 10), ("Far", 12, 13)):
        await a_stay(gate, owner, house.space_id, arrives, departs, guest=CreateGuest(name))
    clock.set(june(10, 14))
    assert [s.name for s in (await today(gate, owner)).stays] == ["Inside"]
    clock.set(june(10, 14, 1))
    found = await today(gate, owner)
    assert [(s.name, s.is_inside) for s in found.stays] == [("Inside", True), ("Soon", False)]
    assert found.stays[0].property_name == "Sea house"
    assert found.stays[0].time_zone == "Europe/Lisbon"
    assert [d.lock for d in found.stays[0].doors] == ["Door"]
    assert found.next_stay is None


async def test_where_nobody_comes_the_next_one_is_named(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner, device_ids=await some_locks(gate, owner, "Door"))
    await a_stay(gate, owner, house.space_id, 20, 22, guest=CreateGuest("Anna"))
    found = await today(gate, owner)
    assert found.stays == ()
    assert found.next_stay is not None
    assert (found.next_stay.name, found.next_stay.starts_at) == ("Anna", june(20, 14))


async def test_an_empty_workspace_says_what_there_is_not(gate: Gate, owner: Actor) -> None:
    found = await today(gate, owner)
    assert (found.stays_page.count, found.stays_page.total, found.next_stay) == (1, 0, None)
    assert (found.furnishing.accounts, found.furnishing.devices, found.furnishing.calendars) == (0, 0, 0)


async def test_long_lists_come_in_pages(gate: Gate, owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_ON_PAGE", 2)
    names = [f"Door {n}" for n in range(5)]
    (door, *_) = await some_locks(gate, owner, *names)
    for n in range(5):
        command = CreateGrant(f"Guest {n}", june(1, 1 + n), june(3), device_ids=(door,))
        await ask(gate, owner, grants.create, command)
    first, last = await today(gate, owner), await today(gate, owner, page=99, locks_page=2)
    assert [s.name for s in first.stays] == ["Guest 0", "Guest 1"]
    assert (first.stays_page.number, first.stays_page.count, first.stays_page.total) == (1, 3, 5)
    assert [s.name for s in last.stays] == ["Guest 4"]
    assert [lock.name for lock in last.locks] == ["Door 2", "Door 3"]
    assert first.counts == last.counts == {Standing.UNCONFIRMED: 5}


async def test_stays_are_sifted_by_standing_and_counted_whole(gate: Gate, owner: Actor) -> None:
    (door,) = await some_locks(gate, owner, "Door")
    command = CreateGrant("Anna", june(1, 5), june(3), device_ids=(door,))
    await ask(gate, owner, grants.create, command)
    async with believed(gate, owner, possible=["1"], evidence=2, proven_at=june(1)):
        assert (await today(gate, owner, standing=Standing.FAILED)).stays == ()
        (stay,) = (await today(gate, owner, standing=Standing.PROVEN)).stays
    assert stay.doors[0].proven_at == june(1)
    assert stay.doors[0].reason.cause.startswith("Seen in the vendor's own listing")
    assert stay.standing is Standing.PROVEN


async def test_a_code_that_should_be_gone_and_is_not_needs_somebody(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    house = await a_property(gate, owner, device_ids=await some_locks(gate, owner, "Door"))
    stay = await a_stay(gate, owner, house.space_id, 1, 3, guest=CreateGuest("Anna"))
    async with believed(gate, owner, possible=["1"], evidence=2, proven_at=june(1)):
        await ask(gate, owner, bookings.cancel, CancelBooking(stay.booking_id))
        assert (await today(gate, owner)).late == ()
        clock.advance(timedelta(minutes=5))
        found = await today(gate, owner)
    assert found.stays == ()
    (late,) = found.late
    assert (late.is_removal, late.stay.name, late.door.lock) == (True, "Anna", "Door")
    assert "should be gone" in late.door.reason.cause
    async with believed(gate, owner, settled_at=clock.now()):
        assert (await today(gate, owner)).late == ()


async def test_names_accounts_and_calendars_are_for_whoever_may_see_them(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner, device_ids=await some_locks(gate, owner, "Door"))
    await a_stay(gate, owner, house.space_id, 1, 3, guest=CreateGuest("Anna"))
    found = await today(gate, reader(owner))
    assert ([s.name for s in found.stays], found.accounts, found.calendars) == ([None], (), ())
    found = await today(gate, reader(owner, Scope.GUESTS_READ, Scope.ACCOUNTS_READ))
    assert ([s.name for s in found.stays], [a.label for a in found.accounts]) == (["Anna"], ["Test"])


@pytest.mark.parametrize("missing", [Scope.GRANTS_READ, Scope.DEVICES_READ])
async def test_both_scopes_are_needed(gate: Gate, owner: Actor, missing: Scope) -> None:
    actor = Actor(ActorKind.API_KEY, owner.workspace_id, "key_0", frozenset(Scope) - {missing})
    with pytest.raises(NotAllowed):
        await today(gate, actor)


async def test_a_confined_key_sees_its_own_property_alone(gate: Gate, owner: Actor) -> None:
    here, there = await some_locks(gate, owner, "Here", "There")
    ours = await a_property(gate, owner, "Ours", device_ids=(here,))
    theirs = await a_property(gate, owner, "Theirs", device_ids=(there,))
    for house in (ours, theirs):
        await a_stay(gate, owner, house.space_id, 1, 3, guest=CreateGuest(house.name))
    confined = reader(owner, *Scope, property_ids=frozenset({await id_of(gate, owner, ours.space_id)}))
    found = await today(gate, confined)
    assert [s.property_name for s in found.stays] == ["Ours"]
    assert [lock.name for lock in found.locks] == ["Here"]
    assert found.accounts == ()


async def id_of(gate: Gate, actor: Actor, space_id: str) -> object:
    async with gate.reading(actor.workspace_id) as tx:
        return await tx.db.fetchval("select id from spaces where public_id = $1", space_id)


async def test_the_number_of_statements_does_not_grow(gate: Gate, owner: Actor) -> None:
    async def enter(*names: str) -> None:
        for door in await some_locks(gate, owner, *names):
            command = CreateGrant(f"Guest of {door}", june(1, 5), june(3), device_ids=(door,))
            await ask(gate, owner, grants.create, command)

    async def count() -> int:
        asked: list[str] = []
        async with gate.transaction(owner.workspace_id) as tx:
            await page.today(tx, owner, AskToday())  # connections learn types on their first use
            with tx.db.query_logger(lambda record: asked.append(record.query)):
                await page.today(tx, owner, AskToday())
        return len(asked)

    await enter("Door")
    few = await count()
    await enter(*(f"Door {n}" for n in range(30)))
    assert 0 < await count() <= few
