"""Steps a coroutine from one suspension point to the next, and destroys whoever runs it at the one that is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from typing import Any


class Killed(BaseException):
    """The stepped work was destroyed: not one line of it has run since."""


class Stepped:
    """Awaits `work`, counting each time that it is suspended (at the event loop: every read from the database or the
    vendor, every commit). At point `kill_at` it is left where it stands: no `finally`, no `except`, no clean-up."""

    def __init__(self, work: Coroutine[Any, Any, None], kill_at: int | None = None) -> None:
        self._work = work
        self._kill_at = kill_at
        self.points = 0

    def __await__(self) -> Generator[Any, Any, None]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits_for = self._go_on(value, error)
            except StopIteration:
                return
            self.points += 1
            if self.points == self._kill_at:
                self._let_lie(waits_for)
                raise Killed
            value, error = None, None
            try:
                value = yield waits_for
            except BaseException as thrown:  # handed on to the work, whatever it is
                error = thrown

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
