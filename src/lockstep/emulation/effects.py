"""What happens later: effects settled in the order of their time, lazily, with no task of their own.

Whoever looks at or changes an emulated world settles it first, so it works on any clock, also one that jumps.
"""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

Effect = Callable[[datetime], None]
"""Is given the instant at which it was due, which may lie before the present one."""


class Effects:
    """A heap of (due_at, effect). Those due at the same instant run in the order in which they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Effect]] = []
        self._numbers = count()
        self.added: Callable[[], None] = lambda: None
        """Called after each `at`; a task that waits for the next effect sets it."""

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, due_at: datetime, effect: Effect) -> None:
        """Run `effect` once the clock has reached `due_at`."""
        heapq.heappush(self._heap, (due_at, next(self._numbers), effect))
        self.added()

    @property
    def next_due(self) -> datetime | None:
        """When the earliest effect is due; None where nothing is pending."""
        return self._heap[0][0] if self._heap else None

    def settle(self, now: datetime) -> int:
        """Run everything due by `now`, also what these effects add; returns how many ran."""
        ran = 0
        while self._heap and self._heap[0][0] <= now:
            due_at, _, effect = heapq.heappop(self._heap)
            effect(due_at)
            ran += 1
        return ran
