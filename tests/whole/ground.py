"""What many lives on one database share, so that each costs little: an event loop, warm connections, a vendor that can
be called in-process, and a host of booking calendars."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import asyncpg
import httpx2
import uvloop
from tests.connections import Emptying
from tests.serving import serving
from tests.whole.house import SEALER, House
from tests.whole.interleaving import cut_off

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.feeds import FeedBoard, create_feed_app
from lockstep.kit.ids import new_id, public_id
from lockstep.kit.outbound import OutboundPolicy
from lockstep.model.permissions import system
from lockstep.operations.gate import Gate
from lockstep.storage import workspaces
from lockstep.storage.database import Database
from lockstep.vendors import VENDORS
from lockstep.workers.calendars.pull import Puller
from lockstep.workers.reconciler.reconcile import ReconcileSettings
from lockstep.workers.reconciler.writing import WriteSettings

T = TypeVar("T")
PATIENCE = timedelta(seconds=0.25)
"""How long a worker of this house waits for a vendor: short, so that one that is slow costs the test little."""
MOST_AT_ONCE = 4
"""Processes."""


class Lines(httpx2.AsyncBaseTransport):
    """Calls to the vendor of the present life. One whose caller has given up, or died, is still carried out."""

    def __init__(self) -> None:
        self.vendor: httpx2.ASGITransport | None = None
        self._under_way: set[asyncio.Task[httpx2.Response]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert self.vendor is not None
        call = asyncio.create_task(self.vendor.handle_async_request(request))
        self._under_way.add(call)
        call.add_done_callback(self._ended)
        return await asyncio.shield(call)

    def _ended(self, call: asyncio.Task[httpx2.Response]) -> None:
        self._under_way.discard(call)
        if not call.cancelled():
            call.exception()  # told to the caller, if there still is one

    async def quiet(self) -> None:
        """Until the vendor has answered every call."""
        while self._under_way:
            await asyncio.wait(self._under_way)


class Ground:
    """One for all lives of a test; each begins with `new_house`."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self._loop = uvloop.new_event_loop()
        self._stack = AsyncExitStack()
        self._lines = Lines()

    def run(self, work: Awaitable[T]) -> T:
        async def go() -> T:
            return await work

        return self._loop.run_until_complete(go())

    async def open(self) -> None:
        connection = await asyncpg.connect(self.database_url)
        self._stack.push_async_callback(connection.close)
        self.above_all: asyncpg.Connection = connection
        self._emptying = await Emptying.on(connection)
        self.databases = []
        for _ in range(MOST_AT_ONCE):
            database = await Database.open(self.database_url, most_connections=4)
            self._stack.push_async_callback(database.close)
            self.databases.append(database)
        client = httpx2.AsyncClient(transport=self._lines, trust_env=False)
        self._http = await self._stack.enter_async_context(client)
        self.board = FeedBoard(VirtualClock.__new__(VirtualClock))
        self.feeds_at = await self._stack.enter_async_context(serving(create_feed_app(self.board)))

    def abandon(self) -> None:
        """Whoever is left in the middle of something is not waited for."""
        for database in self.databases:
            self.run(cut_off(database))
        self.close()

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._loop.close()

    async def new_house(self, clock: VirtualClock, vendor: Any, random: Random) -> LivelyHouse:
        """A workspace on the emptied database, with `vendor` (ASGI) as the world."""
        await self._lines.quiet()
        await self._emptying()
        self.board.clock = clock
        self.board.feeds.clear()
        self._lines.vendor = httpx2.ASGITransport(vendor)
        gate = Gate(
            self.databases[0],
            clock,
            SEALER,
            random,
            VENDORS,
            self._http,
            OutboundPolicy(allow_private=True),
        )
        workspace_id = new_id()
        async with gate.database.transaction(None) as db:
            await workspaces.insert(
                db, workspace_id, public_id("ws", workspace_id), "Test", b"salt" * 4, clock.now()
            )
        return LivelyHouse(gate, system(workspace_id, "test"), clock, self._lines)


class LivelyHouse(House):
    """A house that reads calendars too. Time does not pass while the vendor is at a call."""

    def __init__(self, gate: Gate, actor: Any, clock: VirtualClock, lines: Lines) -> None:
        self.lines = lines
        super().__init__(
            gate,
            actor,
            clock,
            ReconcileSettings(between_readings=timedelta(0), write=WriteSettings(call_timeout=PATIENCE)),
        )

    def restart(self) -> None:
        super().restart()
        self.processes["calendars"] = Puller(self.gate).process

    async def work(self) -> int:
        count = await super().work()
        await self.lines.quiet()
        return count

    async def _move_to(self, at: datetime) -> None:
        await self.lines.quiet()
        await super()._move_to(at)

    def beside(self, database: Database) -> LivelyHouse:
        return LivelyHouse(self.gate_on(database), self.actor, self.clock, self.lines)


@contextmanager
def ground(database_url: str) -> Iterator[Ground]:
    it = Ground(database_url)
    it.run(it.open())
    try:
        yield it
    except BaseException:
        it.abandon()
        raise
    it.close()
