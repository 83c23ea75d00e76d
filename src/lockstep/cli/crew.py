"""All that one process does unasked: the queues and the sweeps, begun again after a fault, ended with grace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from random import Random
from typing import Protocol

import structlog

from lockstep.cli.wiring import Built
from lockstep.kit.backoff import full_jitter
from lockstep.workers.loop import drain
from lockstep.workers.sweeps.held_bookings import try_all_again
from lockstep.workers.sweeps.sequencer import sequence_all

log = structlog.get_logger()

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(seconds=30)


class _Part(Protocol):
    @property
    def listening(self) -> asyncio.Event: ...

    async def run(self) -> None: ...

    def stop(self) -> None: ...


class Crew:
    """Runs until `stop`. A database that goes away ends a part; it is begun anew, later and later."""

    def __init__(self, built: Built) -> None:
        self._stopping = asyncio.Event()
        self._kept = [
            _Kept("queues", built.loop, self._stopping),
            _Kept("sweeps", built.sweeps, self._stopping),
        ]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for kept in self._kept:
                group.create_task(kept.keep())

    def stop(self) -> None:
        """Claim nothing more; `run` ends when what is under way has ended."""
        self._stopping.set()
        for kept in self._kept:
            kept.stop()

    def is_at_work(self) -> bool:
        """Whether every part runs and hears of new work."""
        return all(kept.is_at_work() for kept in self._kept)


@asynccontextmanager
async def working(crew: Crew | None) -> AsyncIterator[None]:
    """The crew works within, and has ended its work afterwards. None: nobody works here."""
    if crew is None:
        yield
        return
    task = asyncio.create_task(crew.run())
    try:
        yield
    finally:
        crew.stop()
        await task


async def work_once(built: Built) -> int:
    """Do everything that is due now, until nothing is; how many rows were worked on."""
    count = 0
    while True:
        worked = await drain(built.gate, built.processes)
        tried = await try_all_again(built.gate)
        told = await sequence_all(built.gate)
        count += worked
        if not worked and not tried and not told:
            return count


class _Kept:
    """One part, begun again whenever it fails."""

    def __init__(self, name: str, make: Callable[[], _Part], stopping: asyncio.Event) -> None:
        self._name = name
        self._make = make
        self._stopping = stopping
        self._part: _Part | None = None

    async def keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._part = self._make()
            try:
                await self._part.run()
            except Exception:
                was_well = self._part.listening.is_set()
                failures = 1 if was_well else failures + 1
                log.exception("workers_failed", part=self._name, failures=failures)
            finally:
                self._part = None
            if not self._stopping.is_set():
                await self._pause(max(failures, 1))

    async def _pause(self, failures: int) -> None:
        wait = full_jitter(failures, first=_FIRST_PAUSE, most=_LONGEST_PAUSE, random=Random())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), wait.total_seconds())

    def stop(self) -> None:
        if self._part is not None:
            self._part.stop()

    def is_at_work(self) -> bool:
        return self._part is not None and self._part.listening.is_set()
