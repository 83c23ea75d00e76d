"""Ends a process with grace: the first signal asks it to stop, the second ends it at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from lockstep.cli.terminal import say

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping_signals() -> Iterator[asyncio.Event]:
    """Within, SIGTERM and SIGINT set the event. What is under way may end; a second signal does not wait for it."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def hear(number: int) -> None:
        if asked.is_set():
            # Everything that decides lies in the database; an embedded server is adopted on the next start.
            os._exit(128 + number)
        asked.set()
        say("Stopping: what is under way is ended first. A second signal ends it at once.")

    for each in _SIGNALS:
        loop.add_signal_handler(each, hear, each)
    try:
        yield asked
    finally:
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
