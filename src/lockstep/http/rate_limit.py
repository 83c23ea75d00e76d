"""How many requests one caller may make. Counts within this process; knows no caller."""

from __future__ import annotations

import math
from collections.abc import Callable

from lockstep.kit.frozen import dataclass

_MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request; `retry_after` seconds where it came too early."""

    left: int
    full_in: float
    retry_after: float | None


class RateLimit:
    """Token buckets: each caller has `burst` tokens, and gets `per_second` of them back.

    `monotonic` counts seconds and never goes backwards: real time, not domain time, since it protects this machine.
    """

    def __init__(self, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}
        self.policy = f'"default";q={burst};w={math.ceil(burst / per_second)}'.encode()
        """The value of the header RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""

    def take(self, caller: str) -> Allowance:
        """Count one request of `caller`; refused requests cost nothing."""
        now = self._monotonic()
        tokens, at = self._buckets.get(caller, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second)
        retry_after = None
        if tokens >= 1:
            tokens -= 1
        else:
            retry_after = (1 - tokens) / self._per_second
        if len(self._buckets) >= _MOST_BUCKETS and caller not in self._buckets:
            self._forget_the_quiet(now)
        self._buckets[caller] = (tokens, now)
        return Allowance(int(tokens), (self._burst - tokens) / self._per_second, retry_after)

    def _forget_the_quiet(self, now: float) -> None:
        """A full bucket says no more than none. Where all are in use, the oldest half goes."""
        refill = self._burst / self._per_second
        busy = {c: b for c, b in self._buckets.items() if now - b[1] < refill}
        if len(busy) >= _MOST_BUCKETS:
            newest_first = sorted(busy, key=lambda c: busy[c][1], reverse=True)
            busy = {c: busy[c] for c in newest_first[: _MOST_BUCKETS // 2]}
        self._buckets = busy


def headers(limit: RateLimit, allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """The header lines that tell a caller where it stands."""
    lines = [
        (b"ratelimit-policy", limit.policy),
        (b"ratelimit", f'"default";r={allowance.left};t={math.ceil(allowance.full_in)}'.encode()),
    ]
    if allowance.retry_after is not None:
        lines.append((b"retry-after", str(max(1, math.ceil(allowance.retry_after))).encode()))
    return lines
