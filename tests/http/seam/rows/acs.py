"""Rows of /acs, and of unmanaged access grants and methods: an access system stands beside the locks."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk, nothing


async def a_system(walk: Walk) -> Body:
    return {"acs_system_id": (await walk.ask("/acs/systems/list"))["acs_systems"][0]["acs_system_id"]}


async def an_entrance(walk: Walk) -> Body:
    await walk.home.has_access_system()
    return {"acs_entrance_id": (await walk.ask("/acs/entrances/list"))["acs_entrances"][0]["acs_entrance_id"]}


async def with_system(walk: Walk) -> Body:
    await walk.home.has_access_system()
    return await a_system(walk)


async def at_the_door(walk: Walk) -> Body:
    entrance = await an_entrance(walk)
    grant = await walk.ask(
        "/access_grants/create",
        user_identity={"full_name": f"Guest {walk.number()}"},
        acs_entrance_ids=[entrance["acs_entrance_id"]],
        requested_access_methods=[{"mode": "code"}],
    )
    return {**entrance, "acs_credential_id": grant["access_grant"]["access_method_ids"][0]}


async def a_grant(walk: Walk) -> Body:
    await walk.home.has_access_system(stranger=f"27{walk.number():04}")
    found = (await walk.ask("/access_grants/unmanaged/list"))["access_grants"]
    return {"access_grant_id": found[-1]["access_grant_id"]}


async def taken_over(walk: Walk) -> Body:
    return {**await a_grant(walk), "is_managed": True}


async def a_method(walk: Walk) -> Body:
    return {"access_method_id": (await a_grant(walk))["access_grant_id"]}


async def entrances(walk: Walk) -> Body:
    return {**await with_system(walk), "limit": 5}


NO_GRANT = ("access_grant_id", "access_grant_not_found")
ROWS = {
    "/acs/systems/get": Row(with_system, missing=("acs_system_id", "acs_system_not_found")),
    "/acs/systems/list": Row(nothing),
    "/acs/entrances/get": Row(an_entrance, missing=("acs_entrance_id", "acs_entrance_not_found")),
    "/acs/entrances/list": Row(entrances, bad=({"limit": "all"},)),
    "/acs/entrances/unlock": Row(at_the_door, missing=("acs_entrance_id", "acs_entrance_not_found")),
    "/access_grants/unmanaged/get": Row(a_grant, missing=NO_GRANT),
    "/access_grants/unmanaged/list": Row(nothing, bad=({"limit": "all"},)),
    "/access_grants/unmanaged/update": Row(taken_over, bad=({"is_managed": None},), missing=NO_GRANT),
    "/access_methods/unmanaged/get": Row(a_method, missing=("access_method_id", "access_method_not_found")),
    "/access_methods/unmanaged/list": Row(a_grant, missing=NO_GRANT),
}
