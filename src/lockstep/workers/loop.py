"""The worker's loop: claims rows that are due, lets a processor act on each, sleeps until the next. Knows no noun."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from lockstep.operations.gate import Gate
from lockstep.storage import claims
from lockstep.storage.claims import WAKE, Claim, Queue

log = structlog.get_logger()

Process = Callable[[Claim], Awaitable[None]]
"""Acts on one claim and releases it. What it raises is a fault of ours: the lease lapses and it is tried again."""

_LONGEST_SLEEP_SECONDS = 30.0
_PAUSE_SECONDS = 1.0
_GROUP, _COMPANY_SECONDS = 4, 0.01
"""Where fewer rows could be claimed than this, others may end this soon."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    lease: timedelta = timedelta(seconds=60)
    """How long a claim is ours without renewal, on the database's clock."""
    at_once: int = 24
    """Rows of one queue worked on at a time by this process."""


class Loop:
    """One process's share of the work. `run` ends when `stop` was called and everything under way has ended."""

    def __init__(
        self, gate: Gate, processes: Mapping[Queue, Process], settings: LoopSettings | None = None
    ) -> None:
        self._gate = gate
        self._processes = processes
        self._settings = settings or LoopSettings()
        self._woken: dict[Queue, asyncio.Event] = {q: asyncio.Event() for q in processes}
        self._stopping = asyncio.Event()
        self.listening = asyncio.Event()

    async def run(self) -> None:
        unlisten = await self._gate.database.listen(WAKE, self._hear)
        self.listening.set()
        try:
            async with asyncio.TaskGroup() as group:
                for queue in self._processes:
                    group.create_task(self._serve(queue))
        finally:
            await unlisten()

    def stop(self) -> None:
        """Claim nothing more; what is under way is ended first."""
        self._stopping.set()
        for event in self._woken.values():
            event.set()

    def _hear(self, queue: str) -> None:
        if queue in self._woken:
            self._woken[queue].set()

    async def _serve(self, queue: Queue) -> None:
        under_way: set[asyncio.Task[None]] = set()
        while not self._stopping.is_set():
            self._woken[queue].clear()
            under_way = {t for t in under_way if not t.done()}
            free = self._settings.at_once - len(under_way)
            if free < min(_GROUP, self._settings.at_once) and under_way:
                # One claim for several, and those that begin together share what they ask the database.
                await asyncio.wait(under_way, timeout=_COMPANY_SECONDS, return_when=asyncio.ALL_COMPLETED)
                under_way = {t for t in under_way if not t.done()}
                free = self._settings.at_once - len(under_way)
            try:
                claimed = await claim_some(self._gate, queue, self._settings.lease, free) if free else []
                under_way |= {asyncio.create_task(self._process(queue, c)) for c in claimed}
                if not claimed:
                    await self._sleep(queue, under_way, is_full=not free)
            except Exception:
                # The database is away, or restarts: what is due stays due.
                log.exception("claim_failed", queue=queue)
                await self._pause()
        if under_way:
            await asyncio.wait(under_way)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_SECONDS):
                await self._stopping.wait()

    async def _process(self, queue: Queue, claimed: Claim) -> None:
        try:
            await self._processes[queue](claimed)
        except Exception:
            # Its lease lapses, and whoever takes it up next finds every intent in the database.
            log.exception("work_failed", queue=queue, row_id=str(claimed.row_id))
        finally:
            self._woken[queue].set()

    async def _sleep(self, queue: Queue, under_way: set[asyncio.Task[None]], *, is_full: bool) -> None:
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._woken[queue].wait())]
        seconds = _LONGEST_SLEEP_SECONDS
        if not is_full:
            async with self._gate.database.reading(None) as db:
                due_at = await claims.next_due(db, queue)
                lapses_in = await claims.next_lapse(db, queue)
            if due_at is not None:
                if due_at <= self._gate.clock.now():
                    # Due and yet not ours: another process was faster, or our view was older.
                    seconds = 0.05
                waits.append(asyncio.ensure_future(self._gate.clock.wait_until(due_at)))
            if lapses_in is not None:
                seconds = min(seconds, max(lapses_in.total_seconds(), 0.05))
        waits += list(under_way)
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            if wait not in under_way:
                wait.cancel()
                with suppress(asyncio.CancelledError):
                    await wait


async def claim_some(gate: Gate, queue: Queue, lease: timedelta, most: int) -> list[Claim]:
    """Claim due rows across workspaces, beginning at a random one, so that none comes first always."""
    async with gate.database.reading(None) as db:
        return await claims.claim(db, queue, gate.clock.now(), lease, most, random.random())


async def drain(gate: Gate, processes: Mapping[Queue, Process], most: int = 10_000) -> int:
    """Work in turn on everything that is due now, until nothing is; returns how many rows were worked on.

    For one pass by hand: `lockstep work --once`, the demo and the tests. What a processor raises is raised.
    """
    count = 0
    while count < most:
        worked = await _work_on(gate, processes, await _due(gate, processes))
        count += worked
        if not worked:
            return count
    raise RuntimeError(f"still due after {most} rows: a row that is always due at once")


async def pass_time(
    gate: Gate,
    processes: Mapping[Queue, Process],
    until: datetime,
    move_to: Callable[[datetime], Awaitable[None]],
    most: int = 100_000,
) -> None:
    """Let time pass on a clock that somebody moves: what falls due on the way is done at its own moment, and what is
    due at `until` too. For the demo, the tests and the benchmarks, as `drain`."""
    for _ in range(most):
        due = await _due(gate, processes)
        if await _work_on(gate, processes, due):
            continue
        now = gate.clock.now()
        ahead = min(due.values(), default=until)
        if ahead > until or now >= until:
            break
        await move_to(max(ahead, now))
        # Nobody else is at work: what was due then still is.
        await _work_on(gate, processes, due)
    else:
        raise RuntimeError(f"still due after {most} rounds: something is always due")
    if gate.clock.now() < until:
        await move_to(until)
        await drain(gate, processes)


async def _due(gate: Gate, processes: Mapping[Queue, Process]) -> dict[Queue, datetime]:
    async with gate.database.reading(None) as db:
        return await claims.next_due_of_each(db, processes)


async def _work_on(gate: Gate, processes: Mapping[Queue, Process], due: Mapping[Queue, datetime]) -> int:
    """Some of what is due now, in turn; how many rows it was."""
    count, now = 0, gate.clock.now()
    for queue in processes:
        if queue in due and due[queue] <= now:
            for claimed in await claim_some(gate, queue, LoopSettings().lease, 8):
                await processes[queue](claimed)
                count += 1
    return count
