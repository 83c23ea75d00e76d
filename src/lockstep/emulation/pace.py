"""How fast an emulated vendor answers, and how many calls it takes."""

from collections import deque
from datetime import datetime, timedelta

import msgspec


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `calls` in any `per_seconds` of the emulator's clock."""

    calls: int
    per_seconds: float


class Pace:
    """`latency_seconds` are real ones, before every answer; the limit counts by the emulator's clock."""

    def __init__(self) -> None:
        self.latency_seconds = 0.0
        self.rate_limit: RateLimit | None = None
        self._taken: deque[datetime] = deque()

    def takes(self, now: datetime) -> bool:
        """Count a call in. False: it comes too soon, and is not counted."""
        if self.rate_limit is None:
            return True
        since = now - timedelta(seconds=self.rate_limit.per_seconds)
        while self._taken and self._taken[0] <= since:
            self._taken.popleft()
        if len(self._taken) >= self.rate_limit.calls:
            return False
        self._taken.append(now)
        return True
