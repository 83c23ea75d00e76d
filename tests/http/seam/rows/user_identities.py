"""Rows of /user_identities."""

from __future__ import annotations

from tests.http.seam.rows.acs import an_entrance
from tests.http.seam.walk import Body, Row, Walk


async def somebody(walk: Walk) -> Body:
    number = walk.number()
    return {
        "user_identity_key": f"person {number}",
        "full_name": "Anna Smith",
        "email_address": f"anna{number}@example.com",
        "phone_number": f"+351912345{number:03}",
    }


async def known(walk: Walk) -> Body:
    made = await walk.ask("/user_identities/create", **await somebody(walk))
    return {"user_identity_id": made["user_identity"]["user_identity_id"]}


async def renamed(walk: Walk) -> Body:
    return {**await known(walk), "full_name": "Anna Jones", "phone_number": None}


async def filtered(walk: Walk) -> Body:
    return {"user_identity_ids": [(await known(walk))["user_identity_id"]], "search": "anna", "limit": 2}


async def two(walk: Walk) -> Body:
    return {**await known(walk), "merged_user_identity_ids": [(await known(walk))["user_identity_id"]]}


async def with_lock(walk: Walk) -> Body:
    return {**await known(walk), "device_id": await walk.lock()}


async def at_an_entrance(walk: Walk) -> Body:
    """Somebody who was given one."""
    entrance = (await an_entrance(walk))["acs_entrance_id"]
    anna = await known(walk)
    await walk.ask("/user_identities/grant_access_to_device", **anna, device_id=entrance)
    found = await walk.ask("/user_identities/list_accessible_entrances", **anna)
    assert [it["acs_entrance_id"] for it in found["acs_entrances"]] == [entrance]
    return anna


async def seen(walk: Walk) -> Body:
    """Somebody whom an access system knows."""
    name = f"Ben {walk.number()}"
    await walk.home.knows({"id": name, "name": name, "email": "ben@example.com"})
    listed = (await walk.ask("/user_identities/unmanaged/list"))["user_identities"]
    assert listed[-1]["full_name"] == name
    return {"user_identity_id": listed[-1]["user_identity_id"]}


async def taken_in(walk: Walk) -> Body:
    return {**await seen(walk), "is_managed": True, "user_identity_key": f"person {walk.number()}"}


async def any_page(walk: Walk) -> Body:
    return {"limit": 5}


NOBODY = ("user_identity_id", "user_identity_not_found")
ROWS = {
    "/user_identities/create": Row(
        somebody, bad=({"email_address": "anna"}, {"phone_number": "12"}, {"full_name": ""})
    ),
    "/user_identities/update": Row(
        renamed, bad=({"email_address": "anna"}, {"full_name": 7}), missing=NOBODY
    ),
    "/user_identities/get": Row(known, bad=({"user_identity_id": None},), missing=NOBODY),
    "/user_identities/list": Row(filtered, bad=({"limit": "many"}, {"user_identity_ids": "all"})),
    "/user_identities/delete": Row(known, bad=({"user_identity_id": None},), missing=NOBODY),
    "/user_identities/merge": Row(
        two, bad=({"merged_user_identity_ids": []}, {"user_identity_id": None}), missing=NOBODY
    ),
    "/user_identities/grant_access_to_device": Row(with_lock, bad=({"device_id": None},), missing=NOBODY),
    "/user_identities/revoke_access_to_device": Row(with_lock, bad=({"device_id": None},), missing=NOBODY),
    "/user_identities/list_accessible_devices": Row(known, bad=({"user_identity_id": 7},), missing=NOBODY),
    "/user_identities/list_accessible_entrances": Row(
        at_an_entrance, bad=({"user_identity_id": 7},), missing=NOBODY
    ),
    "/user_identities/unmanaged/get": Row(seen, bad=({"user_identity_id": None},), missing=NOBODY),
    "/user_identities/unmanaged/list": Row(any_page, bad=({"limit": "many"},)),
    "/user_identities/unmanaged/update": Row(taken_in, bad=({"is_managed": False},), missing=NOBODY),
}
