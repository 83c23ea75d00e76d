"""Today, as the page shows it: what each key may see, and what can be done from it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from tests.browser.scene import BEGINS, Scene, local, scene
from tests.conftest import TLS
from tests.workers.calendars.hosted import Hosted, stay

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import Scope
from lockstep.operations import api_keys, spaces
from lockstep.operations.calendars import PolicyChange
from lockstep.operations.spaces import CreateSpace

READS = {Scope.GRANTS_READ, Scope.DEVICES_READ}


@pytest.fixture
async def afternoon(database_url: str) -> AsyncIterator[tuple[Scene, Hosted]]:
    async with scene(database_url, VirtualClock(BEGINS)) as (it, feeds):
        await it.move_in()
        await it.fill(feeds)
        yield it, feeds


@asynccontextmanager
async def signed_in(it: Scene, scopes: set[Scope] | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser with a key that may do this much."""
    house = it.house
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        command = api_keys.CreateApiKey("Page", sorted(scopes if scopes is not None else Scope))
        secret = (await api_keys.create(tx, house.actor, command)).secret
    async with httpx2.AsyncClient(
        base_url=it.address, headers={"origin": it.address}, trust_env=False, verify=TLS
    ) as client:
        answer = await client.post("/sign-in", data={"api_key": secret})
        assert answer.status_code == 303
        yield client


async def page_of(it: Scene, scopes: set[Scope] | None = None, address: str = "/") -> str:
    async with signed_in(it, scopes) as client:
        return (await client.get(address)).text


def stays_in(page: str) -> list[str]:
    """The guests, in the order of the page."""
    return re.findall(r'<article class="stay".*?<h3>(.*?)</h3>', page, re.DOTALL)


def plain(page: str) -> str:
    """Without tags, and each space once."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_every_standing_is_shown_with_its_reason_and_the_next_step(
    afternoon: tuple[Scene, Hosted],
) -> None:
    page = await page_of(afternoon[0])
    assert stays_in(page) == ["Anna Lindqvist", "Chloé Martin", "David Silva", "Ben Okafor"]
    text = plain(page)
    assert "1 failed 2 unconfirmed 1 scheduled 4 proven" in text
    assert "Proven 13:45 . Confirmed by the lock itself." in text
    assert "The vendor took it; it was not seen on the lock yet. Next: Nothing to do" in text
    assert "Its time has not come yet. On the lock from 17:00 ." in text
    assert "It opens from 17:00 : this lock can be told no later." in text
    assert "The lock cannot be reached by its vendor; nothing was changed. Next: Check its power" in text
    assert "Inside until Wed 3 June 11:00" in text
    assert "Flat 2 Its battery is nearly empty. Next: Change the batteries soon." in text


async def test_stays_are_sifted_by_how_their_doors_stand(afternoon: tuple[Scene, Hosted]) -> None:
    it, _ = afternoon
    assert stays_in(await page_of(it, None, "/?standing=scheduled")) == ["Ben Okafor"]
    assert stays_in(await page_of(it, None, "/?standing=unconfirmed")) == ["Chloé Martin"]
    assert len(stays_in(await page_of(it, None, "/?standing=nonsense&page=x&locks=-1"))) == 4


async def test_names_digits_and_acts_are_for_keys_that_have_the_scope(
    afternoon: tuple[Scene, Hosted],
) -> None:
    page = await page_of(afternoon[0], READS)
    assert stays_in(page) == ["Guest"] * 4
    for hidden in ("Anna", "Chloé", "Show code", "Look at it now", "Booking.com", "Nuki"):
        assert hidden not in page
    async with signed_in(afternoon[0], READS) as client:
        grant = re.findall(r'<article class="stay" id="(\w+)"', page)[0]
        answer = await client.post(f"/stays/{grant}/code")
    assert answer.status_code in (403, 404)
    assert re.search(r"\b\d{6}\b", answer.text) is None


async def test_digits_are_shown_only_when_asked_for(afternoon: tuple[Scene, Hosted]) -> None:
    it, _ = afternoon
    async with signed_in(it) as client:
        page = (await client.get("/")).text
        grant = re.findall(r'<article class="stay" id="(\w+)"', page)[0]
        whole = (await client.post(f"/stays/{grant}/code")).text
        part = (await client.post(f"/stays/{grant}/code", headers={"hx-request": "true"})).text
    (digits,) = re.findall(r"\b\d{6}\b", part)
    assert digits in whole
    assert "<html" in whole
    assert "<html" not in part
    assert digits not in page
    assert it.nuki.enter(it.locks["Flat 1"], digits).opened


@pytest.mark.parametrize(
    ("verb", "state", "alive"), [("confirm", "good", 0), ("release", "held", 3)], ids=["gone", "kept"]
)
async def test_a_held_calendar_is_decided_upon_here(
    afternoon: tuple[Scene, Hosted], verb: str, state: str, alive: int
) -> None:
    it, feeds = afternoon
    async with signed_in(it) as client:
        page = (await client.get("/")).text
        (action,) = re.findall(rf'action="(/calendars/\w+/{verb})"', page)
        answer = await client.post(action)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        await feeds.read()
        page = (await client.get("/")).text
    assert ("Booking.com Flat 2: held" in page) == (state == "held")
    confirmed = [b for b in await feeds.bookings(state="confirmed") if b.guest_name is None]
    assert len([b for b in confirmed if b.space_id == it.flats["Flat 2"]]) == alive


@pytest.mark.parametrize(
    ("verb", "state"), [("confirm", "confirmed"), ("cancel", "cancelled")], ids=["a stay", "closed"]
)
async def test_an_entry_that_may_be_a_stay_is_decided_upon_here(
    afternoon: tuple[Scene, Hosted], verb: str, state: str
) -> None:
    it, feeds = afternoon
    policy = PolicyChange(unclear_entries="by_hand")
    added = await feeds.add(it.flats["Loft"], "Booking.com Loft", "booking_com", stay(9, 2, 4), policy=policy)
    async with signed_in(it) as client:
        page = (await client.get("/")).text
        assert "Loft: is this a stay?" in page
        assert "From tomorrow 15:00 until Thu 4 June 11:00 ." in plain(page)
        (action,) = set(re.findall(rf'action="(/bookings/\w+/{verb})"', page))
        assert (await client.post(action)).status_code == 303
        page = (await client.get("/")).text
    assert "is this a stay?" not in page
    of_loft = [b.state for b in await feeds.bookings() if b.calendar_id == added.calendar_id]
    assert of_loft == [state]
    shown = await page_of(it, READS)
    assert "/bookings/" not in shown


async def test_a_stay_that_nothing_opens_for_is_a_line_of_its_own(afternoon: tuple[Scene, Hosted]) -> None:
    it, _ = afternoon
    async with it.house.gate.transaction(it.house.actor.workspace_id) as tx:
        barn = CreateSpace("Barn", time_zone="Europe/Amsterdam")
        it.flats["Barn"] = (await spaces.create(tx, it.house.actor, barn)).space_id
    await it.book("Erik Holm", "Barn", local(17), 2)
    text = plain(await page_of(it))
    assert "2 failed" in text
    assert "Barn: nothing opens for Erik Holm No lock stands here, so nobody gets a code." in text
    assert (
        "No door failed No lock stands here, so nobody gets a code. Next: Put a lock into the space" in text
    )


async def test_a_lock_in_trouble_is_looked_at_when_asked(afternoon: tuple[Scene, Hosted]) -> None:
    it, _ = afternoon
    it.nuki.bring_online(it.locks["Garden room"])
    async with signed_in(it) as client:
        page = (await client.get("/")).text
        (action,) = set(re.findall(r'action="(/locks/\w+/look)"', page))
        assert (await client.post(action)).status_code == 303
        await it.settle()
        page = plain((await client.get("/")).text)
    assert "0 failed" in page
    assert "Garden room: the code of David Silva" not in page


def locks_in(page: str) -> dict[str, str]:
    """The table of locks: by name, battery, connection and when it was last seen, as they are read."""
    (table,) = re.findall(r'<table class="locks">.*?</table>', page, re.DOTALL)
    rows = {}
    for row in re.findall(r"<tr id=.*?</tr>", table, re.DOTALL):
        (name,) = re.findall(r'<span class="name">(.*?)</span>', row)
        row = re.sub(r"<meter.*?</meter>", "", row, flags=re.DOTALL)
        cells = re.findall(r'<td data-label="(Battery|Connection|Last seen)">(.*?)</td>', row, re.DOTALL)
        rows[name] = " | ".join(plain(cell).strip() for _, cell in cells)
    return rows


async def test_each_lock_is_shown_with_battery_connection_and_when_it_was_last_seen(
    afternoon: tuple[Scene, Hosted],
) -> None:
    page = await page_of(afternoon[0])
    assert locks_in(page) == {
        "Front door": "64 % | online | 14:15",
        "Flat 1": "90 % | online | 14:15",
        "Flat 2": "14 % | online | 14:15",
        # Away since five to two; what its battery had then is what is known.
        "Garden room": "90 % | offline | 13:55",
        "Loft": "not told | online | 14:15",
    }
