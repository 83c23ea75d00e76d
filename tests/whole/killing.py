"""Steps a coroutine from one suspension point to the next, and destroys whoever runs it at the one that is told."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
from tests.whole.house import House
from tests.whole.stage import Stage

from lockstep.operations.gate import Gate
from lockstep.storage.bell import Bell
from lockstep.storage.database import Database


class Killed(BaseException):
    """The stepped work was destroyed: not one line of it has run since."""


Place = tuple[str, ...]
"""Where a coroutine is suspended: file and line of each frame that can be seen, the outermost first."""


class Stepped:
    """Awaits `work`, writing down each place at which it is suspended (at the event loop: every read from the database
    or the vendor, every commit). At point `kill_at` it is left where it stands: no `finally`, no `except`, no
    clean-up."""

    def __init__(self, work: Coroutine[Any, Any, None], kill_at: int | None = None) -> None:
        self._work = work
        self._kill_at = kill_at
        self.places: list[Place] = []

    def __await__(self) -> Generator[Any, Any, None]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                yield from self.before_step()
            except BaseException as thrown:  # handed on to the work, as what comes while it is suspended
                value, error = None, thrown
            try:
                waits_for = self._go_on(value, error)
            except StopIteration:
                return
            if (place := _place(self._work)) is not None:
                self.places.append(place)
                if len(self.places) == self._kill_at:
                    self._let_lie(waits_for)
                    raise Killed
            value, error = None, None
            try:
                value = yield waits_for
            except BaseException as thrown:  # handed on to the work, whatever it is
                error = thrown

    def before_step(self) -> Generator[Any, Any, None]:
        """Where a step may have to wait for its turn."""
        yield from ()

    def _go_on(self, value: Any, error: BaseException | None) -> Any:
        # The loop would close the generators of a dead worker when it ends itself: it is not told of them.
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return self._work.send(value) if error is None else self._work.throw(error)
        finally:
            sys.set_asyncgen_hooks(*hooks)

    def _let_lie(self, waits_for: Any) -> None:
        # Collected, it would be closed, and its clean-up would run after all.
        _GRAVEYARD.append(self._work)
        if isinstance(waits_for, asyncio.Future):
            waits_for.add_done_callback(lambda f: f.cancelled() or f.exception())


_GRAVEYARD: list[Coroutine[Any, Any, None]] = []


def _place(work: Any) -> Place | None:
    """None: a connection learns a statement that is new to it. Which are new depends on who used it before, and the
    database is left as at the point before."""
    found: list[str] = []
    while (frame := _frame(work)) is not None:
        if frame.f_code is _LEARNS:
            return None
        found.append(f"{_name(frame.f_code.co_filename)}:{frame.f_lineno}")
        work = _awaited(work, frame)
    return tuple(found)


@functools.cache
def _name(file: str) -> str:
    return Path(file).name


def _frame(work: Any) -> Any:
    return getattr(work, "cr_frame", None) or getattr(work, "ag_frame", None)


def _awaited(work: Any, frame: Any) -> Any:
    if frame.f_code in _ENTERING:
        # What it awaits does not tell which generator it stands for.
        return frame.f_locals["self"].gen
    return work.ag_await if hasattr(work, "ag_await") else work.cr_await


_ENTERING = (
    contextlib._AsyncGeneratorContextManager.__aenter__.__code__,
    contextlib._AsyncGeneratorContextManager.__aexit__.__code__,
)
_LEARNS = cast(Any, asyncpg.Connection)._get_statement.__code__


@dataclass(frozen=True, slots=True)
class Life:
    """Of a worker: the places at which it was suspended, and whether it was destroyed at the last."""

    places: list[Place]
    is_killed: bool


async def destroyed(stage: Stage, database: Database, span: timedelta, kill_at: int | None) -> Life:
    """A worker of its own works for `span` and is destroyed at the point `kill_at`, if it comes to that. None: it
    lives. `database`: two connections, which have only been used by those who were destroyed before: those that were
    in use at that moment were cut, the others are as new."""
    await _entered(database, stage)
    # What the bell does beside the work must not make the work wait for a connection now and then: its points are
    # the same each time.
    database._bell = Bell(stage.house.gate.database._across)
    gate = stage.house.gate
    own = Gate(database, gate.clock, gate.sealer, gate.random, gate.vendors, gate.vendor_http)
    victim = House(own, stage.house.actor, stage.clock)
    stepped = Stepped(victim.advance(stage.clock.now() + span), kill_at)

    async def live() -> bool:
        try:
            await stepped
        except Killed:
            return True
        return False

    # A task of its own: time limits that the dead one has set may strike it, and nobody else.
    is_killed = await asyncio.create_task(live())
    await _cut_off(stage, database)
    return Life(stepped.places, is_killed)


async def _entered(database: Database, stage: Stage) -> None:
    """Each connection is there and within its workspace, so that there are as many points for all."""
    for workspace_id in (None, stage.house.actor.workspace_id):
        async with database.reading(workspace_id):
            pass


async def _cut_off(stage: Stage, database: Database) -> None:
    """The sockets that were in use are gone at once, as those of a process that died, and the server has noticed it."""
    pools: list[Any] = [database._pool, database._across]
    in_use = [holder for pool in pools for holder in pool._holders if not holder.is_idle()]
    pids = [holder._con.get_server_pid() for holder in in_use]
    for holder in in_use:
        holder.terminate()
    async with stage.house.gate.database.reading(None) as db:
        while pids and await db.fetchval("select count(*) from pg_stat_activity where pid = any($1)", pids):
            pass
