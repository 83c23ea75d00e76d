"""Rows of /access_codes, but for unmanaged ones."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk

from lockstep.workers.sweeps.backup_pools import fill_all

STAY = {"starts_at": "2026-06-10T14:00:00.000Z", "ends_at": "2026-06-12T10:00:00.000Z"}


async def of_lock(walk: Walk) -> Body:
    return {"device_id": await walk.lock()}


async def a_stay(walk: Walk) -> Body:
    return {"device_id": await walk.lock(), "name": f"Guest {walk.number()}", **STAY}


async def both_locks(walk: Walk) -> Body:
    return {"device_ids": [await walk.lock(0), await walk.lock(1)], "name": f"Staff {walk.number()}"}


async def constraints(walk: Walk) -> Body:
    return {"device_id": await walk.lock(), "supported_code_lengths": [6]}


async def a_code(walk: Walk) -> Body:
    return {"access_code_id": (await walk.code())["access_code_id"]}


async def renamed(walk: Walk) -> Body:
    return {**await a_code(walk), "name": "Another name"}


async def together(walk: Walk) -> Body:
    made = await walk.ask("/access_codes/create_multiple", **await both_locks(walk))
    return {"common_code_key": made["access_codes"][0]["common_code_key"], "name": "Cleaners"}


async def with_backups(walk: Walk) -> Body:
    """A code of a lock on which backup codes stand."""
    made = await walk.code(**STAY, use_backup_access_code_pool=True)
    await fill_all(walk.home.house.gate)
    await walk.home.settle()
    return {"access_code_id": made["access_code_id"]}


NO_CODE = ("access_code_id", "access_code_not_found")
NO_LOCK = ("device_id", "device_not_found")
ROWS = {
    "/access_codes/create": Row(
        a_stay,
        bad=(
            {"code": "12"},
            {"code": "abcd"},
            {"code": 123456},
            {"starts_at": "yesterday"},
            {"ends_at": "2026-06-10T13:00:00.000Z"},
            {"ends_at": None},
            {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-01-02T00:00:00Z"},
            {"is_one_time_use": True},
            {"device_id": None},
        ),
        missing=NO_LOCK,
    ),
    "/access_codes/create_multiple": Row(both_locks, bad=({"device_ids": "all"}, {"device_ids": []})),
    "/access_codes/update": Row(
        renamed, bad=({"code": "1"}, {"name": 7}, {"type": "weekly"}), missing=NO_CODE
    ),
    "/access_codes/update_multiple": Row(
        together, bad=({"name": []},), missing=("common_code_key", "access_code_not_found")
    ),
    "/access_codes/get": Row(a_code, bad=({"access_code_id": None},), missing=NO_CODE),
    "/access_codes/list": Row(of_lock, bad=({"limit": "many"},), missing=NO_LOCK),
    "/access_codes/pull_backup_access_code": Row(
        with_backups, bad=({"access_code_id": None},), missing=NO_CODE
    ),
    "/access_codes/delete": Row(a_code, bad=({"access_code_id": 7},), missing=NO_CODE),
    "/access_codes/report_device_constraints": Row(
        constraints,
        bad=({"supported_code_lengths": [12]}, {"min_code_length": 5}, {"supported_code_lengths": []}),
        missing=NO_LOCK,
    ),
    "/access_codes/generate_code": Row(of_lock, bad=({"device_id": []},), missing=NO_LOCK),
}
