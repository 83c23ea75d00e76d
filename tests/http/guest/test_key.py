"""The guest's page behind an instant key's link: opened on as many devices as it may be, and never by a preview."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import pytest
from tests.http.connect.test_connect import ADDRESS, NUKI, Visit, visiting
from tests.operations.places import ask

from lockstep.emulation.clock import VirtualClock
from lockstep.http.guest.app import create_guest_pages
from lockstep.operations import devices, grants, guests, instant_keys
from lockstep.operations.grants import CreateGrant
from lockstep.operations.guests import CreateGuest, EraseGuest
from lockstep.operations.instant_keys import LASTS, CreateInstantKey, InstantKey

DIGITS = "472931"


class Stay(Visit):
    """A guest with a code for one of two locks, and browsers of theirs."""

    guest_id: str
    locks: dict[str, str]
    key: InstantKey

    def device(self) -> httpx2.AsyncClient:
        """Another browser."""
        transport = httpx2.ASGITransport(create_guest_pages(self.house.gate), raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers={"origin": ADDRESS})


@asynccontextmanager
async def staying(database_url: str, clock: VirtualClock) -> AsyncIterator[Stay]:
    async with visiting(database_url, clock) as visit:
        gate, actor = visit.house.gate, visit.house.actor
        stay = Stay(visit.house, visit.world, visit.browser)
        visit.world.add_lock({"name": "Neighbour"})
        await visit.house.connect("nuki", {"token": NUKI["token"], "endpoint": NUKI["endpoint"]})
        found = await ask(gate, actor, devices.list_shown, devices.ListDevices())
        stay.locks = {device.name: device.device_id for device in found}
        stay.guest_id = (await ask(gate, actor, guests.create, CreateGuest("Anna"))).guest_id
        starts_at, ends_at = clock.now() + timedelta(hours=1), clock.now() + timedelta(days=2)
        lock = stay.locks["Beach house"]
        command = CreateGrant(
            "Anna", starts_at, ends_at, device_ids=(lock,), code=DIGITS, guest_id=stay.guest_id
        )
        await ask(gate, actor, grants.create, command)
        await visit.house.advance(clock.now() + timedelta(minutes=2))
        stay.key = await ask(gate, actor, instant_keys.create, CreateInstantKey(stay.guest_id))
        yield stay


@pytest.fixture
async def stay(database_url: str, clock: VirtualClock) -> AsyncIterator[Stay]:
    async with staying(database_url, clock) as stay:
        yield stay


async def test_a_key_shows_nothing_before_it_is_opened_and_is_opened_on_one_device(stay: Stay) -> None:
    path = stay.key.path
    async with stay.device() as phone, stay.device() as other:
        previews = [await other.get(path) for _ in range(3)]
        opened = await phone.post(path)
        mine = await phone.get(path)
        refused = await other.post(path)
        theirs = await other.get(path)

    assert all(DIGITS not in page.text and "Open my key" in page.text for page in previews)
    assert (opened.status_code, opened.headers["location"]) == (303, path)
    assert all(part in opened.headers["set-cookie"] for part in ("HttpOnly", "SameSite=lax", f"Path={path}"))
    assert DIGITS in mine.text
    assert "Beach house" in mine.text
    assert "Neighbour" not in mine.text
    assert (refused.status_code, theirs.status_code) == (404, 200)
    assert DIGITS not in refused.text + theirs.text
    assert "opened on another device" in theirs.text


async def test_a_door_is_opened_from_the_page_within_the_window_and_no_other(
    stay: Stay, clock: VirtualClock
) -> None:
    path, door, other = stay.key.path, stay.locks["Beach house"], stay.locks["Neighbour"]
    async with stay.device() as phone, stay.device() as stranger:
        await phone.post(path)
        early = await phone.post(f"{path}/unlock", data={"door": door})
        await stay.house.advance(clock.now() + timedelta(hours=1))
        page = await phone.get(path)
        asked = await phone.post(f"{path}/unlock", data={"door": door})
        pending = await phone.get(asked.headers["location"])
        await stay.house.work()
        done = await phone.get(asked.headers["location"])
        foreign = await phone.post(f"{path}/unlock", data={"door": other})
        by_nobody = await stranger.post(f"{path}/unlock", data={"door": door})
        elsewhere = await phone.post(
            f"{path}/unlock", data={"door": door}, headers={"origin": "https://evil.example"}
        )

    assert (early.status_code, "cannot be opened from here now" in early.text) == (409, True)
    assert "Open the door" in page.text
    assert (asked.status_code, 'http-equiv="refresh"' in pending.text) == (303, True)
    assert "refresh" not in done.text
    assert "door is open" in done.text or "was told to open" in done.text
    assert foreign.status_code == 409
    assert (by_nobody.status_code, by_nobody.headers["location"]) == (303, path)
    assert elsewhere.status_code == 403


async def test_a_key_ends_with_its_time_its_deletion_and_the_guest_who_is_forgotten(
    stay: Stay, clock: VirtualClock
) -> None:
    gate, actor = stay.house.gate, stay.house.actor
    second = await ask(gate, actor, instant_keys.create, CreateInstantKey(stay.guest_id))
    async with stay.device() as phone:
        await phone.post(stay.key.path)
        await ask(gate, actor, instant_keys.delete, stay.key.instant_key_id)
        deleted = await phone.get(stay.key.path)
        await ask(gate, actor, guests.erase, EraseGuest(stay.guest_id))
        forgotten = await phone.get(second.path)
        another = await ask(gate, actor, guests.create, CreateGuest("Ben"))
        third = await ask(gate, actor, instant_keys.create, CreateInstantKey(another.guest_id))
        before = await phone.get(third.path)
        clock.advance(LASTS)
        over = await phone.get(third.path)

    assert before.status_code == 200
    for answer in (deleted, forgotten, over):
        assert (answer.status_code, "not valid any more" in answer.text) == (404, True)
