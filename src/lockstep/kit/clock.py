"""The time that everything else is given. Knows the system's clock and no other."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol

_LONGEST_SLEEP_SECONDS = 3600.0


class Clock(Protocol):
    """Tells the time and waits for it. Every instant is aware and in UTC."""

    def now(self) -> datetime:
        """The present instant: aware, UTC."""
        ...

    async def wait_until(self, at: datetime) -> None:
        """Return as soon as `now() >= at`, at once where that is already so."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant: aware, UTC."""
        return datetime.now(UTC)

    async def wait_until(self, at: datetime) -> None:
        """Return as soon as the wall clock shows `at`; one that was set meanwhile is seen within an hour."""
        while (seconds := (at - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            # A sleep counts monotonic time; looking again catches a wall clock that was corrected.
            await asyncio.sleep(min(seconds, _LONGEST_SLEEP_SECONDS))
