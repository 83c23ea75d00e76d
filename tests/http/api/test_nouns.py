"""The nouns of the API as a host meets them: connected, described, booked, proven on the lock, and taken away again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.http.api.furnished import GRANT, TOKEN, Home, at_home, furnish, june, read
from tests.http.api.parts import bearer

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import DEFAULT_SCOPES, Scope
from lockstep.workers.sweeps.backup_pools import fill_all


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    async with at_home(database_url, clock) as home:
        yield home


async def flat(home: Home, *doors: str) -> str:
    """A property with these devices in it."""
    body = {"name": "Sea house", "time_zone": "Europe/Lisbon", "device_ids": list(doors)}
    return str((await home.post("/v1/spaces", body))["space_id"])


async def codes(home: Home, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await home.get("/v1/access_codes", **params))["items"]
    return found


async def test_a_backup_code_is_pulled_in_place_of_a_code_and_its_device_tells_of_the_pool(
    home: Home,
) -> None:
    door = (await home.connect())["Door 1"]
    body = {**GRANT, "device_ids": [door], "ends_at": "2026-06-05T10:00:00Z", "uses_backup_pool": True}
    grant = await home.post("/v1/access_grants", body)
    (code,) = await codes(home, access_grant_id=grant["access_grant_id"])
    await fill_all(home.house.gate)
    await home.house.advance(home.house.clock.now() + timedelta(minutes=3))
    pool = (await home.get(f"/v1/devices/{door}"))["backup_pool"]
    assert (pool["size"], pool["ready"], pool["problems"]) == (3, 3, [])
    pulled = await home.post(f"/v1/access_codes/{code['access_code_id']}/pull_backup")
    backup = pulled["backup_access_code"]
    assert (backup["is_backup"], backup["access_grant_id"]) == (True, grant["access_grant_id"])
    assert pulled["access_code"]["pulled_backup_code_id"] == backup["access_code_id"]
    assert pulled["access_code"]["withdrawn_at"] is not None
    assert backup["declared"]["window"]["ends_at"] == body["ends_at"]
    again = await home.post(f"/v1/access_codes/{code['access_code_id']}/pull_backup")
    assert again["backup_access_code"]["access_code_id"] == backup["access_code_id"]


async def test_a_booking_becomes_a_code_whose_standing_can_be_followed_to_the_door_and_away(
    home: Home,
) -> None:
    doors = await home.connect()
    place = await flat(home, doors["Door 1"], doors["Door 2"])
    stay = {"space_id": place, "arrives": "2026-06-01", "departs": "2026-06-02", "guest": {"name": "Anna"}}
    booking = await home.post("/v1/bookings", stay)
    (grant,) = (await home.get("/v1/access_grants", booking_id=booking["booking_id"]))["items"]
    assert (grant["starts_at"], grant["ends_at"]) == ("2026-06-01T14:00:00Z", "2026-06-02T10:00:00Z")
    digits = grant["access_method"]["code"]
    new = await codes(home, access_grant_id=grant["access_grant_id"])
    assert {c["device_id"] for c in new} == {doors["Door 1"], doors["Door 2"]}
    assert {(c["status"], c["standing"], c["believed"]["evidence"]) for c in new} == {
        ("setting", "unconfirmed", "none")
    }
    assert {tuple(c["believed"]["states"]) for c in new} == {("absent",)}

    await home.house.advance(june(1, 1))
    (one,) = await codes(home, device_id=doors["Door 1"])
    assert (one["status"], one["standing"], one["failure"]) == ("set", "proven", None)
    assert one["believed"]["states"] == ["as_declared"]
    assert one["believed"]["evidence"] == "acknowledged"
    assert one["believed"]["proven_at"] <= one["next_look_at"]
    assert one["last_attempt"]["outcome"] == "done"
    assert one["code"] == digits
    assert one["declared"]["window"] == {"starts_at": grant["starts_at"], "ends_at": grant["ends_at"]}

    longer = await home.client.patch(f"/v1/bookings/{booking['booking_id']}", json={"departs": "2026-06-03"})
    assert read(longer)["ends_at"] == "2026-06-03T10:00:00Z"
    assert (await home.get(f"/v1/access_codes/{one['access_code_id']}"))["believed"]["states"] == ["earlier"]
    await home.house.advance(june(2, 12))
    opened = [home.world.enter(lock, digits).opened for lock in home.world.lock_ids()]
    assert opened == [True, True, False]
    assert (await home.get(f"/v1/access_codes/{one['access_code_id']}"))["code"] == digits

    await home.post(f"/v1/bookings/{booking['booking_id']}/cancel")
    (gone,) = (await home.get("/v1/access_grants", booking_id=booking["booking_id"]))["items"]
    assert gone["cancelled_at"] is not None
    assert gone["access_method"] is None
    await home.house.advance(june(2, 14))
    assert {(c["status"], c["standing"]) for c in await codes(home)} == {("removed", "gone")}


async def test_digits_are_masked_for_keys_that_may_not_read_them(home: Home) -> None:
    doors = await home.connect()
    grant = await home.post("/v1/access_grants", GRANT | {"device_ids": [doors["Door 1"]]})
    assert grant["access_method"]["code"] == GRANT["code"]
    headers = bearer(await home.key(set(DEFAULT_SCOPES)))
    for path in (
        "/v1/access_grants",
        f"/v1/access_grants/{grant['access_grant_id']}",
        "/v1/access_codes",
        "/v1/arrivals",
    ):
        answer = await home.client.get(path, headers=headers)
        assert answer.status_code == 200
        assert GRANT["code"] not in answer.text
        assert '"code":"******","is_code_masked":true' in answer.text


async def test_names_are_hidden_from_keys_that_may_not_read_guests(home: Home) -> None:
    doors = await home.connect()
    place = await flat(home, doors["Door 1"])
    stay = {
        "space_id": place,
        "arrives": "2026-06-01",
        "departs": "2026-06-05",
        "guest": {"name": "Anna Berg"},
    }
    await home.post("/v1/bookings", stay)
    await home.house.work()
    headers = bearer(await home.key({Scope.GRANTS_READ, Scope.BOOKINGS_READ, Scope.DEVICES_READ}))
    for path in ("/v1/access_grants", "/v1/access_codes", "/v1/arrivals", "/v1/bookings"):
        assert "Anna" not in (await home.client.get(path, headers=headers)).text
        assert "Anna" in (await home.client.get(path)).text


async def test_arrivals_are_told_door_by_door_soonest_first(home: Home) -> None:
    doors = await home.connect()
    place = await flat(home, doors["Door 1"], doors["Door 2"])
    for arrives, departs in (
        ("2026-06-02", "2026-06-03"),
        ("2026-06-01", "2026-06-02"),
        ("2026-06-09", "2026-06-10"),
    ):
        await home.post("/v1/bookings", {"space_id": place, "arrives": arrives, "departs": departs})
    await home.house.work()
    found = (await home.get("/v1/arrivals", hours=48))["items"]
    assert [a["starts_at"][:10] for a in found] == ["2026-06-01", "2026-06-02"]
    assert [[d["device_name"] for d in a["doors"]] for a in found] == [["Door 1", "Door 2"]] * 2


async def test_a_device_tells_its_health_where_it_stands_and_what_is_not_ours_on_it(home: Home) -> None:
    doors = await home.connect()
    place = await flat(home, doors["Door 1"])
    home.world.put_code_in_app(home.world.lock_ids()[0], None, {"name": "Grandma", "code": "734512"})
    await home.house.work()
    device = await home.get(f"/v1/devices/{doors['Door 1']}")
    assert device["space_ids"] == [place]
    assert device["state"]["is_online"] is True
    assert device["abilities"]["code_lengths"] == [6]
    assert device["abilities"]["can_unlock"] is True
    assert device["looked_at"] is not None
    found = (await home.get(f"/v1/devices/{doors['Door 1']}/unmanaged_codes"))["items"]
    assert [c["name"] for c in found] == ["Grandma"]
    listed = (await home.get("/v1/devices", space_id=place))["items"]
    assert [d["device_id"] for d in listed] == [doors["Door 1"]]
    assert (await home.get(f"/v1/spaces/{place}/devices"))["items"] == listed


async def test_unlocking_is_an_attempt_that_tells_what_came_of_it(home: Home) -> None:
    doors = await home.connect()
    attempt = await home.post(f"/v1/devices/{doors['Door 1']}/unlock")
    assert attempt["state"] == "pending"
    await home.house.work()
    after = await home.get(f"/v1/action_attempts/{attempt['action_attempt_id']}")
    assert (after["state"], after["failure"]) == ("success", None)
    await home.post(f"/v1/devices/{doors['Door 2']}/unlock")
    named = await home.get("/v1/action_attempts", action_attempt_id=[attempt["action_attempt_id"], "none"])
    assert named["items"] == [after]
    usual = bearer(await home.key(set(DEFAULT_SCOPES)))
    refused = await home.client.post(f"/v1/devices/{doors['Door 1']}/unlock", headers=usual)
    assert refused.status_code == 403
    assert "devices:unlock" in refused.json()["cause"]


async def test_a_lock_is_locked_from_afar_and_told_to_lock_by_itself(home: Home) -> None:
    home.world.add_lock({"name": "Entrance", "type": 2})
    doors = await home.connect()
    path = f"/v1/devices/{doors['Door 1']}"
    home.world.change_lock(home.world.lock_ids()[0], {"state": {"state": 3}})
    locked = await home.post(f"{path}/lock")
    auto = await home.post(f"{path}/auto_lock", {"is_enabled": True, "delay_seconds": 20})
    await home.house.work()
    await home.house.advance(home.house.clock.now() + timedelta(minutes=1))
    after = [await home.get(f"/v1/action_attempts/{it['action_attempt_id']}") for it in (locked, auto)]
    assert [(it["action"], it["state"], it["evidence"]) for it in after] == [
        ("lock", "success", "accepted"),
        ("configure_auto_lock", "success", "accepted"),
    ]
    device = await home.get(path)
    abilities, state = device["abilities"], device["state"]
    assert (abilities["can_lock"], abilities["can_configure_auto_lock"]) == (True, True)
    assert (state["is_locked"], state["is_door_open"]) == (True, False)
    assert (state["is_auto_lock_enabled"], state["auto_lock_delay_seconds"]) == (True, 20)
    refused = await home.client.post(f"/v1/devices/{doors['Entrance']}/lock")
    assert (refused.status_code, refused.json()["code"]) == (400, "cannot_lock")


async def test_a_booking_that_nothing_opens_for_is_taken_with_a_warning_and_stands_among_the_arrivals(
    home: Home,
) -> None:
    house = await home.post("/v1/spaces", {"name": "Barn", "time_zone": "Europe/Lisbon"})
    booked = await home.post(
        "/v1/bookings", {"space_id": house["space_id"], "arrives": "2026-06-01", "departs": "2026-06-03"}
    )
    assert [warning["code"] for warning in booked["warnings"]] == ["no_lock"]
    (arrival,) = (await home.get("/v1/arrivals"))["items"]
    assert (arrival["booking_id"], arrival["doors"]) == (booked["booking_id"], [])
    (obstacle,) = arrival["obstacles"]
    assert (obstacle["code"], obstacle["device_id"]) == ("no_lock", None)
    assert "Put a lock into the space" in obstacle["next_step"]
    doors = await home.connect()
    await home.post(f"/v1/spaces/{house['space_id']}/devices", {"device_ids": [doors["Door 1"]]})
    (arrival,) = (await home.get("/v1/arrivals"))["items"]
    assert ([d["device_id"] for d in arrival["doors"]], arrival["obstacles"]) == ([doors["Door 1"]], [])
    assert (await home.get(f"/v1/bookings/{booked['booking_id']}"))["warnings"] == []


async def test_an_account_is_disconnected_only_once_it_is_said_what_becomes_of_its_codes(home: Home) -> None:
    doors = await home.connect()
    grant = await home.post("/v1/access_grants", GRANT | {"device_ids": [doors["Door 1"]]})
    await home.house.work()
    (account,) = (await home.get("/v1/connected_accounts"))["items"]
    path = f"/v1/connected_accounts/{account['connected_account_id']}"
    for body in (None, {}, {"codes": None}):
        asked = await home.client.post(f"{path}/disconnect", json=body)
        assert (asked.status_code, asked.json()["code"]) == (400, "codes_undecided")
        assert "remove" in asked.json()["next_step"]
        assert "leave" in asked.json()["next_step"]
    assert (await home.post(f"{path}/disconnect", {"codes": "remove"}))["state"] == "disconnecting"
    await home.house.advance(june(1, 1))
    assert (await home.get(path))["state"] == "disconnected"
    assert not home.world.enter(home.world.lock_ids()[0], GRANT["code"]).opened
    (code,) = await codes(home, access_grant_id=grant["access_grant_id"])
    assert code["status"] == "removed"
    again = await home.client.post(f"{path}/look")
    assert (again.status_code, again.json()["code"]) == (409, "account_disconnected")
    assert "Connect the account again" in again.json()["next_step"]
    refused = await home.client.post("/v1/access_grants", json=GRANT | {"device_ids": [doors["Door 1"]]})
    assert (refused.status_code, refused.json()["code"]) == (403, "account_in_error")
    assert refused.json()["next_step"].startswith(again.json()["next_step"])
    credentials = {"token": TOKEN, "endpoint": "http://nuki.test"}
    back = await home.client.put(f"{path}/credentials", json={"credentials": credentials})
    assert (back.status_code, back.json()["state"]) == (200, "active")
    await home.house.work()
    await home.house.advance(june(1, 2))
    (code,) = await codes(home, access_grant_id=grant["access_grant_id"])
    assert code["status"] == "set"


async def test_connecting_twice_under_one_key_is_done_once_even_when_the_vendor_is_down(home: Home) -> None:
    body = {"vendor": "nuki", "credentials": {"token": TOKEN, "endpoint": "http://nuki.test"}}
    once = {"idempotency-key": "connect-1"}
    first = await home.client.post("/v1/connected_accounts", json=body, headers=once)
    home.world.revoke(TOKEN)
    again = await home.client.post("/v1/connected_accounts", json=body, headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.json()["callback_path"].startswith("/callbacks/")
    assert len((await home.get("/v1/connected_accounts"))["items"]) == 1


async def test_credentials_are_changed_to_others_of_the_same_account(home: Home) -> None:
    await home.connect()
    (account,) = (await home.get("/v1/connected_accounts"))["items"]
    home.world.allow("fresh-token")
    path = f"/v1/connected_accounts/{account['connected_account_id']}/credentials"
    body = {"credentials": {"token": "fresh-token", "endpoint": "http://nuki.test"}}
    assert read(await home.client.put(path, json=body))["state"] == "active"
    home.world.revoke(TOKEN)
    await home.post(f"/v1/connected_accounts/{account['connected_account_id']}/look")
    await home.house.work()
    assert (await home.get("/v1/connected_accounts"))["items"][0]["state"] == "active"


async def test_lists_come_in_pages_that_miss_nothing_and_repeat_nothing(home: Home) -> None:
    await furnish(home, home.client, await home.connect())
    for _ in range(2):
        await home.post("/v1/guests", {"name": "One more"})
    for path in ("/v1/devices", "/v1/spaces", "/v1/access_grants", "/v1/access_codes", "/v1/guests"):
        whole = (await home.get(path, limit=100))["items"]
        assert len(whole) >= 2, path
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await home.get(path, limit=1, **cursor)
            found += page["items"]
            if not page["has_more"]:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert found == whole, path


async def test_a_key_confined_to_a_property_sees_and_changes_that_property_alone(home: Home) -> None:
    sample = await furnish(home, home.client, await home.connect())
    ids = sample.ids
    inside = bearer(await home.key(property_ids=[ids["property_id"]]))
    seen = read(await home.client.get("/v1/access_grants", headers=inside))["items"]
    assert {g["booking_id"] for g in seen} == {None, ids["booking_id"]}
    assert len(read(await home.client.get("/v1/devices", headers=inside))["items"]) == 2
    outside = bearer(await home.key(property_ids=[ids["other_property_id"]]))
    for path in ("access_grants", "access_codes", "bookings", "calendars", "arrivals", "action_attempts"):
        assert read(await home.client.get(f"/v1/{path}", headers=outside))["items"] == [], path
    refused = await home.client.post(
        "/v1/access_grants", json=GRANT | {"code": None, "device_ids": [ids["device_id"]]}, headers=outside
    )
    assert refused.status_code == 403
