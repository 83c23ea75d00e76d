"""Rows of /spaces."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk

NO_SPACE = ("space_id", "space_not_found")


async def a_new_one(walk: Walk) -> Body:
    hours = {"time_zone": "Europe/Lisbon", "default_checkin_time": "16:00", "default_checkout_time": "10:30"}
    return {
        "name": f"House {walk.number()}",
        "space_key": f"house-{walk.number()}",
        "customer_key": "host-1",
        "device_ids": [await walk.lock()],
        "customer_data": {"address": "Rua da Praia 7", **hours},
    }


async def a_space(walk: Walk) -> Body:
    return {"space_id": (await walk.ask("/spaces/create", **await a_new_one(walk)))["space"]["space_id"]}


async def an_empty_space(walk: Walk) -> Body:
    made = await walk.ask("/spaces/create", name=f"House {walk.number()}")
    return {"space_id": made["space"]["space_id"]}


async def renamed(walk: Walk) -> Body:
    return {**await a_space(walk), "name": "Beach house", "device_ids": []}


async def of_customer(walk: Walk) -> Body:
    await a_space(walk)
    return {"customer_key": "host-1", "limit": 2}


async def with_lock(walk: Walk) -> Body:
    return {**await a_space(walk), "device_ids": [await walk.lock(1)]}


async def with_entrance(walk: Walk) -> Body:
    return {**await a_space(walk), "acs_entrance_ids": []}


async def with_account(walk: Walk) -> Body:
    found = (await walk.ask("/devices/list"))["devices"]
    return {**await a_space(walk), "connected_account_id": found[0]["connected_account_id"]}


async def several(walk: Walk) -> Body:
    return {"space_ids": [(await a_space(walk))["space_id"]]}


NO_DEVICES = ({"device_ids": "all"}, {"device_ids": None})
ROWS = {
    "/spaces/create": Row(
        a_new_one,
        bad=({"name": None}, {"device_ids": "all"}, {"customer_data": {"time_zone": "Moon/Sea"}}),
    ),
    "/spaces/get": Row(a_space, bad=({"space_id": None},), missing=NO_SPACE),
    "/spaces/update": Row(renamed, bad=({"name": 7}, {"space_id": None}), missing=NO_SPACE),
    "/spaces/list": Row(of_customer, bad=({"limit": "all"},)),
    "/spaces/delete": Row(an_empty_space, bad=({"space_id": None},), missing=NO_SPACE),
    "/spaces/add_devices": Row(with_lock, bad=NO_DEVICES, missing=NO_SPACE),
    "/spaces/remove_devices": Row(with_lock, bad=NO_DEVICES, missing=NO_SPACE),
    "/spaces/add_acs_entrances": Row(with_entrance, missing=NO_SPACE),
    "/spaces/remove_acs_entrances": Row(with_entrance, missing=NO_SPACE),
    "/spaces/add_connected_account": Row(
        with_account, missing=("connected_account_id", "connected_account_not_found")
    ),
    "/spaces/remove_connected_account": Row(with_account, missing=NO_SPACE),
    "/spaces/get_related": Row(several, bad=({"space_ids": None},)),
}
