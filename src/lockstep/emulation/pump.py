"""The background task of an emulator that is served: lets effects happen when due and sends what they queue.

An emulated world is right without it; only calls to others would wait for the next call from others.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Protocol

from lockstep.emulation.effects import Effects
from lockstep.emulation.outbox import Outbox
from lockstep.kit.clock import Clock


class Pumped(Protocol):
    """What the pump needs of an emulated world."""

    @property
    def clock(self) -> Clock: ...
    @property
    def effects(self) -> Effects: ...
    @property
    def outbox(self) -> Outbox: ...
    def deliver_webhooks(self) -> Awaitable[int]: ...


async def pump(world: Pumped) -> None:
    """Run until cancelled. The world may be changed from other threads meanwhile."""
    loop, rung = asyncio.get_running_loop(), asyncio.Event()

    def ring() -> None:
        # A world may outlive the loop that served it.
        if not loop.is_closed():
            loop.call_soon_threadsafe(rung.set)

    world.effects.added = world.outbox.queued = ring
    while True:
        rung.clear()
        await world.deliver_webhooks()
        await _until_rung_or_due(world, rung)


async def _until_rung_or_due(world: Pumped, rung: asyncio.Event) -> None:
    waits: list[asyncio.Task[Any]] = [asyncio.create_task(rung.wait())]
    if (due_at := world.effects.next_due) is not None:
        waits.append(asyncio.create_task(_due(world.clock, due_at)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _due(clock: Clock, due_at: datetime) -> None:
    await clock.wait_until(due_at)
