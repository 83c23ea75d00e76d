"""What a person's app does with a client session: connects an account of theirs, and looks after what is under it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.http.api.parts import bearer
from tests.http.seam.parts import WORLD, Home

from lockstep.operations import connecting_by_link
from lockstep.workers.sweeps.sequencer import sequence_all

NUKI = {"token": "nuki-token-of-jane", "endpoint": WORLD}


async def test_an_app_connects_an_account_by_its_session_and_sees_and_changes_what_is_its_own(
    home: Home,
) -> None:
    home.world.allow(NUKI["token"])
    (before,) = await home.ask(home.seam.connected_accounts.list)
    await home.ask(home.seam.connected_accounts.delete, connected_account_id=before.connected_account_id)
    await home.has_access_system()
    others = await home.ask(home.seam.connect_webviews.create, accepted_providers=["nuki"])
    (stranger,) = await home.ask(home.seam.devices.list)
    session = await home.ask(home.seam.client_sessions.create, user_identifier_key="jane")

    async def ask(path: str, status: int = 200, **body: Any) -> Any:
        answer = await home.http.post(path, json=body, headers=bearer(session.token))
        assert answer.status_code == status, answer.text
        return answer.json()

    made = (await ask("/connect_webviews/create", accepted_providers=["nuki"]))["connect_webview"]
    webview = {"connect_webview_id": made["connect_webview_id"]}
    link = urlsplit(made["url"]).path.rpartition("/")[2]
    await connecting_by_link.join(home.house.gate, link, "nuki", NUKI)
    await home.settle()
    await sequence_all(home.house.gate)

    assert (await ask("/connect_webviews/get", **webview))["connect_webview"]["status"] == "authorized"
    listed = (await ask("/connect_webviews/list"))["connect_webviews"]
    assert [it["connect_webview_id"] for it in listed] == [made["connect_webview_id"]]
    own = {it["device_id"] for it in (await ask("/devices/list"))["devices"]}
    assert len(own) == 2
    told = (await ask("/events/list", since="2020-01-01T00:00:00Z"))["events"]
    assert "connect_webview.login_succeeded" in {it["event_type"] for it in told}
    assert {it["device_id"] for it in told if "device_id" in it} == own
    device = {"device_id": min(own)}
    await ask("/devices/update", **device, name="Mine")
    assert (await ask("/devices/get", **device))["device"]["nickname"] == "Mine"

    theirs = {"connect_webview_id": others.connect_webview_id}
    await ask("/connect_webviews/get", 404, **theirs)
    await ask("/connect_webviews/delete", 403, **webview)
    await ask("/connect_webviews/create", 403, customer_key="harbour")
    assert (await ask("/events/list", device_id=stranger.device_id))["events"] == []
    await ask("/devices/update", 403, device_id=stranger.device_id, name="Mine")
    await ask("/devices/update", 403, **device, is_managed=False)
    assert (await ask("/user_identities/unmanaged/list"))["user_identities"] == []


async def test_a_customers_app_sees_and_opens_what_is_the_customers_alone(home: Home) -> None:
    first, second = await home.lock(0), await home.lock(1)
    await home.ask(home.seam.spaces.create, name="Harbour", customer_key="harbour", device_ids=[first])
    await home.ask(home.seam.spaces.create, name="Hill", customer_key="hill", device_ids=[second])
    session = await home.ask(home.seam.client_sessions.create, customer_key="harbour")
    assert session.device_count == 1

    async def ask(path: str, status: int = 200, **body: Any) -> Any:
        answer = await home.http.post(path, json=body, headers=bearer(session.token))
        assert answer.status_code == status, answer.text
        return answer.json()

    grant = (
        await ask(
            "/access_grants/create",
            user_identity={"full_name": "Anna", "user_identity_key": "anna"},
            device_ids=[first],
            requested_access_methods=[{"mode": "code"}],
        )
    )["access_grant"]
    guest = {"user_identity_id": grant["user_identity_id"]}
    code = (await ask("/access_codes/create", device_id=first, code="472931"))["access_code"]
    await ask("/locks/unlock_door", device_id=first, sync=False)

    assert [it["device_id"] for it in (await ask("/devices/list"))["devices"]] == [first]
    assert [it["name"] for it in (await ask("/spaces/list"))["spaces"]] == ["Harbour"]
    assert len((await ask("/access_grants/list", customer_key="harbour"))["access_grants"]) == 1
    assert (await ask("/user_identities/get", **guest))["user_identity"]["full_name"] == "Anna"
    assert len((await ask("/access_codes/list", device_id=first))["access_codes"]) == 2
    await ask("/access_codes/delete", access_code_id=code["access_code_id"])
    await ask("/locks/unlock_door", 403, device_id=second)
    await ask("/access_codes/create", 403, device_id=second, code="472931")
    await ask("/connected_accounts/list", 200)
    room = (await ask("/spaces/create", name="Shed", space_key="shed"))["space"]
    await ask("/spaces/add_devices", space_id=room["space_id"], device_ids=[first])
    await ask("/spaces/add_devices", 403, space_id=room["space_id"], device_ids=[second])
    (place,) = (await ask("/spaces/list", search="Shed"))["spaces"]
    assert (place["customer_key"], place["device_count"]) == ("harbour", 1)
    await ask("/spaces/delete", space_id=room["space_id"])
    await ask("/customers/delete_data", 403, customer_keys=["harbour"])
    theirs = (await ask("/connect_webviews/create"))["connect_webview"]
    assert theirs["customer_key"] == "harbour"
