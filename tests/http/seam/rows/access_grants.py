"""Rows of /access_grants and /access_methods."""

from __future__ import annotations

from typing import Any

from tests.http.seam.rows.access_codes import STAY
from tests.http.seam.walk import Body, Row, Walk

CODE = [{"mode": "code"}]
NO_GRANT = ("access_grant_id", "access_grant_not_found")
NO_METHOD = ("access_method_id", "access_method_not_found")


async def a_new_one(walk: Walk) -> Body:
    number = walk.number()
    return {
        "user_identity": {"full_name": f"Guest {number}", "email_address": f"guest{number}@example.com"},
        "access_grant_key": f"grant-{number}",
        "reservation_key": f"reservation-{number}",
        "device_ids": [await walk.lock(0), await walk.lock(1)],
        "requested_access_methods": CODE,
        **STAY,
    }


async def made(walk: Walk) -> Any:
    return (await walk.ask("/access_grants/create", **await a_new_one(walk)))["access_grant"]


async def a_grant(walk: Walk) -> Body:
    return {"access_grant_id": (await made(walk))["access_grant_id"]}


async def moved(walk: Walk) -> Body:
    return {**await a_grant(walk), "ends_at": "2026-06-13T10:00:00.000Z"}


async def more(walk: Walk) -> Body:
    return {**await a_grant(walk), "requested_access_methods": CODE}


async def several(walk: Walk) -> Body:
    return {"access_grant_ids": [(await made(walk))["access_grant_id"]]}


async def of_reservation(walk: Walk) -> Body:
    return {"reservation_key": (await made(walk))["reservation_key"]}


async def a_method(walk: Walk) -> Body:
    return {"access_method_id": (await made(walk))["access_method_ids"][0]}


async def methods(walk: Walk) -> Body:
    return {"access_method_ids": (await made(walk))["access_method_ids"]}


async def at_a_door(walk: Walk) -> Body:
    """Of a grant that is open: others open no door yet."""
    now = walk.home.house.clock.now().isoformat()
    grant = await walk.ask("/access_grants/create", **{**await a_new_one(walk), "starts_at": now})
    method_id = grant["access_grant"]["access_method_ids"][0]
    return {"access_method_id": method_id, "acs_entrance_id": await walk.lock()}


ROWS = {
    "/access_grants/create": Row(
        a_new_one,
        bad=(
            {"user_identity": None},
            {"requested_access_methods": []},
            {"requested_access_methods": [{"mode": "card"}]},
            {"ends_at": "2026-06-01T00:00:00.000Z"},
            {"device_ids": []},
        ),
    ),
    "/access_grants/get": Row(a_grant, bad=({"access_grant_id": None},), missing=NO_GRANT),
    "/access_grants/update": Row(moved, bad=({"ends_at": "soon"},), missing=NO_GRANT),
    "/access_grants/delete": Row(a_grant, bad=({"access_grant_id": None},), missing=NO_GRANT),
    "/access_grants/list": Row(of_reservation, bad=({"limit": "all"},)),
    "/access_grants/request_access_methods": Row(
        more, bad=({"requested_access_methods": [{"mode": "key"}]},), missing=NO_GRANT
    ),
    "/access_grants/get_related": Row(several, bad=({"access_grant_ids": None},)),
    "/access_methods/get": Row(a_method, bad=({"access_method_id": None},), missing=NO_METHOD),
    "/access_methods/list": Row(a_grant, bad=({"limit": "all"},)),
    "/access_methods/delete": Row(a_method, bad=({"access_method_id": None},), missing=NO_METHOD),
    "/access_methods/unlock_door": Row(at_a_door, bad=({"acs_entrance_id": None},), missing=NO_METHOD),
    "/access_methods/get_related": Row(methods, bad=({"access_method_ids": None},)),
}
