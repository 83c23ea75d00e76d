"""Lets tasks of this process take turns at a thing, so that they do not undo one another's work at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Turns:
    """Remembers only things at which somebody is or waits."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def at(self, thing: Hashable) -> AsyncIterator[None]:
        """Nobody else is at this thing within."""
        lock, waiting = self._locks.get(thing) or (asyncio.Lock(), 0)
        self._locks[thing] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(thing)
            if waiting > 1:
                self._locks[thing] = lock, waiting - 1
