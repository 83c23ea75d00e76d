"""Vendors calling us: genuine calls wake the locks that they name, others change nothing and learn nothing."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs
from tests.connections import lose_database
from tests.http.api.furnished import TOKEN, Home, at_home

from lockstep.emulation.clock import VirtualClock
from lockstep.http.callbacks.app import MOST_BODY_BYTES, callback_routes

SECRET = "webhook-secret-of-the-house"


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    async with at_home(database_url, clock) as home:
        yield home


@pytest.fixture
async def vendor(home: Home) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=callback_routes(home.house.gate))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://lockstep.test") as client:
        yield client


async def connected(home: Home) -> str:
    """The path at which the vendor may call."""
    credentials = {"token": TOKEN, "endpoint": "http://nuki.test", "webhook_secret": SECRET}
    made = await home.post("/v1/connected_accounts", {"vendor": "nuki", "credentials": credentials})
    await home.house.work()
    home.house.clock.advance(timedelta(minutes=1))
    return str(made["callback_path"])


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Nuki-Signature-SHA256": hmac.new(secret.encode(), body, "sha256").hexdigest()}


async def looked_at(home: Home) -> list[str]:
    return sorted({d["looked_at"] for d in (await home.get("/v1/devices"))["items"]})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"feature": "DEVICE_AUTHS", "smartlockId": %s}', id="one lock"),
        pytest.param(b'{"feature": "of a later version"}', id="something unheard-of"),
        pytest.param(b"not even JSON", id="genuine, though not understood"),
    ],
)
async def test_a_genuine_call_has_the_locks_looked_at_now(
    home: Home, vendor: httpx2.AsyncClient, body: bytes
) -> None:
    path = await connected(home)
    before = await looked_at(home)
    body = body.replace(b"%s", home.world.lock_ids()[0].encode())
    answer = await vendor.post(path, content=body, headers=signed(body))
    assert (answer.status_code, answer.content) == (204, b"")
    await home.house.work()
    assert await looked_at(home) > before


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no signature"),
        pytest.param({"X-Nuki-Signature-SHA256": "0" * 64}, id="another signature"),
        pytest.param(signed(b"{}", "another secret"), id="another secret"),
        pytest.param(signed(b"[]"), id="another body"),
    ],
)
async def test_a_call_whose_signature_does_not_fit_is_refused_and_changes_nothing(
    home: Home, vendor: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    path = await connected(home)
    before = await home.everything()
    answer = await vendor.post(path, content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "callback_signature_invalid")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["next_step"]
    assert await home.everything() == before


async def test_an_address_that_there_is_not_is_404_and_not_repeated(
    home: Home, vendor: httpx2.AsyncClient
) -> None:
    path = await connected(home)
    for token in ("y" * 32, "z" * 5000, path.removeprefix("/callbacks/")[:-1]):
        with capture_logs() as logs:
            answer = await vendor.post(f"/callbacks/{token}", content=b"{}", headers=signed(b"{}"))
        assert (answer.status_code, answer.json()["code"]) == (404, "callback_not_found")
        assert "shown when the account was connected" in answer.json()["next_step"]
        assert token not in answer.text
        assert logs == []


async def test_a_disconnected_account_has_no_address_any_more(home: Home, vendor: httpx2.AsyncClient) -> None:
    path = await connected(home)
    (account,) = (await home.get("/v1/connected_accounts"))["items"]
    await home.post(
        f"/v1/connected_accounts/{account['connected_account_id']}/disconnect", {"codes": "leave"}
    )
    assert (await vendor.post(path, content=b"{}", headers=signed(b"{}"))).status_code == 404


async def test_a_call_that_is_too_large_is_refused(home: Home, vendor: httpx2.AsyncClient) -> None:
    path = await connected(home)
    body = b" " * (MOST_BODY_BYTES + 1)
    answer = await vendor.post(path, content=body, headers=signed(body))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_only_posts_are_taken(home: Home, vendor: httpx2.AsyncClient) -> None:
    assert (await vendor.get(await connected(home))).status_code == 405


async def test_a_fault_of_ours_is_logged_without_the_secret_address(
    home: Home, vendor: httpx2.AsyncClient
) -> None:
    path = await connected(home)
    await lose_database(home.house.gate)
    with capture_logs() as logs:
        answer = await vendor.post(path, content=b"{}", headers=signed(b"{}"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert [line["event"] for line in logs] == ["callback_failed"]
    assert path not in str(logs)
