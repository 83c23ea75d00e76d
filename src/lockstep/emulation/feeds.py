"""A host of booking calendars: serves each in its platform's format, keeps ETags, and goes wrong when told to.

For demos and tests. `PUT /_emulator/feeds/{name}` sets stays, `PUT /_emulator/feeds/{name}/fault` a fault; the
same in Python is `FeedBoard`.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from http import HTTPStatus

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lockstep.emulation.feed_text import FEED_WRITERS, HostStay
from lockstep.emulation.gate import CONTROL
from lockstep.kit.clock import Clock

CALENDAR_TYPE = "text/calendar; charset=utf-8"


class FeedFaultKind(StrEnum):
    """What a feed does instead of answering as it should; each lasts until it is cleared."""

    EMPTY_BODY = "empty_body"
    NO_ENTRIES = "no_entries"
    """A whole calendar without a single entry."""
    ERROR_500 = "error_500"
    NOT_FOUND = "not_found"
    HTML = "html"
    """A page to sign in, with status 200."""
    TRUNCATED = "truncated"
    """The first half of the calendar, as if it were all."""
    CUT = "cut"
    """The connection ends in the middle of the body."""
    UNASKED_304 = "unasked_304"
    STUCK_304 = "stuck_304"
    """Nothing changed, whatever did, for everybody who tells which version is known."""
    SLOW = "slow"
    """The answer never ends."""
    HUGE = "huge"
    """50 MB."""
    BOMB = "bomb"
    """50 MB, packed into 50 kB."""
    TO_PRIVATE = "to_private"
    """A redirect to a cloud's metadata address."""


@dataclass
class HostedFeed:
    """One calendar; `secret` is the part of its address that must not be shown."""

    platform: str
    stays: Sequence[HostStay] = ()
    fault: FeedFaultKind | None = None
    secret: str = "s3cret"  # noqa: S105  # of an emulated calendar
    asked: int = 0
    not_modified: int = 0


@dataclass
class FeedBoard:
    """All calendars of the host, by name. Times come from the clock that the rest of the demo lives by."""

    clock: Clock
    feeds: dict[str, HostedFeed] = field(default_factory=dict)

    def put(self, name: str, platform: str, stays: Sequence[HostStay]) -> str:
        """Serve `stays` in the format of `platform` (airbnb, booking_com, vrbo); returns the calendar's path."""
        feed = self.feeds.setdefault(name, HostedFeed(platform))
        feed.platform, feed.stays = platform, tuple(stays)
        return f"/calendar/ical/{name}.ics?s={feed.secret}"

    def text(self, name: str) -> str:
        """The calendar as it would be served now."""
        feed = self.feeds[name]
        return FEED_WRITERS[feed.platform](feed.stays, self.clock.now())


def create_feed_app(board: FeedBoard) -> Starlette:
    """The host's HTTP side."""

    async def calendar(request: Request) -> Response:
        feed = board.feeds.get(request.path_params["name"])
        if feed is None or request.query_params.get("s") != feed.secret:
            return Response("No such calendar.", HTTPStatus.NOT_FOUND)
        feed.asked += 1
        text = board.text(request.path_params["name"])
        known = request.headers.get("if-none-match")
        if feed.fault is None or (feed.fault is FeedFaultKind.STUCK_304 and known is None):
            return _good(feed, text, known, board)
        return _faulty(feed.fault, text)

    async def put_feed(request: Request) -> Response:
        wanted = msgspec.json.decode(await request.body(), type=_Wanted)
        path = board.put(request.path_params["name"], wanted.platform, [it.stay() for it in wanted.stays])
        return Response(msgspec.json.encode({"path": path}), media_type="application/json")

    async def put_fault(request: Request) -> Response:
        wanted = msgspec.json.decode(await request.body(), type=_WantedFault)
        board.feeds[request.path_params["name"]].fault = wanted.fault
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return Starlette(
        routes=[
            Route("/calendar/ical/{name}.ics", calendar),
            Route(f"{CONTROL}/feeds/{{name}}", put_feed, methods=["PUT"]),
            Route(f"{CONTROL}/feeds/{{name}}/fault", put_fault, methods=["PUT"]),
        ]
    )


class _WantedStay(msgspec.Struct, forbid_unknown_fields=True):
    number: int
    arrives: date
    departs: date
    guest_name: str = "Guest"
    phone_last4: str | None = "0000"
    is_block: bool = False

    def stay(self) -> HostStay:
        return HostStay(**msgspec.structs.asdict(self))


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    platform: str
    stays: list[_WantedStay]


class _WantedFault(msgspec.Struct, forbid_unknown_fields=True):
    fault: FeedFaultKind | None


def _good(feed: HostedFeed, text: str, known: str | None, board: FeedBoard) -> Response:
    # The tag is that of the stays and the day, not of DTSTAMP, which changes at every fetch.
    said = repr(
        [(s.number, s.arrives, s.departs, s.is_block, s.guest_name, s.phone_last4) for s in feed.stays]
    )
    tag = hashlib.sha256(f"{feed.platform} {board.clock.now().date()} {said}".encode()).hexdigest()[:20]
    headers = {"ETag": f'W/"{tag}"'}
    if known == headers["ETag"]:
        feed.not_modified += 1
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(text, headers=headers, media_type=CALENDAR_TYPE)


def _faulty(fault: FeedFaultKind, text: str) -> Response:
    match fault:
        case FeedFaultKind.EMPTY_BODY:
            return Response("", media_type=CALENDAR_TYPE)
        case FeedFaultKind.NO_ENTRIES:
            return Response(_without_entries(text), media_type=CALENDAR_TYPE)
        case FeedFaultKind.ERROR_500:
            return Response("Something went wrong.", HTTPStatus.INTERNAL_SERVER_ERROR)
        case FeedFaultKind.NOT_FOUND:
            return Response("Gone.", HTTPStatus.NOT_FOUND)
        case FeedFaultKind.HTML:
            return Response("<!DOCTYPE html><title>Sign in</title>", media_type="text/html")
        case FeedFaultKind.TRUNCATED:
            return Response(text[: len(text) // 2], media_type=CALENDAR_TYPE)
        case FeedFaultKind.CUT:
            # Less than announced: uvicorn closes the connection over it.
            headers = {"Content-Length": str(len(text.encode()))}
            return StreamingResponse(_pieces(text[:40].encode()), headers=headers, media_type=CALENDAR_TYPE)
        case FeedFaultKind.UNASKED_304 | FeedFaultKind.STUCK_304:
            return Response(status_code=HTTPStatus.NOT_MODIFIED)
        case FeedFaultKind.SLOW:
            return StreamingResponse(_endless(text.encode()), media_type=CALENDAR_TYPE)
        case FeedFaultKind.HUGE:
            return StreamingResponse(_pieces(*[b"X" * 1_000_000] * 50), media_type=CALENDAR_TYPE)
        case FeedFaultKind.BOMB:
            packed = gzip.compress(b"\0" * 50_000_000)
            return Response(packed, headers={"Content-Encoding": "gzip"}, media_type=CALENDAR_TYPE)
        case FeedFaultKind.TO_PRIVATE:
            return Response(status_code=302, headers={"Location": "http://169.254.169.254/latest/"})


def _without_entries(text: str) -> str:
    return text[: text.index("BEGIN:VEVENT")] + "END:VCALENDAR\r\n" if "BEGIN:VEVENT" in text else text


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _endless(beginning: bytes) -> AsyncIterator[bytes]:
    yield beginning[:20]
    # Ends when the client has gone: Starlette then cancels it.
    await asyncio.get_running_loop().create_future()
