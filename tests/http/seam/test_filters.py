"""Lists answer only what was asked for."""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints

from seam.routes.devices import Devices
from tests.http.seam.contract import OFFICIAL
from tests.http.seam.parts import Home
from tests.http.seam.walk import Walk

from lockstep.http.seam.catalogue import device_words

CODE = [{"mode": "code"}]


async def test_codes_are_found_by_what_they_belong_to(home: Home) -> None:
    walk = Walk(home)
    lock = await walk.lock()
    await walk.ask("/access_codes/create", device_id=lock, name="Somebody else")
    grant = (
        await walk.ask(
            "/access_grants/create",
            user_identity={"full_name": "Anna", "user_identity_key": "anna"},
            access_grant_key="stay-1",
            customer_key="host",
            device_ids=[lock],
            requested_access_methods=CODE,
        )
    )["access_grant"]

    async def names(**asked: Any) -> list[str]:
        return [code["name"] for code in (await walk.ask("/access_codes/list", **asked))["access_codes"]]

    assert await names(access_grant_id=grant["access_grant_id"]) == ["Anna"]
    assert await names(access_grant_key="stay-1") == ["Anna"]
    assert await names(access_method_id=grant["access_method_ids"][0]) == ["Anna"]
    assert await names(customer_key="host") == ["Anna"]
    assert await names(user_identifier_key="anna") == ["Anna"]
    assert await names(search="somebody") == ["Somebody else"]
    assert await names(customer_key="nobody") == await names(access_grant_key="stay-2") == []


async def test_devices_are_found_by_whose_they_are_and_what_they_are(home: Home) -> None:
    walk = Walk(home)
    first, second = await walk.lock(0), await walk.lock(1)
    await walk.ask("/spaces/create", name="House", customer_key="host", device_ids=[first])
    person = await walk.ask("/user_identities/create", user_identity_key="anna")
    given = {"user_identity_id": person["user_identity"]["user_identity_id"], "device_id": second}
    await walk.ask("/user_identities/grant_access_to_device", **given)
    await walk.ask("/devices/update", device_id=second, custom_metadata={"floor": "2"})

    async def ids(**asked: Any) -> list[str]:
        return [it["device_id"] for it in (await walk.ask("/devices/list", **asked))["devices"]]

    assert await ids(customer_key="host") == [first]
    assert await ids(user_identifier_key="anna") == [second]
    assert await ids(custom_metadata_has={"floor": "2"}) == [second]
    assert await ids(device_type="nuki_lock") == [first, second]
    assert await ids(device_type="august_lock") == await ids(manufacturer="yale") == []
    assert await ids(exclude_if=["can_unlock_with_code"]) == []
    assert await ids(include_if=["can_unlock_with_code"]) == [first, second]
    assert await ids(device_type="sonos_speaker") == [], "today's SDKs know it, the contract does not yet"
    for wrong in (
        {"include_if": ["can_fly"]},
        {"device_type": "nuki_lok"},
        {"device_types": ["nuki_lock", "nuki"]},
        {"manufacturer": "Nuki"},
    ):
        for path in ("/devices/list", "/devices/unmanaged/list", "/locks/list"):
            unknown = await home.raw(path, wrong)
            error = unknown.json()["error"]
            assert (unknown.status_code, error["type"]) == (400, "invalid_input"), "nothing is that"
            (field,) = wrong
            assert "Invalid enum value. Expected '" in str(error["validation_errors"][field])


def test_what_devices_may_be_is_what_the_contract_and_the_sdk_of_today_say() -> None:
    contract = json.loads(OFFICIAL.read_text())["paths"]["/devices/list"]["post"]["requestBody"]["content"]
    given = contract["application/json"]["schema"]["properties"]
    hints = get_type_hints(Devices.list)
    words = device_words()
    for name, known in (("device_type", words.device_types), ("manufacturer", words.manufacturers)):
        in_contract = {it for one in given[name].get("oneOf", [given[name]]) for it in one["enum"]}
        literal, _ = get_args(hints[name])
        assert set(known) == in_contract | set(get_args(literal))
