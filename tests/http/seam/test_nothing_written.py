"""What is refused at Seam's door changes nothing that the database holds, and says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.everything import everything
from tests.http.api.parts import bearer
from tests.http.seam.parts import Home, key_of, set_paced
from tests.http.seam.walk import Walk

from lockstep.model.permissions import Scope, system
from lockstep.operations import api_keys, workspaces

NOBODY = "00000000-0000-4000-8000-000000000000"
PAST = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-01-02T00:00:00Z"}
LATER, LATEST = "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z"

BAD_CODES: tuple[tuple[dict[str, Any], int, str, str], ...] = (
    ({"code": "12"}, 400, "invalid_input", "at least 4"),
    ({"code": "abcd"}, 400, "invalid_input", "Invalid"),
    ({"code": 472931}, 400, "invalid_input", "received number"),
    ({"code": "1234567890123"}, 400, "invalid_input", "at most 12"),
    # Nuki's: six digits, no zero, not beginning with 12.
    ({"code": "47293"}, 400, "invalid_input", "6 digits"),
    ({"code": "470931"}, 400, "invalid_input", "0"),
    ({"code": "127931"}, 400, "invalid_input", "12"),
    ({"code": "472931"}, 409, "duplicate_access_code", "in use"),
    ({"starts_at": LATEST, "ends_at": LATER}, 400, "invalid_input", "end must lie after its start"),
    ({"starts_at": LATER, "ends_at": LATER}, 400, "invalid_input", "end must lie after its start"),
    (PAST, 400, "invalid_input", "ended already"),
    ({"starts_at": LATER}, 400, "invalid_input", "both a start and an end"),
    ({"ends_at": LATER}, 400, "invalid_input", "both a start and an end"),
    ({"starts_at": "tomorrow", "ends_at": LATER}, 400, "invalid_input", "Invalid datetime"),
    ({"device_id": NOBODY}, 404, "device_not_found", NOBODY),
    ({"device_id": "not even a number"}, 404, "device_not_found", "not even a number"),
    ({"is_one_time_use": True}, 400, "invalid_input", "one-time"),
)
BAD_CHANGES: tuple[tuple[dict[str, Any], int, str, str], ...] = (
    ({"code": "12"}, 400, "invalid_input", "at least 4"),
    ({"code": "470931"}, 400, "invalid_input", "0"),
    ({"ends_at": PAST["ends_at"]}, 400, "invalid_input", "end must lie after its start"),
    (PAST, 400, "invalid_input", "ended already"),
    ({"starts_at": LATER}, 400, "invalid_input", "both a start and an end"),
    ({"type": "time_bound"}, 400, "invalid_input", "both a start and an end"),
    ({"type": "ongoing", "ends_at": LATER}, 400, "invalid_input", "neither `starts_at`"),
    ({"type": "for ever"}, 400, "invalid_input", "Expected 'ongoing' | 'time_bound'"),
    ({"device_id": NOBODY}, 404, "access_code_not_found", ""),
    ({"access_code_id": NOBODY}, 404, "access_code_not_found", NOBODY),
)


async def refused(
    home: Home, path: str, body: Mapping[str, Any], status: int, type: str, why: str = "", **headers: str
) -> None:
    answer = await home.http.post(path, json=dict(body), headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (status, type), f"{path} {body}: {answer.text}"
    assert why in error["message"], f"{path} {body}: {error['message']}"


async def test_a_bad_code_a_bad_change_and_an_unknown_id_leave_everything_as_it_was(
    home: Home, database_url: str
) -> None:
    lock, other = await home.lock(0), await home.lock(1)
    made = await Walk(home).code(code="472931", name="Anna")
    ours = {"access_code_id": made["access_code_id"]}
    await home.settle()
    await set_paced(home.house, is_paced=True)
    before = await everything(database_url)

    for bad, status, type, why in BAD_CODES:
        await refused(home, "/access_codes/create", {"device_id": lock, **bad}, status, type, why)
        if "device_id" not in bad and "is_one_time_use" not in bad:
            several = {"device_ids": [other, lock], **bad}
            await refused(home, "/access_codes/create_multiple", several, status, type, why)
    for bad, status, type, why in BAD_CHANGES:
        await refused(home, "/access_codes/update", ours | bad, status, type, why)
    mine_elsewhere = ours | {"device_id": other}
    for path in ("/access_codes/delete", "/access_codes/update", "/access_codes/get"):
        await refused(home, path, mine_elsewhere, 404, "access_code_not_found")
    for path in ("/locks/unlock_door", "/locks/lock_door", "/access_codes/generate_code"):
        await refused(home, path, {"device_id": NOBODY}, 404, "device_not_found", NOBODY)

    assert await everything(database_url) == before


async def test_ids_of_another_workspace_and_keys_that_are_none_or_may_not_leave_everything_as_it_was(
    home: Home, database_url: str
) -> None:
    house, lock = home.house, await home.lock()
    made = await Walk(home).code(code="472931")
    await home.settle()
    reader = await key_of(house, {Scope.DEVICES_READ, Scope.GRANTS_READ, Scope.CODES_READ})
    revoked = await key_of(house)
    stranger = system(await workspaces.create(house.gate, "Hill flats"), "test")
    async with house.gate.transaction(stranger.workspace_id) as tx:
        foreign = (await api_keys.create(tx, stranger, api_keys.CreateApiKey("Other", sorted(Scope)))).secret
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        key = next(
            it for it in await api_keys.listed(tx, house.actor, None, 10) if revoked.startswith(it.shown)
        )
        await api_keys.revoke(tx, house.actor, key.api_key_id)
    before = await everything(database_url)

    of_code, of_lock = {"access_code_id": made["access_code_id"]}, {"device_id": lock}
    asked: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("/access_codes/create", of_lock, "device_not_found"),
        ("/access_codes/create_multiple", {"device_ids": [lock]}, "device_not_found"),
        ("/access_codes/update", of_code | {"name": "Mine"}, "access_code_not_found"),
        ("/access_codes/delete", of_code, "access_code_not_found"),
        ("/locks/unlock_door", of_lock, "device_not_found"),
        ("/devices/update", of_lock | {"name": "Mine"}, "device_not_found"),
    )
    for path, body, type in asked:
        await refused(home, path, body, 404, type, **bearer(foreign))
        await refused(home, path, body, 401, "unauthorized", **bearer(revoked))
        await refused(home, path, body, 401, "unauthorized", **bearer("seam_lockstep_nobody"))
        await refused(home, path, body, 403, "forbidden", **bearer(reader))

    assert await everything(database_url) == before
