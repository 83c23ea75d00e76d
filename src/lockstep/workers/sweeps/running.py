"""Runs the sweeps of one process: the sequencer as soon as something is told, retention once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from lockstep.operations.gate import Gate
from lockstep.storage.claims import WAKE
from lockstep.workers.sweeps.retention import next_sweep_at, sweep_all
from lockstep.workers.sweeps.sequencer import sequence_all

log = structlog.get_logger()

_LONGEST_SLEEP_SECONDS = 30.0


class Sweeps:
    """`run` ends soon after `stop`. Any number of processes may run it at once."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._told = asyncio.Event()
        self._stopping = asyncio.Event()
        self.listening = asyncio.Event()

    async def run(self) -> None:
        unlisten = await self._gate.database.listen(WAKE, self._hear)
        self.listening.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sequence())
                group.create_task(self._retain())
        finally:
            await unlisten()

    def stop(self) -> None:
        self._stopping.set()
        self._told.set()

    def _hear(self, what: str) -> None:
        if what == "events":
            self._told.set()

    async def _sequence(self) -> None:
        while not self._stopping.is_set():
            self._told.clear()
            await _attempt("sequencing_failed", lambda: sequence_all(self._gate))
            # A notification may be lost together with its connection, so look now and then unasked.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _LONGEST_SLEEP_SECONDS)

    async def _retain(self) -> None:
        while not self._stopping.is_set():
            await _attempt("retention_failed", lambda: sweep_all(self._gate))
            at = await next_sweep_at(self._gate)
            waits = {
                asyncio.ensure_future(self._gate.clock.wait_until(at)),
                asyncio.ensure_future(self._stopping.wait()),
            }
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def _attempt(failure: str, work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except Exception:
        log.exception(failure)
