"""Pulling a calendar over real HTTP: what a feed may do, and that no fault is mistaken for a reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network

import httpx2
import pytest
from tests.serving import serving

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.feed_text import HostStay
from lockstep.emulation.feeds import FeedBoard, FeedFaultKind, create_feed_app
from lockstep.kit.outbound import OutboundLimits, OutboundPolicy
from lockstep.model.feed import FeedDoubt, FeedKnowledge, FeedPolicy, FeedReading, KnownStay
from lockstep.model.feed_decision import decide
from lockstep.model.stay_window import HouseTimes
from lockstep.workers.calendars.fetch import CALENDAR_LIMITS, NotModified, Pulled, PullFault, pull
from lockstep.workers.calendars.ical import read_calendar

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOUSE = HouseTimes("Europe/Lisbon", time(15), time(11))
OPEN = OutboundPolicy(allow_private=True)
# The calendar's host plays the internet; every other private address stays refused.
LOOPBACK_ONLY = OutboundPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
QUICK = OutboundLimits(seconds=0.5)
STAYS = [
    HostStay(n, date(2025, 6, 1 + 4 * n), date(2025, 6, 4 + 4 * n), phone_last4="4711") for n in range(6)
]


@dataclass
class Served:
    board: FeedBoard
    address: str

    def url(self, path: str) -> str:
        return self.address + path


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """The emulated host of calendars, on a port of its own."""
    board = FeedBoard(VirtualClock(NOW))
    async with serving(create_feed_app(board), waits=False) as address:
        yield Served(board, address)


async def get(
    url: str,
    etag: str | None = None,
    policy: OutboundPolicy = OPEN,
    limits: OutboundLimits = CALENDAR_LIMITS,
) -> Pulled | NotModified | PullFault:
    return await pull(url, etag, None, policy, now=NOW, limits=limits)


async def test_a_calendar_is_fetched_and_read(served: Served) -> None:
    pulled = await get(served.url(served.board.put("flat", "airbnb", STAYS)))
    assert isinstance(pulled, Pulled)
    reading = read_calendar(pulled.body, pulled.content_type, now=NOW, house=HOUSE)
    assert isinstance(reading, FeedReading)
    assert [stay.arrives for stay in reading.stays] == [stay.arrives for stay in STAYS]


async def test_an_unchanged_calendar_is_not_sent_twice_and_a_changed_one_is(served: Served) -> None:
    path = served.board.put("flat", "airbnb", STAYS)
    first = await get(served.url(path))
    assert isinstance(first, Pulled)
    assert first.etag is not None
    assert await get(served.url(path), first.etag) == NotModified()
    served.board.put("flat", "airbnb", STAYS[:-1])
    assert isinstance(await get(served.url(path), first.etag), Pulled)


FAULTS = {
    FeedFaultKind.EMPTY_BODY: "feed_empty",
    FeedFaultKind.ERROR_500: "feed_down",
    FeedFaultKind.NOT_FOUND: "feed_gone",
    FeedFaultKind.HTML: "feed_is_html",
    FeedFaultKind.TRUNCATED: "feed_truncated",
    FeedFaultKind.CUT: "answer_broken",
    FeedFaultKind.UNASKED_304: "feed_status_odd",
    FeedFaultKind.SLOW: "too_slow",
    FeedFaultKind.HUGE: "too_large",
    FeedFaultKind.BOMB: "too_large",
    FeedFaultKind.TO_PRIVATE: "address_refused",
    FeedFaultKind.NO_ENTRIES: "lost_all",
}


def test_every_fault_of_the_emulated_host_has_its_case() -> None:
    # What is stuck answers well whoever asks for the whole, which is told in test_quiet.py.
    assert set(FAULTS) == set(FeedFaultKind) - {FeedFaultKind.STUCK_304}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_no_fault_of_a_feed_revokes_anything_however_long_it_lasts(
    served: Served, fault: FeedFaultKind
) -> None:
    path = served.board.put("flat", "airbnb", STAYS)
    before = await get(served.url(path))
    assert isinstance(before, Pulled)
    reading = read_calendar(before.body, before.content_type, now=NOW, house=HOUSE)
    assert isinstance(reading, FeedReading)
    known = FeedKnowledge(tuple(KnownStay(stay.uid, stay, stay.window) for stay in reading.stays))

    served.board.feeds["flat"].fault = fault
    limits = QUICK if fault is FeedFaultKind.SLOW else CALENDAR_LIMITS
    pulled = await get(served.url(path), policy=LOOPBACK_ONLY, limits=limits)
    if isinstance(pulled, PullFault):
        assert pulled.code == FAULTS[fault]
        return
    assert isinstance(pulled, Pulled)
    for quarter in range(10):
        now = NOW + quarter * timedelta(minutes=15)
        after = read_calendar(pulled.body, pulled.content_type, now=now, house=HOUSE)
        decision = decide(known, after, FeedPolicy(), now)
        assert not decision.cancel
        assert not decision.change
        code = decision.held.code if decision.held else after.code if isinstance(after, FeedDoubt) else None
        assert code == FAULTS[fault]


async def test_a_304_to_a_question_that_allowed_it_cancels_nothing(served: Served) -> None:
    path = served.board.put("flat", "airbnb", STAYS)
    served.board.feeds["flat"].fault = FeedFaultKind.UNASKED_304
    assert await get(served.url(path), '"any"') == NotModified()


async def test_a_calendar_inside_the_house_is_refused_unless_the_settings_allow_it(served: Served) -> None:
    pulled = await get(served.url(served.board.put("flat", "airbnb", STAYS)), policy=OutboundPolicy())
    assert isinstance(pulled, PullFault)
    assert pulled.code == "address_refused"
    assert served.board.feeds["flat"].asked == 0


@pytest.mark.parametrize(
    "url", ["webcal://127.0.0.1:1/x", "webcals://127.0.0.1:1/x", " https://127.0.0.1:1/x "]
)
async def test_a_webcal_address_is_read_over_https(url: str) -> None:
    pulled = await get(url)
    assert isinstance(pulled, PullFault)
    assert (pulled.code, "https://127.0.0.1" in pulled.what) == ("unreachable", True)


async def test_no_fault_shows_the_secret_part_of_an_address(served: Served) -> None:
    path = served.board.put("flat", "airbnb", STAYS)
    for fault in (FeedFaultKind.ERROR_500, FeedFaultKind.NOT_FOUND, FeedFaultKind.HUGE, FeedFaultKind.CUT):
        served.board.feeds["flat"].fault = fault
        pulled = await get(served.url(path))
        assert isinstance(pulled, PullFault)
        assert "127.0.0.1" in pulled.what
        assert "s3cret" not in repr(pulled)
        assert ".ics" not in repr(pulled)


async def _answering(status: str, *lines: str) -> tuple[asyncio.Server, str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *lines, "", ""]).encode())
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/c.ics"


@pytest.mark.parametrize(
    ("status", "retry_after", "code", "wait"),
    [
        ("429 Slow down", "120", "feed_busy", 120),
        ("503 Busy", "Sun, 01 Jun 2025 12:10:00 GMT", "feed_down", 600),
        ("503 Busy", "Sun, 01 Jun 2025 11:00:00 GMT", "feed_down", 0),
        ("429 Slow down", "99999999", "feed_busy", 86_400),
        ("429 Slow down", "soon", "feed_busy", None),
        ("401 Who", "", "feed_refused", None),
        ("403 No", "", "feed_refused", None),
        ("410 Gone", "", "feed_gone", None),
        ("204 Nothing", "", "feed_status_odd", None),
        ("300 Choose", "", "feed_status_odd", None),
        ("418 Teapot", "", "feed_status_odd", None),
    ],
)
async def test_every_status_but_200_is_a_fault_with_its_next_step(
    status: str, retry_after: str, code: str, wait: int | None
) -> None:
    server, url = await _answering(status, *([f"Retry-After: {retry_after}"] if retry_after else []))
    async with server:
        pulled = await get(url)
    assert isinstance(pulled, PullFault)
    assert (pulled.code, bool(pulled.next_step)) == (code, True)
    assert pulled.retry_after == (None if wait is None else timedelta(seconds=wait))


async def test_the_emulated_host_is_set_over_http_too(served: Served) -> None:
    stay = {"number": 1, "arrives": "2025-06-05", "departs": "2025-06-08", "guest_name": "Ana"}
    async with httpx2.AsyncClient(base_url=served.address) as client:
        put = await client.put("/_emulator/feeds/villa", json={"platform": "vrbo", "stays": [stay]})
        path = put.json()["path"]
        assert "Reserved - Ana" in (await client.get(path)).text
        await client.put("/_emulator/feeds/villa/fault", json={"fault": "error_500"})
        assert (await client.get(path)).status_code == 500
        await client.put("/_emulator/feeds/villa/fault", json={"fault": None})
        assert (await client.get(path)).status_code == 200
        assert (await client.get(path.replace("s3cret", "guess"))).status_code == 404
