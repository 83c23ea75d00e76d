"""Several workers at one instant: one step of one of them at a time, in an order that follows from chance alone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import asyncpg
from tests.whole.killing import Killed, Stepped

from lockstep.storage.database import Database

_SOON = 0.005
"""Seconds after which whoever was chosen and cannot go on is looked at: does it wait for another one?"""


class Player(Stepped):
    """Works on connections of its own, `database`, and goes on only when it is let."""

    def __init__(
        self, work: Coroutine[Any, Any, None], database: Database, kill_at: int | None = None
    ) -> None:
        super().__init__(work, kill_at)
        self.database = database
        self.ready = asyncio.Event()
        """What it waited for is there: it only waits to be let."""
        self._may_go: asyncio.Future[None] | None = None

    def before_step(self) -> Generator[Any, Any, None]:
        """Where a time limit strikes meanwhile, that is what it goes on with; but it still waits for its turn."""
        try:
            yield from self._turn()
        except asyncio.CancelledError:
            yield from self._turn()
            raise

    def _turn(self) -> Generator[Any, Any, None]:
        self._may_go = asyncio.get_running_loop().create_future()
        self.ready.set()
        yield from self._may_go

    async def is_killed(self) -> bool:
        """Whether it was destroyed. In a task of its own, since time limits that a dead one has set may strike it."""
        try:
            await self
        except Killed:
            return True
        return False

    async def step(self) -> None:
        """One step, to where it is suspended again."""
        assert self._may_go is not None
        self.ready.clear()
        if self._may_go.cancelled():
            # A time limit struck at this very moment.
            await self.ready.wait()
            self.ready.clear()
        self._may_go.set_result(None)
        # Whoever was let stands before us among those who go on next, and has gone on when we do.
        await asyncio.sleep(0)


async def interleaved(players: Sequence[Player], random: Random, above_all: asyncpg.Connection) -> list[bool]:
    """Let all of them work until each has ended: who was destroyed at its point. `above_all`: a connection that sees
    what the others wait for."""
    tasks = {player: asyncio.create_task(player.is_killed()) for player in players}
    dead: list[int] = []
    while living := [player for player in players if not tasks[player].done()]:
        player = await _who_can(random.choice(living), living, above_all)
        await player.step()
        if tasks[player].done() and await tasks[player]:
            dead += await cut_off(player.database)
    await gone(above_all, dead)
    return [await tasks[player] for player in players]


async def later(steps: int, work: Coroutine[Any, Any, None]) -> None:
    """`work`, begun when it has had so many turns."""
    for _ in range(steps):
        await asyncio.sleep(0)
    await work


async def _who_can(chosen: Player, living: Sequence[Player], above_all: asyncpg.Connection) -> Player:
    """`chosen`, when it can go on; another one where it waits for what only time or others can give."""
    while not chosen.ready.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(_SOON):
                await chosen.ready.wait()
        others = [p for p in living if p.ready.is_set() and p is not chosen]
        if not others or chosen.ready.is_set() or await _is_served(chosen, above_all):
            continue
        if not chosen.ready.is_set():
            return others[0]
    return chosen


async def _is_served(player: Player, above_all: asyncpg.Connection) -> bool:
    """Whether the database is at work for it, and not waiting for another one's lock."""
    return bool(
        await above_all.fetchval(
            """select exists (select from pg_stat_activity where pid = any($1)
               and state = 'active' and wait_event_type is distinct from 'Lock')""",
            backends(player.database),
        )
    )


def _pools(database: Database) -> list[Any]:
    return [database._pool, database._across]


def backends(database: Database) -> list[int]:
    """The server's processes that serve these connections."""
    holders = [holder for pool in _pools(database) for holder in pool._holders]
    return [h._con.get_server_pid() for h in holders if h._con is not None]


async def cut_off(database: Database) -> list[int]:
    """Its sockets are gone at once, as those of a process that died. The server's processes behind them: see `gone`."""
    served_by = backends(database)
    for pool in _pools(database):
        pool.terminate()
    ringing = database._bell._ringing
    if ringing is not None:
        # It rings in a task of its own, which died as well.
        ringing.cancel()
        await asyncio.wait([ringing])
    return served_by


async def gone(above_all: asyncpg.Connection, served_by: list[int]) -> None:
    """The server has noticed it, which it does not while it waits for somebody's lock."""
    while await above_all.fetchval("select count(*) from pg_stat_activity where pid = any($1)", served_by):
        pass
