"""Web hooks of the emulated vendor: what is told, how it is signed, where it may go."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.emulation.faults import FaultKind
from lockstep.vendors.nuki.tests.emulated import DIGITS, Account

RECEIVER = "http://127.0.0.1:9/hook"
ALL = ["DEVICE_STATUS", "DEVICE_MASTERDATA", "DEVICE_CONFIG", "DEVICE_LOGS", "DEVICE_AUTHS", "ACCOUNT_USER"]


class Receiver:
    """Takes calls in-process; `status` is what it answers."""

    def __init__(self, account: Account) -> None:
        self.status = 200
        self.calls: list[tuple[dict[str, str], bytes]] = []
        transport = httpx2.ASGITransport(app=Starlette(routes=[Route("/hook", self._take, methods=["POST"])]))
        account.world.outbox.client = lambda: httpx2.AsyncClient(transport=transport)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.calls]

    async def _take(self, request: Request) -> Response:
        self.calls.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)


async def _subscribed(*features: str, **switches: Any) -> tuple[Account, Receiver, dict[str, Any]]:
    account = Account(**switches)
    receiver = Receiver(account)
    wanted = {"webhookUrl": RECEIVER, "webhookFeatures": list(features)}
    reply = await account.call("PUT", "/api/decentralWebhook", wanted)
    hook: dict[str, Any] = reply.json()
    return account, receiver, hook


async def test_a_call_is_signed_over_its_raw_body() -> None:
    account, receiver, hook = await _subscribed("DEVICE_AUTHS")
    await account.created()
    assert await account.world.deliver_webhooks() == 1
    ((headers, body),) = receiver.calls
    signature = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-nuki-signature-sha256"] == signature
    assert headers["content-type"] == "application/json; charset=UTF-8"


async def test_a_code_that_the_device_took_changed_or_lost_is_told() -> None:
    account, receiver, _ = await _subscribed("DEVICE_AUTHS")
    code = await account.created()
    path = f"/smartlock/{{lock}}/auth/{code['id']}"
    await account.call("POST", path, {"name": "Changed"})
    account.wait()
    await account.call("DELETE", path)
    account.wait()
    await account.world.deliver_webhooks()
    told = [(body["feature"], body["deleted"], body["smartlockAuth"]["name"]) for body in receiver.bodies()]
    assert told == [
        ("DEVICE_AUTHS", False, "Guest"),
        ("DEVICE_AUTHS", False, "Changed"),
        ("DEVICE_AUTHS", True, "Changed"),
    ]
    assert receiver.bodies()[0]["smartlockAuth"]["code"] == int(DIGITS)


async def test_digits_are_left_out_of_calls_where_they_are_not_read_back() -> None:
    account, receiver, _ = await _subscribed("DEVICE_AUTHS", returns_digits=False)
    await account.created()
    await account.world.deliver_webhooks()
    assert "code" not in receiver.bodies()[0]["smartlockAuth"]


async def test_a_visit_is_told_as_log_and_as_status() -> None:
    account, receiver, _ = await _subscribed("DEVICE_LOGS", "DEVICE_STATUS")
    await account.created()
    account.opens()
    await account.world.deliver_webhooks()
    log, status = receiver.bodies()
    assert (log["feature"], log["smartlockLog"]["name"]) == ("DEVICE_LOGS", "Guest")
    assert (status["feature"], status["state"]["state"], status["serverState"]) == ("DEVICE_STATUS", 3, 0)


async def test_a_lock_going_offline_is_told() -> None:
    account, receiver, _ = await _subscribed("DEVICE_STATUS")
    account.world.take_offline(account.lock)
    await account.world.deliver_webhooks()
    assert receiver.bodies()[0]["serverState"] == 4


async def test_a_renamed_configured_or_removed_lock_is_told() -> None:
    account, receiver, _ = await _subscribed("DEVICE_MASTERDATA", "DEVICE_CONFIG")
    await account.call("POST", "/smartlock/{lock}", {"name": "Gate"})
    await account.call("POST", "/smartlock/{lock}/config", {"ledBrightness": 3})
    account.wait()
    await account.call("DELETE", "/smartlock/{lock}")
    await account.world.deliver_webhooks()
    renamed, configured, gone = receiver.bodies()
    assert (renamed["feature"], renamed["deleted"], renamed["name"]) == ("DEVICE_MASTERDATA", False, "Gate")
    assert (configured["feature"], configured["config"]["ledBrightness"]) == ("DEVICE_CONFIG", 3)
    assert (gone["feature"], gone["deleted"], gone["name"]) == ("DEVICE_MASTERDATA", True, "Gate")


async def test_only_what_was_asked_for_is_told_and_nothing_after_the_subscription_ended() -> None:
    account, receiver, hook = await _subscribed("DEVICE_LOGS")
    await account.created()
    assert await account.world.deliver_webhooks() == 0
    assert (await account.call("DELETE", f"/api/decentralWebhook/{hook['id']}")).status_code == 204
    account.opens()
    assert await account.world.deliver_webhooks() == 0
    assert receiver.calls == []


async def test_a_secret_is_shown_once() -> None:
    account, _, hook = await _subscribed(*ALL)
    (listed,) = (await account.call("GET", "/api/decentralWebhook")).json()
    assert "secret" not in listed
    assert listed == {name: value for name, value in hook.items() if name != "secret"}


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://example.org/hook", 200),
        ("http://localhost:9/hook", 200),
        ("http://[::1]:9/hook", 200),
        ("http://example.org/hook", 400),
        ("http://10.0.0.1/hook", 400),
        ("ftp://127.0.0.1/hook", 400),
        ("nonsense", 400),
        (None, 400),
    ],
)
async def test_a_hook_is_https_or_on_loopback(url: str | None, status: int) -> None:
    wanted = {"webhookUrl": url, "webhookFeatures": ["DEVICE_AUTHS"]}
    assert (await Account().call("PUT", "/api/decentralWebhook", wanted)).status_code == status


async def test_nothing_is_sent_beyond_loopback() -> None:
    account = Account()
    receiver = Receiver(account)
    wanted = {"webhookUrl": "https://example.org/hook", "webhookFeatures": ALL}
    await account.call("PUT", "/api/decentralWebhook", wanted)
    await account.created()
    assert await account.world.deliver_webhooks() == 0
    assert receiver.calls == []
    (entry,) = (await account.call("GET", "/api/key/1/webhook/logs")).json()
    assert entry["succeeded"] is False


async def test_what_became_of_calls_is_logged_newest_first() -> None:
    account, receiver, _ = await _subscribed("DEVICE_LOGS")
    for status in (200, 500, 204):
        receiver.status = status
        account.opens()
        account.wait(minutes=1)
        await account.world.deliver_webhooks()

    async def logged(query: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await account.call("GET", f"/api/key/1/webhook/logs{query}")).json()
        return entries

    entries = await logged("")
    assert [entry["responseStatus"] for entry in entries] == [204, 500, 200]
    assert [entry["succeeded"] for entry in entries] == [True, False, True]
    assert await logged(f"?id={entries[0]['id']}&limit=1") == entries[1:2]
    assert (await account.call("GET", "/api/key/2/webhook/logs")).status_code == 404


@asynccontextmanager
async def _integrated() -> AsyncIterator[tuple[Account, Receiver, dict[str, Any]]]:
    account = Account()
    receiver = Receiver(account)
    account.world.subscribe_integration(RECEIVER, "secret", ())
    user = {"email": "a@example.org", "name": "A"}
    yield account, receiver, (await account.call("PUT", "/account/user", user)).json()


async def test_an_advanced_action_is_answered_by_a_call_with_its_request_id() -> None:
    async with _integrated() as (account, receiver, _):
        replies = []
        for path, body in (
            ("/smartlock/{lock}/action/unlock/advanced", None),
            ("/smartlock/{lock}/action/lock/advanced", None),
            ("/smartlock/{lock}/action/advanced", {"action": 3}),
        ):
            replies.append((await account.call("POST", path, body)).json()["requestId"])
            account.wait()
        account.world.take_offline(account.lock)
        replies.append(
            (await account.call("POST", "/smartlock/{lock}/action/unlock/advanced")).json()["requestId"]
        )
        account.wait()
        await account.world.deliver_webhooks()
        told = receiver.bodies()
        assert [body["requestId"] for body in told] == replies
        assert [body["success"] for body in told] == [True, True, True, False]
        assert [body["type"] for body in told[:2]] == ["UnlockAction", "LockAction"]


async def test_an_advanced_creation_is_answered_by_one_call_that_tells_lock_by_lock() -> None:
    async with _integrated() as (account, receiver, user):
        other = account.world.add_lock({"name": "Flat"})
        account.world.take_offline(other)
        unserved = account.world.add_lock({"name": "Cellar"})
        account.world.change_lock(unserved, {"subscription": None})
        wanted = {
            "accountUserId": user["accountUserId"],
            "name": "A",
            "remoteAllowed": True,
            "smartlockIds": [int(account.lock), int(other), int(unserved)],
        }
        reply = (await account.call("PUT", "/smartlock/auth/advanced", wanted)).json()
        assert unserved in reply["error"]
        account.wait()
        await account.world.deliver_webhooks()
        (told,) = receiver.bodies()
        assert (told["type"], told["requestId"], told["success"]) == (
            "AuthCreation",
            reply["requestId"],
            False,
        )
        assert len(told["inviteCode"]) == len("ABC-DEF-GHI")
        done, failed = told["detail"]
        assert (done["smartlockId"], done["success"]) == (int(account.lock), True)
        assert failed == {"smartlockId": int(other), "success": False, "errorCode": "ff"}


async def test_an_advanced_creation_that_was_lost_is_told_as_failed() -> None:
    async with _integrated() as (account, receiver, user):
        account.strike(FaultKind.WRITE_LOST)
        ids = [int(account.lock)]
        body = {
            "accountUserId": user["accountUserId"],
            "name": "A",
            "remoteAllowed": True,
            "smartlockIds": ids,
        }
        await account.call("PUT", "/smartlock/auth/advanced", body)
        account.wait()
        await account.world.deliver_webhooks()
        assert receiver.bodies()[0]["detail"][0]["errorCode"] == "ff"


async def test_a_shared_key_is_there_at_once() -> None:
    reply = await Account().call("POST", "/smartlock/{lock}/auth/advanced/sharedkey", {"name": "Shared"})
    assert reply.status_code == 200
    assert reply.json()[0]["name"] == "Shared"
