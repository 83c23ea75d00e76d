"""Tells the listeners of all processes what has committed: after the commit, and many transactions' news at once.

NOTIFY within the transactions themselves would make them commit one after another, each waiting for the disk alone:
from there to the end of the commit PostgreSQL holds one lock over the whole server. What is told is only that there is
something to look at: where a process dies between the two, whoever listens finds it when it looks unasked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import asyncpg
import structlog

log = structlog.get_logger()

News = tuple[str, str]
"""A channel and what is said on it."""


_PAUSE_SECONDS = 0.05


class Bell:
    """One for each pool of connections. `close` before the pool."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._waiting: dict[News, None] = {}
        self._ringing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def ring(self, news: Iterable[News]) -> None:
        """Tell it soon; what is already waiting to be told is told once."""
        self._waiting.update(dict.fromkeys(news))
        if self._waiting and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring())

    async def close(self) -> None:
        """All that was rung is told."""
        self._closing.set()
        if self._ringing is not None:
            await self._ringing

    async def _ring(self) -> None:
        while self._waiting:
            channels, payloads = zip(*self._waiting, strict=True)
            self._waiting.clear()
            try:
                await self._pool.execute(
                    "select pg_notify(n.channel, n.said) from unnest($1::text[], $2::text[]) as n (channel, said)",
                    channels,
                    payloads,
                )
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                log.warning("not_told", channels=sorted(set(channels)), exc_info=True)
            # The first is told at once; what comes right behind it is told together.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _PAUSE_SECONDS)
