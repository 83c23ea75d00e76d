"""What holds for every page: headers, nothing inline, nothing from elsewhere, faults told to people."""

from __future__ import annotations

import re

import httpx2
import pytest
from tests.http.console.parts import MakeKey, sign_in

from lockstep.http.static_files import FOLDER
from lockstep.model.permissions import Actor, Scope

PAGES = ["/sign-in", "/", "/?standing=failed&page=3&locks=2", "/nowhere", "/changes/nowhere"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_may_load_our_own_files_alone(browser: httpx2.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_no_script_or_style_within_and_names_no_other_host(
    browser: httpx2.AsyncClient, path: str
) -> None:
    page = (await browser.get(path)).text
    assert re.search(r"<script(?![^>]* src=)", page) is None
    assert re.search(r"<style|\sstyle=|\son\w+=|javascript:", page) is None
    assert re.search(r"(src|href|action)=\"(?!/|#)", page) is None
    assert re.search(r"https?://|\"//", page) is None


@pytest.mark.parametrize("path", PAGES)
async def test_what_a_page_loads_is_there(browser: httpx2.AsyncClient, path: str) -> None:
    page = (await browser.get(path)).text
    ours = {p for p in re.findall(r"(?:src|href)=\"/static/([^\"]+)", page) if not p.startswith("vendor/")}
    assert ours
    assert all((FOLDER / p).is_file() for p in ours)


async def test_what_is_not_there_is_told_to_people(stranger: httpx2.AsyncClient) -> None:
    answer = await stranger.get("/nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_what_may_not_be_done_is_told_with_the_next_step(
    stranger: httpx2.AsyncClient, make_key: MakeKey, owner: Actor
) -> None:
    reader = await make_key(owner, {Scope.GRANTS_READ, Scope.DEVICES_READ})
    await sign_in(stranger, reader.secret)
    assert (await stranger.get("/")).status_code == 200
    answer = await stranger.post("/workspace/confirm")
    assert answer.status_code == 403
    assert "The scope workspace:write is missing." in answer.text


async def test_a_key_that_may_see_nothing_of_today_is_told_so(
    stranger: httpx2.AsyncClient, make_key: MakeKey, owner: Actor
) -> None:
    await sign_in(stranger, (await make_key(owner, {Scope.EVENTS_READ})).secret)
    answer = await stranger.get("/")
    assert answer.status_code == 403
    assert "grants:read" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/locks/lock_0/look", "/calendars/cal_0/confirm", "/calendars/cal_0/import", "/stays/grant_0/code"],
)
async def test_an_act_on_what_is_not_there_is_told(browser: httpx2.AsyncClient, path: str) -> None:
    answer = await browser.post(path)
    assert answer.status_code == 404
    assert "There is no " in answer.text


async def test_an_act_is_not_done_by_following_a_link(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/sign-out")).status_code == 405
    assert (await browser.get("/")).status_code == 200


async def test_whoever_asks_for_changes_without_being_signed_in_is_refused(
    stranger: httpx2.AsyncClient,
) -> None:
    answer = await stranger.get("/changes", headers={"accept": "text/html, text/event-stream"})
    assert answer.status_code == 401
    assert answer.text == ""


async def test_a_new_host_is_led_on(browser: httpx2.AsyncClient) -> None:
    page = (await browser.get("/")).text
    assert "lockstep connect nuki" in page
    assert "Add its booking calendar" in page
    assert "Nobody is inside" in page
