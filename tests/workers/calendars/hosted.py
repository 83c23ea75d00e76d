"""A host of calendars on loopback, a property that follows them, and time that passes reading by reading."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.operations.places import ask, codes_of
from tests.serving import serving

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.feed_text import HostStay
from lockstep.emulation.feeds import FeedBoard, FeedFaultKind, create_feed_app
from lockstep.model.permissions import Actor
from lockstep.operations import bookings, calendars
from lockstep.operations.bookings import Booking, ListBookings
from lockstep.operations.calendars import AddCalendar, Calendar, NameCalendar
from lockstep.operations.gate import Gate
from lockstep.storage import claims
from lockstep.workers.calendars.pull import Puller
from lockstep.workers.loop import drain

QUARTER = timedelta(minutes=15)


def stay(number: int, arrives: int, departs: int, **fields: Any) -> HostStay:
    """By days of June 2026."""
    return HostStay(number, date(2026, 6, arrives), date(2026, 6, departs), **fields)


@dataclass
class Hosted:
    """What a test of calendars tells: what platforms show, and what Lockstep makes of it."""

    gate: Gate
    owner: Actor
    clock: VirtualClock
    board: FeedBoard
    address: str

    def url(self, name: str, platform: str, stays: Sequence[HostStay]) -> str:
        return self.address + self.board.put(name, platform, stays)

    async def add(self, space_id: str, name: str, platform: str, *stays: HostStay, **fields: Any) -> Calendar:
        """Add a calendar and read it once."""
        command = AddCalendar(space_id, self.url(name, platform, stays), name, **fields)
        calendar = await ask(self.gate, self.owner, calendars.add, command)
        await self.read()
        return await self.get(calendar)

    def show(self, name: str, *stays: HostStay) -> None:
        self.board.put(name, self.board.feeds[name].platform, stays)

    def fault(self, name: str, fault: FeedFaultKind | None) -> None:
        self.board.feeds[name].fault = fault

    async def read(self) -> int:
        """Read what is due now."""
        return await drain(self.gate, {"calendars": Puller(self.gate).process}, most=100)

    async def quarters(self, count: int) -> None:
        """Let quarters of an hour pass, reading at each."""
        for _ in range(count):
            self.clock.advance(QUARTER)
            await self.read()

    async def until(self, at: datetime) -> None:
        """Let time pass without reading in between, then read."""
        self.clock.set(at)
        await self.read()

    async def get(self, calendar: Calendar) -> Calendar:
        return await ask(self.gate, self.owner, calendars.get, NameCalendar(calendar.calendar_id))

    async def bookings(self, **fields: Any) -> list[Booking]:
        return list(await ask(self.gate, self.owner, bookings.listed, ListBookings(**fields)))

    async def living(self) -> list[tuple[date, date]]:
        """Dates of the bookings that open something."""
        found = await self.bookings(state="confirmed", since=self.clock.now())
        return [(b.arrives, b.departs) for b in found if await codes_of(self.gate, self.owner, b.booking_id)]

    async def next_look(self) -> timedelta | None:
        async with self.gate.database.reading(None) as db:
            due_at = await claims.next_due(db, "calendars")
        return None if due_at is None else due_at - self.clock.now()

    async def told(self, *kinds: str) -> int:
        """How many events of these kinds there are."""
        async with self.gate.reading(self.owner.workspace_id) as tx:
            count = await tx.db.fetchval("select count(*) from events where kind = any($1)", list(kinds))
        return int(count)

    async def all_that_is_kept(self) -> dict[str, list[str]]:
        """Every row, but for the columns of claims."""
        claim = "- 'due_at' - 'leased_until' - 'lease_epoch' - 'generation' - 'applied_generation'"
        kept = {}
        async with self.gate.reading(self.owner.workspace_id) as tx:
            for table in ("calendars", "bookings", "guests", "grants", "entries", "access_codes", "events"):
                rows = await tx.db.fetch(f"select (to_jsonb(t) {claim})::text as row from {table} t")
                kept[table] = sorted(row["row"] for row in rows)
        return kept


@asynccontextmanager
async def hosting(gate: Gate, owner: Actor, clock: VirtualClock) -> AsyncIterator[Hosted]:
    board = FeedBoard(clock)
    async with serving(create_feed_app(board), waits=False) as address:
        yield Hosted(gate, owner, clock, board, address)
