"""Signing in and out: who gets in, what the cookie is like, and whose forms are taken."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import httpx2
import pytest
from tests.http.console.parts import MakeKey, Seconds, sign_in

from lockstep.emulation.clock import VirtualClock
from lockstep.http.console.app import create_console
from lockstep.http.console.settings import ConsoleSettings
from lockstep.model.permissions import Actor
from lockstep.operations import api_keys
from lockstep.operations.api_keys import NewApiKey
from lockstep.operations.gate import Gate


async def is_in(client: httpx2.AsyncClient) -> bool:
    answer = await client.get("/")
    if answer.status_code == 303:
        assert answer.headers["location"] == "/sign-in"
        return False
    assert answer.status_code == 200, answer.text
    return True


async def revoke(gate: Gate, owner: Actor, key: NewApiKey) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        await api_keys.revoke(tx, owner, key.api_key.api_key_id)


async def test_a_good_key_signs_in(stranger: httpx2.AsyncClient, key: NewApiKey) -> None:
    assert not await is_in(stranger)
    answer = await sign_in(stranger, key.secret)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert await is_in(stranger)


async def test_the_cookie_is_for_our_own_pages_alone_and_names_no_secret(
    stranger: httpx2.AsyncClient, key: NewApiKey
) -> None:
    answer = await sign_in(stranger, key.secret)
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert cookie.key == "lockstep"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert cookie["max-age"] == str(12 * 3600)
    assert key.secret not in answer.headers["set-cookie"]
    assert not cookie["secure"]  # the address is http


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        pytest.param("https://lockstep.test", ConsoleSettings(), id="TLS here"),
        pytest.param(
            "http://10.0.0.5", ConsoleSettings("https://locks.example.com"), id="TLS at a proxy before us"
        ),
    ],
)
async def test_under_tls_the_cookie_is_secure_and_bound_to_the_host(
    gate: Gate, key: NewApiKey, address: str, settings: ConsoleSettings
) -> None:
    transport = httpx2.ASGITransport(create_console(gate, settings))
    origin = settings.public_url or address
    async with httpx2.AsyncClient(transport=transport, base_url=address) as client:
        answer = await client.post("/sign-in", data={"api_key": key.secret}, headers={"origin": origin})
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (cookie.key, cookie["secure"]) == ("__Host-lockstep", True)


@pytest.mark.parametrize(
    "secret",
    ["", "seam_lockstep_wrong", "x" * 100_000, "é", "seam_lockstep_' or 1=1 --"],
    ids=lambda s: s[:12],
)
async def test_a_wrong_key_is_told_so_and_not_repeated(stranger: httpx2.AsyncClient, secret: str) -> None:
    answer = await sign_in(stranger, secret)
    assert answer.status_code == 401
    assert "not known, was revoked, or has expired" in answer.text
    assert "set-cookie" not in answer.headers
    assert not secret or secret not in answer.text
    assert not await is_in(stranger)


async def test_a_revoked_key_is_out_at_once(
    gate: Gate, owner: Actor, browser: httpx2.AsyncClient, key: NewApiKey
) -> None:
    assert await is_in(browser)
    await revoke(gate, owner, key)
    assert not await is_in(browser)
    assert (await sign_in(browser, key.secret)).status_code == 401


async def test_a_session_ends_by_the_clock_on_the_wall_whatever_time_the_locks_live_by(
    browser: httpx2.AsyncClient, clock: VirtualClock, wall: VirtualClock
) -> None:
    clock.advance(timedelta(days=3))
    assert await is_in(browser)
    wall.advance(timedelta(hours=12))
    assert not await is_in(browser)


async def test_signing_out_ends_it(browser: httpx2.AsyncClient) -> None:
    answer = await browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert not await is_in(browser)


async def test_attempts_are_limited_and_the_page_says_when_to_come_back(
    stranger: httpx2.AsyncClient, seconds: Seconds, key: NewApiKey
) -> None:
    answers = [await sign_in(stranger, "seam_lockstep_guess") for _ in range(11)]
    assert [a.status_code for a in answers] == [401] * 10 + [429]
    assert answers[-1].headers["retry-after"] == "10"
    assert "Try again in 10 seconds" in answers[-1].text
    assert (await sign_in(stranger, key.secret)).status_code == 429
    seconds.now += 10
    assert (await sign_in(stranger, key.secret)).status_code == 303


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://lockstep.test.evil.example", "null", ""],
    ids=["another site", "a name that begins alike", "a hidden origin", "none"],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/workspace/confirm", "/locks/lock_1/look"])
async def test_a_form_from_another_site_is_refused(
    browser: httpx2.AsyncClient, key: NewApiKey, path: str, origin: str
) -> None:
    answer = await browser.post(path, data={"api_key": key.secret}, headers={"origin": origin})
    assert answer.status_code == 403
    assert "not sent from a page of Lockstep" in answer.text
    assert await is_in(browser)


async def test_a_key_sees_its_own_workspace_alone(
    stranger: httpx2.AsyncClient, make_key: MakeKey, neighbour: Actor, key: NewApiKey
) -> None:
    await sign_in(stranger, (await make_key(neighbour)).secret)
    page = (await stranger.get("/")).text
    assert "Hill flats" in page
    assert "Harbour flats" not in page


async def test_a_key_in_an_address_signs_nobody_in(stranger: httpx2.AsyncClient, key: NewApiKey) -> None:
    answer = await stranger.get(f"/sign-in?api_key={key.secret}")
    assert "set-cookie" not in answer.headers
    assert key.secret not in answer.text
    assert not await is_in(stranger)
