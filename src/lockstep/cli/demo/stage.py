"""The world of the demo: an emulated Nuki account and a calendar host, each on a port of its own, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2

from lockstep.cli.demo.story import FLAT_1, FLAT_2, FRONT, Books, What
from lockstep.cli.serving import serving
from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.feeds import FeedBoard, create_feed_app
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.settings import Settings
from lockstep.vendors.nuki.emulator.world import World

TOKEN = "demo-nuki-token"  # noqa: S105 - opens nothing but the emulator

_LOST = "reply_lost_after"
_WRITES = {"PUT": "a new code", "POST": "a changed code", "DELETE": "a code's removal"}


@dataclass(frozen=True, slots=True)
class LostReply:
    """The write whose answer never came, as the emulator's journal has it."""

    at: datetime
    what: str
    door: str
    times: int
    """How often the same was written: once, since looking tells that it was done."""


class Stage:
    """What the demo may do to the world; the doors are asked through the emulator's own port."""

    def __init__(self, clock: VirtualClock, books: Books, nuki: str, http: httpx2.AsyncClient) -> None:
        self.nuki = nuki
        self.calendars = ""
        self.books = books
        self.board = FeedBoard(clock)
        self._http = http
        self.locks: dict[str, str] = {}

    async def furnish(self) -> None:
        """Three locks: a front door shared by two flats."""
        for name in (FRONT, FLAT_1, FLAT_2):
            made = await self._control("POST", "/locks", {"name": name, "time_zone": "Europe/Berlin"})
            self.locks[name] = str(made["id"])
        self.publish()

    def publish(self) -> dict[str, str]:
        """Serve the calendars as the books stand; returns their addresses."""
        return {
            flat: self.calendars + self.board.put(flat.replace(" ", "-"), "airbnb", stays)
            for flat, stays in self.books.stays.items()
        }

    async def lose_a_reply(self) -> None:
        """The answer to the second write is lost on its way, after it was done."""
        await self._control("POST", "/faults", {"kind": _LOST, "mutating": True, "skip": 1, "times": 1})

    async def lost_reply(self) -> LostReply | None:
        """Which write it was; None where none was hit so far."""
        calls = (await self._control("GET", "/journal", None))["calls"]
        doors = {lock: door for door, lock in self.locks.items()}
        for call in calls:
            if call["fault"] == _LOST:
                _, _, lock, *_ = call["path"].split("/")
                at, what = datetime.fromisoformat(call["at"]), _WRITES[call["method"]]
                return LostReply(at, what, doors[lock], sum(_is_same(call, other) for other in calls))
        return None

    async def happen(self, what: What) -> None:
        match what:
            case What.EXTENDED:
                self.books.extend_chloe()
                self.publish()
            case What.CANCELLED:
                self.books.cancel_david()
                self.publish()
            case What.EDITED_IN_APP:
                await self._cut_short_at(FLAT_1)
            case What.OFFLINE:
                await self._control("POST", f"/locks/{self.locks[FLAT_2]}/offline", {})
            case What.ONLINE:
                await self._control("POST", f"/locks/{self.locks[FLAT_2]}/online", {})

    async def enter(self, door: str, code: str) -> bool:
        """Type the code at the door; the lock itself decides."""
        said = await self._control("POST", f"/locks/{self.locks[door]}/enter", {"code": code})
        return bool(said["opened"])

    async def _cut_short_at(self, door: str) -> None:
        """As in the vendor's app: the code that is valid first loses its end."""
        lock = self.locks[door]
        state = await self._control("GET", f"/locks/{lock}", None)
        codes = [c for c in state["codes"] if c["starts_at"] and c["code"]]
        first = min(codes, key=lambda c: str(c["starts_at"]))
        edited = {"name": first["name"], "allowedUntilDate": "2026-06-01T20:00:00.000Z"}
        await self._control("PUT", f"/locks/{lock}/codes/{first['reference']}", edited)

    async def _control(self, method: str, path: str, body: Any) -> Any:
        answer = await self._http.request(method, f"{self.nuki}/_emulator{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else {}


def _is_same(one: Any, other: Any) -> bool:
    """Whether two calls of the journal write the same code; its name is nobody else's."""
    return all(one[part] == other[part] for part in ("method", "path")) and _name(one) == _name(other)


def _name(call: Any) -> str | None:
    return call["body"].get("name") if isinstance(call["body"], dict) else None


@asynccontextmanager
async def staged(clock: VirtualClock, books: Books) -> AsyncIterator[Stage]:
    """Start both servers, each on a free port of loopback."""
    world = World(clock, Settings(app_changes="at_once", keeps_digits_in_journal=False))
    world.allow(TOKEN)
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as http, serving(create_app(world)) as nuki:
        stage = Stage(clock, books, nuki, http)
        async with serving(create_feed_app(stage.board)) as calendars:
            stage.calendars = calendars
            await stage.furnish()
            yield stage
