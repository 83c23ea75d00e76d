"""A clock that moves only when told, shared by an emulator, its door and whatever else is under test."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

Waiter = asyncio.Future[None]


class ClockRanBackwards(ValueError):
    """A virtual clock goes forwards only; call jump() where a clock that was set back is what you mean."""

    code = "clock_ran_backwards"


class VirtualClock:
    """Satisfies `lockstep.kit.clock.Clock`; time passes by `advance`, `set` and `jump` alone.

    Waiters may belong to several event loops in several threads: each is woken in its own.
    """

    def __init__(self, start: datetime) -> None:
        self._now = _in_utc(start)
        self._waiters: dict[Waiter, datetime] = {}
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present instant: aware, UTC."""
        return self._now

    async def wait_until(self, at: datetime) -> None:
        """Return as soon as the clock shows `at` or later, at once where it already does."""
        at = _in_utc(at)
        # Looked at again after waking: a jump backwards may come between the waking and the return.
        while (waiter := self._waiter_for(at)) is not None:
            try:
                await waiter
            finally:
                with self._lock:
                    self._waiters.pop(waiter, None)

    def advance(self, by: timedelta) -> None:
        """Let `by` pass. Raises ClockRanBackwards for a negative one."""
        self.set(self._now + by)

    def set(self, at: datetime) -> None:
        """Let time pass until `at`. Raises ClockRanBackwards where `at` lies in the past."""
        if _in_utc(at) < self._now:
            raise ClockRanBackwards(f"The clock shows {self._now.isoformat()}, {at.isoformat()} is over.")
        self.jump(at)

    def jump(self, at: datetime) -> None:
        """Show `at` from now on, in either direction, as a machine whose clock was corrected."""
        with self._lock:
            self._now = _in_utc(at)
            due = [waiter for waiter, wanted in self._waiters.items() if wanted <= self._now]
            for waiter in due:
                del self._waiters[waiter]
        for waiter in due:
            _wake(waiter)

    @property
    def next_wanted(self) -> datetime | None:
        """The earliest instant that anyone waits for; None where nobody waits."""
        with self._lock:
            return min(self._waiters.values(), default=None)

    def _waiter_for(self, at: datetime) -> Waiter | None:
        waiter = asyncio.get_running_loop().create_future()
        with self._lock:
            if at <= self._now:
                return None
            self._waiters[waiter] = at
        return waiter


def _wake(waiter: Waiter) -> None:
    loop = waiter.get_loop()
    # A loop that ended took its waiters with it.
    if not loop.is_closed():
        loop.call_soon_threadsafe(_finish, waiter)


def _finish(waiter: Waiter) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} names no time zone; instants are aware.")
    return at.astimezone(UTC)
