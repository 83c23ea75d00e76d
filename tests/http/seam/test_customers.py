"""What a booking system pushes of a customer becomes places, people and stays, with codes on the locks."""

from __future__ import annotations

from typing import Any

from tests.http.seam.parts import Home

from lockstep.operations import guests
from lockstep.operations.guests import ListGuests

PLACES: dict[str, Any] = {
    "sites": [{"site_key": "park", "name": "Park"}],
    "rooms": [
        {"room_key": "101", "name": "Room 101", "parent_site_key": "park"},
        {"room_key": "102", "name": "Room 102", "parent_site_key": "park"},
    ],
}
ANNA = {"guest_key": "anna", "name": "Anna Smith", "email_address": "anna@example.com"}
BEA = {"guest_key": "bea", "name": "Bea Berg", "email_address": "anna@example.com"}
STAY = {"starts_at": "2026-06-02T14:00:00.000Z", "ends_at": "2026-06-04T10:00:00.000Z"}


async def test_a_pushed_reservation_puts_a_code_on_the_room_and_follows_what_is_pushed_later(
    home: Home,
) -> None:
    push, codes = home.seam.customers.push_data, home.seam.access_codes
    await home.ask(push, customer_key="host", guests=[ANNA, BEA], **PLACES)
    room = await home.ask(home.seam.spaces.get, space_key="101")
    lock = await home.lock()
    await home.ask(home.seam.spaces.add_devices, space_id=room.space_id, device_ids=[lock])
    stay: dict[str, Any] = {
        "reservation_key": "R-1",
        "room_keys": ["101"],
        "guest_key": "anna",
        "preferred_code": "472931",
    }

    await home.ask(push, customer_key="host", reservations=[stay | STAY])
    await home.settle()
    (code,) = await home.ask(codes.list, device_id=lock)
    assert (code.code, code.ends_at, code.is_scheduled_on_device) == ("472931", STAY["ends_at"], True)
    (grant,) = await home.ask(home.seam.access_grants.list, reservation_key="R-1")
    async with home.house.gate.reading(home.house.actor.workspace_id) as tx:
        people = await guests.listed(tx, home.house.actor, ListGuests())
    assert {it.name for it in people} == {ANNA["name"], BEA["name"]}, (
        "one address, and two guests all the same"
    )

    later = {"starts_at": STAY["starts_at"], "ends_at": "2026-06-05T10:00:00.000Z"}
    await home.ask(push, customer_key="host", reservations=[stay | later])
    (moved,) = await home.ask(codes.list, device_id=lock)
    assert (moved.access_code_id, moved.code, moved.ends_at) == (
        code.access_code_id,
        "472931",
        later["ends_at"],
    )
    assert (
        await home.ask(home.seam.access_grants.get, access_grant_id=grant.access_grant_id)
    ).ends_at == later["ends_at"]

    await home.ask(home.seam.customers.delete_data, customer_keys=["host"])
    await home.settle()
    assert await home.ask(codes.list, device_id=lock) == []
    assert (await home.raw("/spaces/get", {"space_key": "101"})).status_code == 404


async def test_a_key_of_another_customer_is_refused_and_nothing_of_the_push_is_kept(home: Home) -> None:
    await home.ask(home.seam.customers.push_data, customer_key="host", **PLACES)
    places = [{"room_key": "103", "name": "Room 103"}, {"room_key": "101", "name": "Mine"}]
    refused = await home.raw("/customers/push_data", {"customer_key": "other", "rooms": places})
    assert (refused.status_code, refused.json()["error"]["type"]) == (409, "key_of_another_customer")
    assert (await home.raw("/spaces/get", {"space_key": "103"})).status_code == 404
