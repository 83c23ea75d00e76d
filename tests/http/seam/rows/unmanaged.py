"""Rows of codes and devices that Lockstep does not look after."""

from __future__ import annotations

from tests.http.seam.rows.access_codes import NO_CODE, NO_LOCK, of_lock
from tests.http.seam.walk import Body, Row, Walk, nothing


async def a_strangers(walk: Walk) -> Body:
    """Somebody puts a code on the first lock, in the vendor's app."""
    world, lock = walk.home.world, await walk.lock()
    number = walk.number()
    # Nuki takes no zeros.
    digits = "73" + "".join(str(1 + number // 9**place % 9) for place in range(4))
    world.put_code_in_app(world.lock_ids()[0], None, {"name": "Gardener", "code": digits})
    await walk.home.look(lock)
    found = await walk.ask("/access_codes/unmanaged/get", device_id=lock, code=digits)
    return {"access_code_id": found["access_code"]["access_code_id"]}


async def managed(walk: Walk) -> Body:
    return {**await a_strangers(walk), "is_managed": True}


async def a_device(walk: Walk) -> Body:
    """The second lock, let go."""
    found = (await walk.ask("/devices/unmanaged/list"))["devices"]
    if not found:
        device_id = await walk.lock(1)
        await walk.ask("/devices/update", device_id=device_id, is_managed=False)
        return {"device_id": device_id}
    return {"device_id": found[0]["device_id"]}


async def managed_again(walk: Walk) -> Body:
    return {**await a_device(walk), "is_managed": True, "custom_metadata": {"floor": "1"}}


ROWS = {
    "/access_codes/unmanaged/get": Row(a_strangers, bad=({"access_code_id": None},), missing=NO_CODE),
    "/access_codes/unmanaged/list": Row(
        of_lock, bad=({"limit": "many"}, {"device_id": None}), missing=NO_LOCK
    ),
    "/access_codes/unmanaged/convert_to_managed": Row(
        a_strangers, bad=({"access_code_id": None}, {"force": "yes"}), missing=NO_CODE
    ),
    "/access_codes/unmanaged/update": Row(managed, bad=({"is_managed": None},), missing=NO_CODE),
    "/access_codes/unmanaged/delete": Row(a_strangers, bad=({"access_code_id": None},), missing=NO_CODE),
    "/devices/unmanaged/get": Row(a_device, bad=({"device_id": None},), missing=NO_LOCK),
    "/devices/unmanaged/list": Row(nothing, bad=({"limit": "many"},)),
    "/devices/unmanaged/update": Row(managed_again, bad=({"is_managed": False},), missing=NO_LOCK),
}
