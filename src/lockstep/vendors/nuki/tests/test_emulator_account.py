"""Tokens, subscriptions, pace, users and notifications of the emulated account."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from lockstep.vendors.nuki.emulator.app import built, create_app
from lockstep.vendors.nuki.emulator.paths import operations
from lockstep.vendors.nuki.tests.emulated import START, Account

NO_SUBSCRIPTION = {"error": "No active Smart Hosting subscription for the Smart Lock, please get one!"}
NOT_AUTHORIZED = {
    "detailMessage": "Your access token is not authorized",
    "stackTrace": [],
    "suppressedExceptions": [],
}


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Basic a-token", "a-token", ""])
async def test_a_wrong_token_is_a_401(authorization: str) -> None:
    reply = await Account().call("GET", "/smartlock", Authorization=authorization)
    assert (reply.status_code, reply.json()) == (401, NOT_AUTHORIZED)


async def test_a_token_without_the_scope_is_a_401_too() -> None:
    account = Account()
    account.world.allow("reader", "smartlock.readOnly")
    bearer = {"Authorization": "Bearer reader"}
    assert (await account.call("GET", "/smartlock", **bearer)).status_code == 200
    assert (await account.call("GET", "/smartlock/auth", **bearer)).status_code == 401


async def test_a_revoked_token_is_a_401() -> None:
    account = Account()
    account.world.revoke("a-token")
    assert (await account.call("GET", "/smartlock")).status_code == 401


@pytest.mark.parametrize(
    ("subscription", "is_served"),
    [
        ({"state": "ACTIVE"}, True),
        ({"state": "PENDING_CANCEL"}, True),
        ({"state": "CANCELLED", "expires_at": (START + timedelta(days=1)).isoformat()}, True),
        ({"state": "CANCELLED"}, False),
        ({"state": "EXPIRED", "is_in_grace_period": True}, True),
        ({"state": "EXPIRED"}, False),
        ({"state": "INACTIVE"}, False),
        ({"state": "ON_HOLD"}, False),
        ({"state": "PENDING"}, False),
        (None, False),
    ],
    ids=lambda value: "none" if value is None else value.get("state") if isinstance(value, dict) else None,
)
async def test_the_api_works_for_a_lock_as_its_subscription_says(
    subscription: dict[str, Any] | None, is_served: bool
) -> None:
    account = Account()
    account.world.change_lock(account.lock, {"subscription": subscription})
    reply = await account.create()
    if is_served:
        assert reply.status_code == 204
    else:
        assert (reply.status_code, reply.json()) == (402, NO_SUBSCRIPTION)
    (lock,) = (await account.call("GET", "/smartlock")).json()
    shown = lock.get("currentSubscription")
    assert (shown and shown["state"]) == (subscription and subscription["state"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/smartlock/{lock}", None),
        ("GET", "/smartlock/{lock}/auth", None),
        ("GET", "/smartlock/{lock}/log", None),
        ("POST", "/smartlock/{lock}/action", {"action": 1}),
        ("POST", "/smartlock/{lock}/action/unlock", None),
        ("DELETE", "/smartlock/{lock}/auth/0", None),
    ],
)
async def test_without_a_subscription_reads_and_writes_of_a_lock_are_refused(
    method: str, path: str, body: Any
) -> None:
    account = Account(subscription_status=403)
    account.world.change_lock(account.lock, {"subscription": None})
    reply = await account.call(method, path, body)
    assert (reply.status_code, reply.json()) == (403, NO_SUBSCRIPTION)


async def test_a_listing_of_all_leaves_out_a_lock_without_a_subscription() -> None:
    account = Account()
    await account.created()
    other = account.world.add_lock({"name": "Flat"})
    account.world.change_lock(account.lock, {"subscription": None})
    listed = (await account.call("GET", "/smartlock/auth")).json()
    assert {auth["smartlockId"] for auth in listed} == {int(other)}
    assert len((await account.call("GET", "/smartlock")).json()) == 2


async def test_a_subscription_ends_by_itself() -> None:
    account = Account()
    account.world.change_lock(account.lock, {"subscription": {"expires_at": "2026-11-20T13:00:00Z"}})
    assert (await account.create()).status_code == 204
    account.wait(hours=1)
    assert (await account.create("987654")).status_code == 402
    (lock,) = (await account.call("GET", "/smartlock")).json()
    assert lock["currentSubscription"]["state"] == "EXPIRED"


async def test_too_many_calls_get_a_bare_429_without_retry_after_until_time_has_passed() -> None:
    account = Account(rate_limit={"calls": 2, "per_seconds": 60})
    statuses = [(await account.call("GET", "/smartlock")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    reply = await account.create()
    assert reply.status_code == 429
    assert "<h1>429 Too Many Requests</h1>" in reply.text
    assert not {name for name in reply.headers if "retry" in name or "rate" in name}
    account.wait(seconds=60)
    assert (await account.call("GET", "/smartlock")).status_code == 200
    assert account.on_lock() == []


async def test_account_users_are_created_found_changed_and_deleted_with_their_authorizations() -> None:
    account = Account()
    body = {"email": "a@example.org", "name": "A"}
    user = (await account.call("PUT", "/account/user", body)).json()
    twin = (await account.call("PUT", "/account/user", body)).json()
    path = f"/account/user/{user['accountUserId']}"
    found = (await account.call("GET", "/account/user?email=a@example.org&offset=1&limit=5")).json()
    assert [one["accountUserId"] for one in found] == [twin["accountUserId"]]
    assert (await account.call("POST", path, {"name": "B"})).json()["name"] == "B"
    clash = await account.call("POST", path, {"email": "a@example.org"})
    assert (clash.status_code, clash.json()["detailMessage"]) == (409, "E-Mail address already exists")
    app = {"name": "B", "remoteAllowed": True, "accountUserId": user["accountUserId"]}
    await account.call("PUT", "/smartlock/{lock}/auth", app)
    account.wait()
    assert (await account.call("DELETE", path)).status_code == 204
    assert (await account.call("GET", path)).json()["operationId"]
    assert (await account.call("DELETE", path)).status_code == 423
    account.wait()
    assert (await account.call("GET", path)).status_code == 404
    assert {auth["name"] for auth in (await account.call("GET", "/smartlock/auth")).json()} == {"Nuki Web"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "A"},
        {"email": "a@example.org"},
        {"email": "no address", "name": "A"},
        {"email": 1, "name": "A"},
    ],
)
async def test_an_account_user_without_address_or_name_is_a_400(body: dict[str, Any]) -> None:
    assert (await Account().call("PUT", "/account/user", body)).status_code == 400


async def test_a_notification_is_kept_with_a_secret_of_40_digits() -> None:
    account = Account()
    body = {"os": 2, "pushId": "https://example.org", "settings": [], "referenceId": "here"}
    made = (await account.call("PUT", "/notification", body)).json()
    assert len(made["secret"]) == 40
    path = f"/notification/{made['notificationId']}"
    assert (await account.call("GET", "/notification?referenceId=elsewhere")).json() == []
    assert (await account.call("GET", "/notification?referenceId=here")).json() == [made]
    changed = (await account.call("POST", path, {**body, "language": "de"})).json()
    assert changed["language"] == "de"
    assert (await account.call("DELETE", path)).status_code == 204
    assert (await account.call("GET", path)).status_code == 404
    assert (await account.call("PUT", "/notification", {**body, "os": 3})).status_code == 400


async def test_a_lock_is_renamed_and_configured() -> None:
    account = Account()
    assert (
        await account.call("POST", "/smartlock/{lock}", {"name": "Gate", "favorite": True})
    ).status_code == 204
    assert (await account.call("POST", "/smartlock/{lock}/config", {"ledBrightness": 3})).status_code == 204
    assert (
        await account.call("POST", "/smartlock/{lock}/advanced/config", {"autoLock": True})
    ).status_code == 204
    assert (await account.call("POST", "/smartlock/{lock}/admin/pin", {"adminPin": 1234})).status_code == 204
    account.wait()
    lock = (await account.call("GET", "/smartlock/{lock}")).json()
    assert (lock["name"], lock["favorite"]) == ("Gate", True)
    assert (lock["config"]["ledBrightness"], lock["advancedConfig"]["autoLock"]) == (3, True)


async def test_locks_are_filtered_by_type() -> None:
    account = Account()
    box = account.world.add_lock({"name": "Box", "type": 1})
    (listed,) = (await account.call("GET", "/smartlock?type=1")).json()
    assert (str(listed["smartlockId"]), listed["box"]) == (box, True)


@pytest.mark.parametrize(
    ("method", "path"),
    sorted((row.method, row.path) for row in operations() if (row.method, row.path) not in built()),
    ids=lambda value: value.replace("/", " ").strip(),
)
async def test_a_documented_operation_that_is_not_built_answers_501(method: str, path: str) -> None:
    reply = await Account().call(method, path)
    assert (reply.status_code, reply.json()["error"]) == (501, "not_emulated")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PATCH", "/smartlock", 405), ("GET", "/smartlock/auth/paged", 404)],
)
async def test_a_path_or_method_that_the_vendor_does_not_have_is_refused(
    method: str, path: str, status: int
) -> None:
    assert (await Account().call(method, path)).status_code == status


async def test_the_world_outlives_its_application() -> None:
    account = Account()
    await account.created()
    again = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=create_app(account.world)),
        base_url="http://nuki.test",
        headers=account.http.headers,
    )
    assert len((await again.get("/smartlock/auth?types=13")).json()) == 1
