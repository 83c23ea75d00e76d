"""Properties and spaces: what they need, what a booking of one opens, what follows when they change."""

import asyncio
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from tests.operations.places import (
    a_property,
    a_stay,
    ask,
    codes_of,
    june,
    opens,
    some_locks,
    told,
    until_somebody_waits,
)

from lockstep.model.permissions import Actor, NotAllowed
from lockstep.model.window import Window
from lockstep.operations import bookings, spaces
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate


async def test_a_property_has_usual_hours_where_nothing_is_said(gate: Gate, owner: Actor) -> None:
    made = await a_property(gate, owner, address="Rua do Mar 1")
    assert (made.check_in, made.check_out, made.time_zone) == (time(15), time(11), "Europe/Lisbon")
    assert made.property_id == made.space_id
    assert await ask(gate, owner, spaces.get, spaces.GetSpace(made.space_id)) == made


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"time_zone": "Europe/Lissabon"}, "time_zone_unknown"),
        ({"time_zone": "../etc/passwd"}, "time_zone_unknown"),
        ({"time_zone": None}, "time_zone_missing"),
        ({"name": "  "}, "text_empty"),
        ({"name": "x" * 201}, "text_too_long"),
        ({"name": "a\nb"}, "text_unreadable"),
    ],
)
async def test_a_property_that_cannot_be_is_refused_with_the_next_step(
    gate: Gate, owner: Actor, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await a_property(gate, owner, **{"name": "Sea house", **fields})
    assert refused.value.code == code
    assert refused.value.next_step
    assert await ask(gate, owner, spaces.listed, spaces.ListSpaces()) == ()


async def test_a_space_within_a_property_has_no_hours_of_its_own(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner)
    with pytest.raises(Invalid) as refused:
        await ask(gate, owner, spaces.create, spaces.CreateSpace("Flat", house.space_id, check_in=time(14)))
    assert refused.value.field == "check_in"


async def test_of_two_spaces_that_are_given_one_key_at_the_same_time_one_has_it(
    gate: Gate, owner: Actor
) -> None:
    one, other = [await a_property(gate, owner, name) for name in ("Sea house", "Hill house")]
    async with gate.transaction(owner.workspace_id) as tx:
        await spaces.change(tx, owner, spaces.ChangeSpace(one.space_id, space_key="sea"))
        second = asyncio.create_task(
            ask(gate, owner, spaces.change, spaces.ChangeSpace(other.space_id, space_key="sea"))
        )
        await until_somebody_waits(gate)
    with pytest.raises(Conflict) as refused:
        await second
    assert refused.value.code == "space_key_taken"


async def test_a_key_is_used_once_and_again_after_the_space_is_removed(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner, space_key="sea")
    with pytest.raises(Conflict) as refused:
        await a_property(gate, owner, space_key="sea")
    assert refused.value.code == "space_key_taken"
    await ask(gate, owner, spaces.remove, spaces.RemoveSpace(house.space_id))
    assert (await a_property(gate, owner, space_key="sea")).space_id != house.space_id


async def test_a_booking_opens_its_flat_the_front_door_and_what_lies_within_but_no_neighbour(
    gate: Gate, owner: Actor
) -> None:
    front, left, safe, right = await some_locks(gate, owner, "front", "left", "safe", "right")
    house = await a_property(gate, owner, device_ids=(front,))
    flat = await ask(gate, owner, spaces.create, spaces.CreateSpace("L", house.space_id, device_ids=(left,)))
    room = await ask(gate, owner, spaces.create, spaces.CreateSpace("S", flat.space_id, device_ids=(safe,)))
    other = await ask(
        gate, owner, spaces.create, spaces.CreateSpace("R", house.space_id, device_ids=(right,))
    )
    stays = {
        name: (await a_stay(gate, owner, space.space_id, 5, 8)).booking_id
        for name, space in (("house", house), ("flat", flat), ("room", room), ("other", other))
    }
    assert {name: await opens(gate, owner, id) for name, id in stays.items()} == {
        "house": {"front", "left", "safe", "right"},
        "flat": {"front", "left", "safe"},
        "room": {"front", "left", "safe"},
        "other": {"front", "right"},
    }
    assert room.property_id == house.space_id


async def test_who_is_booked_opens_a_lock_that_is_added_and_not_one_that_is_taken_away(
    gate: Gate, owner: Actor
) -> None:
    front, flat = await some_locks(gate, owner, "front", "flat")
    house = await a_property(gate, owner, device_ids=(front,))
    inner = await ask(gate, owner, spaces.create, spaces.CreateSpace("Flat", house.space_id))
    stay = await a_stay(gate, owner, inner.space_id, 5, 8)
    assert await opens(gate, owner, stay.booking_id) == {"front"}
    await ask(gate, owner, spaces.add_devices, spaces.AddDevices(inner.space_id, (flat,)))
    assert await opens(gate, owner, stay.booking_id) == {"front", "flat"}
    await ask(gate, owner, spaces.remove_devices, spaces.RemoveDevices(house.space_id, (front,)))
    assert await opens(gate, owner, stay.booking_id) == {"flat"}


async def test_a_device_that_is_not_there_is_named_and_nothing_is_half_done(gate: Gate, owner: Actor) -> None:
    front, *_ = await some_locks(gate, owner, "front")
    house = await a_property(gate, owner)
    with pytest.raises(NotFound) as refused:
        await ask(gate, owner, spaces.add_devices, spaces.AddDevices(house.space_id, (front, "device_x")))
    assert refused.value.public_id == "device_x"
    assert (await ask(gate, owner, spaces.get, spaces.GetSpace(house.space_id))).device_ids == ()


async def test_stays_told_in_dates_follow_new_hours_and_those_moved_by_hand_do_not(
    gate: Gate, owner: Actor
) -> None:
    (front,) = await some_locks(gate, owner, "front")
    house = await a_property(gate, owner, device_ids=(front,))
    dated = await a_stay(gate, owner, house.space_id, 5, 8)
    exact = await ask(
        gate,
        owner,
        bookings.create,
        bookings.CreateBooking(house.space_id, starts_at=june(9, 14), ends_at=june(10, 10)),
    )
    command = spaces.ChangeSpace(house.space_id, check_out=time(10), time_zone="Europe/Madrid")
    await ask(gate, owner, spaces.change, command)
    after = await ask(gate, owner, bookings.get, bookings.GetBooking(dated.booking_id))
    assert (after.starts_at, after.ends_at) == (june(5, 13), june(8, 8))
    (code,) = await codes_of(gate, owner, dated.booking_id)
    assert code.entry.declared.spec.window == Window(june(5, 13), june(8, 8))
    unmoved = await ask(gate, owner, bookings.get, bookings.GetBooking(exact.booking_id))
    assert unmoved == replace(exact, time_zone="Europe/Madrid")


async def test_a_change_that_changes_nothing_tells_nothing(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner)
    before = await told(gate, owner)
    await ask(gate, owner, spaces.change, spaces.ChangeSpace(house.space_id, name=house.name))
    assert await told(gate, owner) == before


async def test_a_space_that_is_in_use_is_not_removed(gate: Gate, owner: Actor) -> None:
    house = await a_property(gate, owner)
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    with pytest.raises(Conflict) as refused:
        await ask(gate, owner, spaces.remove, spaces.RemoveSpace(house.space_id))
    assert "1 bookings" in refused.value.cause
    await ask(gate, owner, bookings.cancel, bookings.CancelBooking(stay.booking_id))
    await ask(gate, owner, spaces.remove, spaces.RemoveSpace(house.space_id))
    with pytest.raises(NotFound):
        await ask(gate, owner, spaces.get, spaces.GetSpace(house.space_id))


async def test_a_removed_room_opens_its_locks_to_nobody(gate: Gate, owner: Actor) -> None:
    front, safe = await some_locks(gate, owner, "front", "safe")
    house = await a_property(gate, owner, device_ids=(front,))
    room = await ask(
        gate, owner, spaces.create, spaces.CreateSpace("Room", house.space_id, device_ids=(safe,))
    )
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    await ask(gate, owner, spaces.remove, spaces.RemoveSpace(room.space_id))
    assert await opens(gate, owner, stay.booking_id) == {"front"}


async def test_lists_go_on_behind_the_last_one_and_within_a_parent(gate: Gate, owner: Actor) -> None:
    houses = [await a_property(gate, owner, f"House {n}") for n in range(3)]
    flat = await ask(gate, owner, spaces.create, spaces.CreateSpace("Flat", houses[0].space_id))
    listed = await ask(gate, owner, spaces.listed, spaces.ListSpaces(2))
    assert listed == tuple(houses[:2])
    listed = await ask(gate, owner, spaces.listed, spaces.ListSpaces(5, after=houses[1].space_id))
    assert listed == (houses[2], flat)
    only = await ask(gate, owner, spaces.listed, spaces.ListSpaces(5, only_properties=True))
    assert only == tuple(houses)
    within = spaces.ListSpaces(5, parent_space_id=houses[0].space_id)
    assert await ask(gate, owner, spaces.listed, within) == (flat,)


async def test_another_workspace_sees_none_of_it(gate: Gate, owner: Actor, neighbour: Actor) -> None:
    house = await a_property(gate, owner)
    assert await ask(gate, neighbour, spaces.listed, spaces.ListSpaces()) == ()
    with pytest.raises(NotFound):
        await ask(gate, neighbour, spaces.change, spaces.ChangeSpace(house.space_id, name="Ours"))


async def test_a_key_for_one_property_reaches_no_other(gate: Gate, owner: Actor) -> None:
    mine, other = await a_property(gate, owner, "Mine"), await a_property(gate, owner, "Other")
    async with gate.reading(owner.workspace_id) as tx:
        id = await tx.db.fetchval("select id from spaces where public_id = $1", mine.space_id)
    confined = replace(owner, property_ids=frozenset({id}))
    assert await ask(gate, confined, spaces.listed, spaces.ListSpaces()) == (mine,)
    flat = await ask(gate, confined, spaces.create, spaces.CreateSpace("Flat", mine.space_id))
    assert flat.property_id == mine.space_id
    with pytest.raises(NotAllowed):
        await ask(gate, confined, spaces.get, spaces.GetSpace(other.space_id))
    with pytest.raises(NotAllowed):
        await a_property(gate, confined)
    with pytest.raises(NotAllowed):
        await a_stay(gate, confined, other.space_id, 5, 8)
