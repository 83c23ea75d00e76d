"""Runs the sweeps of one process: the sequencer as soon as something is told, held bookings when they are due to be
tried again, pools of backup codes when they are due to be looked at, retention once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from lockstep.operations.gate import Gate
from lockstep.operations.held_bookings import next_try_at
from lockstep.operations.pool_keeping import next_look_at
from lockstep.storage.backup_pools import BELL
from lockstep.storage.claims import WAKE
from lockstep.workers.sweeps.backup_pools import fill_all
from lockstep.workers.sweeps.held_bookings import try_all_again
from lockstep.workers.sweeps.retention import next_sweep_at, sweep_all
from lockstep.workers.sweeps.sequencer import sequence_all

log = structlog.get_logger()

_LONGEST_SLEEP_SECONDS = 30.0
_GATHERING_SECONDS = 0.05
"""Where events came while others were placed, more are coming: by tens they take a third of what they take by ones."""
_GATHERING_MANY_SECONDS = 0.2
_MANY = 30
"""So many at a time come only where hundreds come in a second. Then the rounds take more than what is placed in them,
and whoever waits for an event has others to read meanwhile."""
_LONGEST_SLEEP_OF_POOLS_SECONDS = 600.0
"""Who changes a pool rings; only that ring may be lost."""


class Sweeps:
    """`run` ends soon after `stop`. Any number of processes may run it at once."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._told = asyncio.Event()
        self._placed = 0
        self._pools = asyncio.Event()
        self._stopping = asyncio.Event()
        self.listening = asyncio.Event()

    async def run(self) -> None:
        unlisten = await self._gate.database.listen(WAKE, self._hear)
        self.listening.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sequence())
                group.create_task(self._retain())
                group.create_task(self._try_again())
                group.create_task(self._fill_pools())
        finally:
            await unlisten()

    def stop(self) -> None:
        self._stopping.set()
        self._told.set()
        self._pools.set()

    def _hear(self, what: str) -> None:
        if what == "events":
            self._told.set()
        elif what == BELL:
            self._pools.set()

    async def _sequence(self) -> None:
        while not self._stopping.is_set():
            self._told.clear()
            await _attempt("sequencing_failed", self._place)
            if self._told.is_set():
                is_busy = self._placed >= _MANY
                await self._sleep(None, _GATHERING_MANY_SECONDS if is_busy else _GATHERING_SECONDS)
            # A notification may be lost together with its connection, so look now and then unasked.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _LONGEST_SLEEP_SECONDS)

    async def _place(self) -> None:
        self._placed = 0
        self._placed = await sequence_all(self._gate)

    async def _retain(self) -> None:
        while not self._stopping.is_set():
            await _attempt("retention_failed", lambda: sweep_all(self._gate))
            await self._sleep(await next_sweep_at(self._gate))

    async def _try_again(self) -> None:
        while not self._stopping.is_set():
            until = await next_try_at(self._gate)
            if until is not None and until <= self._gate.clock.now():
                if await _attempt("trying_again_failed", lambda: try_all_again(self._gate)):
                    continue
                until = None
            # Another process may hold one meanwhile, so look now and then unasked.
            await self._sleep(until, _LONGEST_SLEEP_SECONDS)

    async def _fill_pools(self) -> None:
        while not self._stopping.is_set():
            self._pools.clear()
            until = await next_look_at(self._gate)
            if until is not None and until <= self._gate.clock.now():
                if await _attempt("filling_pools_failed", lambda: fill_all(self._gate)):
                    continue
                until = None
            await self._sleep(until, _LONGEST_SLEEP_OF_POOLS_SECONDS, self._pools)

    async def _sleep(
        self,
        until: datetime | None,
        longest_seconds: float | None = None,
        woken: asyncio.Event | None = None,
    ) -> None:
        """Until then, or the end is asked for, or somebody rings; at most so many seconds of real time."""
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future((woken or self._stopping).wait())}
        if until is not None:
            waits.add(asyncio.ensure_future(self._gate.clock.wait_until(until)))
        await asyncio.wait(waits, timeout=longest_seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _attempt(failure: str, work: Callable[[], Awaitable[object]]) -> bool:
    try:
        await work()
    except Exception:
        log.exception(failure)
        return False
    return True
