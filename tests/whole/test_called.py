"""The vendor is told whom to call: once, with a secret that holds, renewed and withdrawn. Where it refuses, everything
goes on by the clock."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs
from tests.http.api.furnished import TOKEN, Home, at_home, read
from tests.whole.house import SEALER

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.http.callbacks.app import callback_routes
from lockstep.kit.sealing import Sealer
from lockstep.operations import examining, rotation
from lockstep.storage import unread
from lockstep.vendors.nuki.emulator.hooks import Hook
from lockstep.workers.accounts.callbacks import CHECK_EVERY

ORIGIN = "https://lockstep.test"
HOOKS = "/api/decentralWebhook"
WITHOUT_THE_RIGHT = (
    "smartlock",
    "smartlock.auth",
    "smartlock.log",
    "smartlock.config",
    "smartlock.action",
    "account",
)


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    async with at_home(database_url, clock, locks=1, callback_origin=ORIGIN) as home:
        yield home


async def settle(home: Home, passing: timedelta = timedelta(minutes=2)) -> None:
    await home.house.advance(home.house.clock.now() + passing)


async def connected(home: Home, **credentials: str) -> str:
    """The account's id, once all is done that follows."""
    given = {"token": TOKEN, "endpoint": "http://nuki.test", **credentials}
    made = await home.post("/v1/connected_accounts", {"vendor": "nuki", "credentials": given})
    await settle(home)
    return str(made["connected_account"]["connected_account_id"])


async def give(home: Home, id: str, **credentials: str) -> None:
    """New credentials, and all that follows."""
    given = {"token": TOKEN, "endpoint": "http://nuki.test", **credentials}
    read(await home.client.put(f"/v1/connected_accounts/{id}/credentials", json={"credentials": given}))
    await settle(home)


async def account(home: Home) -> Any:
    (found,) = (await home.get("/v1/connected_accounts"))["items"]
    return found


def the_hook(home: Home) -> Hook:
    (hook,) = home.world.hooks
    return hook


def asked(home: Home) -> int:
    """How often the vendor was asked or told whom to call."""
    return sum(call.path.startswith(HOOKS) for call in home.world.journal)


async def call(home: Home, url: str, secret: str) -> int:
    """The status of what the vendor sends, genuine if it has the secret."""
    body = b'{"feature": "DEVICE_STATUS", "smartlockId": %s}' % home.world.lock_ids()[0].encode()
    headers = {"X-Nuki-Signature-SHA256": hmac.new(secret.encode(), body, "sha256").hexdigest()}
    transport = httpx2.ASGITransport(Starlette(routes=callback_routes(home.house.gate)))
    async with httpx2.AsyncClient(transport=transport) as client:
        return (await client.post(url, content=body, headers=headers)).status_code


async def looked_at(home: Home) -> str:
    (lock,) = (await home.get("/v1/devices"))["items"]
    return str(lock["looked_at"])


async def test_the_vendor_is_told_the_address_and_its_calls_have_the_lock_looked_at(home: Home) -> None:
    with capture_logs() as logs:
        made = await home.post(
            "/v1/connected_accounts",
            {"vendor": "nuki", "credentials": {"token": TOKEN, "endpoint": "http://nuki.test"}},
        )
        assert made["connected_account"]["has_callbacks"] is False
        await settle(home)
    hook = the_hook(home)
    assert hook.url.startswith(f"{ORIGIN}/callbacks/")
    token = hook.url.rsplit("/", 1)[1]
    assert token not in made["callback_path"], "the address that people were shown is another"
    shown = await account(home)
    assert (shown["has_callbacks"], shown["no_callbacks"]) == (True, None)
    for secret in (token, hook.secret):
        assert secret not in f"{logs} {shown} {await home.everything()}"
    before = await looked_at(home)
    assert await call(home, hook.url, "another secret") == 401
    await home.house.work()
    assert await looked_at(home) == before
    assert await call(home, hook.url, hook.secret) == 204
    await home.house.work()
    assert await looked_at(home) > before


async def test_it_is_asked_again_from_time_to_time_and_told_anew_only_where_it_forgot(home: Home) -> None:
    await connected(home)
    hook = the_hook(home)
    calls = asked(home)
    await settle(home, CHECK_EVERY - timedelta(hours=1))
    assert asked(home) == calls
    await settle(home, 2 * timedelta(hours=1))
    assert asked(home) == calls + 1
    assert the_hook(home) == hook
    home.world.hooks.remove(hook.id)
    await settle(home, CHECK_EVERY + timedelta(hours=1))
    assert the_hook(home).url == hook.url
    assert await call(home, hook.url, hook.secret) == 401
    assert await call(home, hook.url, the_hook(home).secret) == 204


async def test_with_new_credentials_the_secret_is_new(home: Home) -> None:
    id = await connected(home)
    before = the_hook(home)
    home.world.allow("another-token")
    await give(home, id, token="another-token")
    after = the_hook(home)
    assert (after.url, after.secret != before.secret) == (before.url, True)
    assert await call(home, after.url, before.secret) == 401
    assert await call(home, after.url, after.secret) == 204


async def test_where_the_public_address_is_another_the_vendor_is_told(home: Home) -> None:
    await connected(home)
    before = the_hook(home)
    home.house.gate.callback_origin = "https://moved.test"
    await settle(home, timedelta(hours=1))
    after = the_hook(home)
    assert after.url.startswith("https://moved.test/callbacks/")
    assert await call(home, after.url, after.secret) == 204
    assert await call(home, before.url, before.secret) == 404
    # A process that does not know the address leaves it to those that do.
    home.house.gate.callback_origin = None
    await settle(home, CHECK_EVERY + timedelta(hours=1))
    assert the_hook(home) == after
    assert (await account(home))["has_callbacks"] is True


async def test_a_refusal_is_told_and_takes_nothing_from_the_account(home: Home) -> None:
    home.world.allow(TOKEN, *WITHOUT_THE_RIGHT)
    await connected(home)
    shown = await account(home)
    assert (shown["state"], shown["failure"], shown["has_callbacks"]) == ("active", None, False)
    assert shown["no_callbacks"]["code"] == "callbacks_refused"
    assert "webhook.decentral" in shown["no_callbacks"]["cause"]
    async with home.house.gate.reading(home.house.actor.workspace_id) as tx:
        (note,) = await examining.notes_of_workspace(tx, home.house.actor)
        assert await examining.of_workspace(tx, home.house.actor) == []
    assert (note.check, note.cause) == ("callbacks", shown["no_callbacks"]["cause"])
    calls = asked(home)
    await settle(home, CHECK_EVERY - timedelta(hours=1))
    assert asked(home) == calls
    home.world.allow(TOKEN)
    await settle(home, 2 * timedelta(hours=1))
    shown = await account(home)
    assert (shown["has_callbacks"], shown["no_callbacks"]) == (True, None)
    assert await call(home, the_hook(home).url, the_hook(home).secret) == 204


@pytest.mark.parametrize(
    "kind", [FaultKind.REPLY_LOST_AFTER, FaultKind.REPLY_LOST_BEFORE, FaultKind.ERROR_AFTER]
)
async def test_an_answer_that_was_lost_leaves_no_secret_that_nobody_knows(
    home: Home, kind: FaultKind
) -> None:
    home.world.faults.add(Fault(kind=kind, mutating=True, path=HOOKS, times=1, status=502))
    await connected(home)
    shown = await account(home)
    assert (shown["state"], shown["has_callbacks"]) == ("active", False)
    assert shown["no_callbacks"]["code"] == "vendor_unreachable"
    await settle(home, timedelta(hours=1))
    assert (await account(home))["has_callbacks"] is True
    assert await call(home, the_hook(home).url, the_hook(home).secret) == 204


async def test_a_vendor_that_is_away_when_it_is_asked_again_has_not_forgotten(home: Home) -> None:
    await connected(home)
    home.world.faults.add(
        Fault(kind=FaultKind.ERROR_BEFORE, mutating=None, path=HOOKS, times=None, status=502)
    )
    await settle(home, CHECK_EVERY + timedelta(hours=1))
    shown = await account(home)
    assert (shown["state"], shown["has_callbacks"], shown["no_callbacks"]) == ("active", True, None)
    assert await call(home, the_hook(home).url, the_hook(home).secret) == 204


@pytest.mark.parametrize("codes", ["remove", "leave"])
async def test_disconnected_the_vendor_calls_no_more(home: Home, codes: str) -> None:
    id = await connected(home)
    hook = the_hook(home)
    await home.post(f"/v1/connected_accounts/{id}/disconnect", {"codes": codes})
    await settle(home)
    assert list(home.world.hooks) == []
    assert await call(home, hook.url, hook.secret) == 404
    shown = await account(home)
    assert (shown["state"], shown["has_callbacks"]) == ("disconnected", False)
    await connected(home)
    assert the_hook(home).url != hook.url
    assert (await account(home))["has_callbacks"] is True


async def test_a_vendor_that_cannot_be_asked_keeps_nobody_from_disconnecting(home: Home) -> None:
    id = await connected(home)
    hook = the_hook(home)
    home.world.faults.add(
        Fault(kind=FaultKind.ERROR_BEFORE, mutating=None, path=HOOKS, times=None, status=502)
    )
    await home.post(f"/v1/connected_accounts/{id}/disconnect", {"codes": "leave"})
    assert (await account(home))["state"] == "disconnected"
    assert await call(home, hook.url, hook.secret) == 404


async def test_a_disconnection_that_is_refused_leaves_the_address_where_it_is(home: Home) -> None:
    id = await connected(home)
    hook = the_hook(home)
    refused = await home.client.post(f"/v1/connected_accounts/{id}/disconnect", json={})
    assert refused.json()["code"] == "codes_undecided"
    assert the_hook(home) == hook
    assert await call(home, hook.url, hook.secret) == 204


async def test_who_registers_by_hand_is_left_alone(home: Home) -> None:
    await connected(home, webhook_secret="by-hand")
    assert asked(home) == 0
    shown = await account(home)
    assert (shown["has_callbacks"], shown["no_callbacks"]["code"]) == (False, "callbacks_by_hand")


async def test_who_registers_by_hand_later_has_ours_withdrawn(home: Home) -> None:
    id = await connected(home)
    await give(home, id, webhook_secret="by-hand")
    assert list(home.world.hooks) == []
    assert (await account(home))["no_callbacks"]["code"] == "callbacks_by_hand"


async def test_without_a_public_address_the_vendor_is_not_asked_and_that_is_said(
    database_url: str, clock: VirtualClock
) -> None:
    async with at_home(database_url, clock, locks=1) as home:
        await connected(home)
        assert asked(home) == 0
        shown = await account(home)
        assert (shown["state"], shown["no_callbacks"]["code"]) == ("active", "no_public_address")
        assert "LOCKSTEP_PUBLIC_URL" in shown["no_callbacks"]["next_step"]


async def test_a_copy_leaves_the_vendor_alone_and_once_it_rules_tells_it_anew(home: Home) -> None:
    await connected(home)
    hook, calls = the_hook(home), asked(home)
    workspace_id = home.house.actor.workspace_id
    async with home.house.gate.transaction(workspace_id) as tx:
        # As `restore` does.
        await tx.db.execute("update workspaces set is_ruling = false")
        await unread.forget_what_was_read(tx.db, workspace_id, tx.now)
    home.house.gate.callback_origin = "https://copy.test"
    await settle(home, CHECK_EVERY)
    assert (the_hook(home), asked(home)) == (hook, calls)
    home.house.gate.callback_origin = ORIGIN
    async with home.house.gate.transaction(workspace_id) as tx:
        await tx.db.execute("update workspaces set is_ruling = true")
    await settle(home, timedelta(hours=1))
    assert the_hook(home).secret != hook.secret
    assert await call(home, hook.url, the_hook(home).secret) == 204


async def test_under_another_master_key_it_goes_on(home: Home) -> None:
    await connected(home)
    gate = home.house.gate
    gate.sealer = Sealer({**SEALER.master_keys, 2: b"n" * 32}, SEALER.fingerprint_key)
    await rotation.reseal(gate, lambda *_: None)
    gate.sealer = Sealer({2: b"n" * 32}, SEALER.fingerprint_key)
    hook = the_hook(home)
    assert await call(home, hook.url, hook.secret) == 204
    await settle(home, CHECK_EVERY + timedelta(hours=1))
    assert the_hook(home) == hook
    assert (await account(home))["has_callbacks"] is True
