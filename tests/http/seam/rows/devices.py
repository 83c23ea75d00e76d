"""Rows of /devices and /locks that are about any device."""

from __future__ import annotations

from tests.http.seam.rows.access_codes import NO_LOCK, of_lock
from tests.http.seam.walk import Body, Row, Walk, nothing


async def renamed(walk: Walk) -> Body:
    return {
        "device_id": await walk.lock(),
        "name": "Front door",
        "custom_metadata": {"floor": "2", "old": True},
    }


async def told(walk: Walk) -> Body:
    return {"devices": [{"device_id": await walk.lock()}]}


async def of_auto_lock(walk: Walk) -> Body:
    return {"device_id": await walk.lock(), "auto_lock_enabled": True, "auto_lock_delay_seconds": 30}


ROWS = {
    "/devices/get": Row(of_lock, bad=({"device_id": None},), missing=NO_LOCK),
    "/devices/list": Row(nothing, bad=({"limit": "many"}, {"device_ids": "one"})),
    "/devices/update": Row(renamed, bad=({"name": 7}, {"custom_metadata": "none"}), missing=NO_LOCK),
    "/devices/list_device_providers": Row(nothing),
    "/devices/report_provider_metadata": Row(told, bad=({"devices": {}},)),
    "/locks/get": Row(of_lock, bad=({"device_id": None},), missing=NO_LOCK),
    "/locks/list": Row(nothing, bad=({"limit": "many"},)),
    "/locks/unlock_door": Row(of_lock, bad=({"device_id": None},), missing=NO_LOCK),
    "/locks/lock_door": Row(of_lock, bad=({"device_id": None}, {"sync": "yes"}), missing=NO_LOCK),
    "/locks/configure_auto_lock": Row(
        of_auto_lock,
        bad=(
            {"auto_lock_enabled": None},
            {"auto_lock_delay_seconds": 0},
            {"auto_lock_delay_seconds": 61},
            {"auto_lock_delay_seconds": "soon"},
        ),
        missing=NO_LOCK,
    ),
}
