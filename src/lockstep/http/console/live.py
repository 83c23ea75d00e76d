"""Keeps an open page equal to what it shows: sends its live part again whenever that differs. Knows no page."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from uuid import UUID

from lockstep.http.console.settings import ConsoleSettings
from lockstep.operations.changes import Changes

SIGNED_OUT = "event: signed-out\ndata: \n\n"
"""Told instead of a part, as the last thing."""
_STILL_THERE = ": still there\n\n"
_STILL_THERE_SECONDS = 15.0
_PAUSE_SHARE = 3
"""A page that takes long to render rests this many times as long, so that it never takes all of the processor."""


class Live:
    """Streams of server-sent events for open pages. They end when the page is left, or by `stop`."""

    def __init__(self, changes: Changes, settings: ConsoleSettings) -> None:
        self._changes = changes
        self._settings = settings
        self._is_ending = False

    def stop(self) -> None:
        self._is_ending = True
        self._changes.tell_all()

    async def stream(
        self, workspace_id: UUID, render: Callable[[], Awaitable[str | None]]
    ) -> AsyncGenerator[str, None]:
        """What `render` returns, whenever it differs from what was sent; None: whoever looks is signed out."""
        sent, sent_at = b"", 0.0
        async with self._changes.watching(workspace_id) as watch:
            while not self._is_ending:
                began_at = time.monotonic()
                part = await render()
                if part is None:
                    yield SIGNED_OUT
                    return
                digest = hashlib.sha256(part.encode()).digest()
                if digest != sent:
                    sent, sent_at = digest, time.monotonic()
                    yield _message(part)
                elif time.monotonic() - sent_at > _STILL_THERE_SECONDS:
                    sent_at = time.monotonic()
                    yield _STILL_THERE
                took = time.monotonic() - began_at
                await asyncio.sleep(max(self._settings.least_pause_seconds, _PAUSE_SHARE * took))
                await watch.wait(self._settings.look_again_seconds)


def _message(part: str) -> str:
    """One event without a name: what is to be shown. A line break within it begins another line of the event."""
    return "".join(f"data: {line}\n" for line in part.splitlines()) + "\n"
