"""How many requests a call to a vendor really was: the budget bears each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import httpx2


@dataclass(slots=True)
class Calls:
    """`count` requests were sent since counting began."""

    count: int = 0

    @property
    def beyond_the_first(self) -> int:
        """What the budget still has to bear: one call was taken from it beforehand."""
        return max(0, self.count - 1)


_CALLS: ContextVar[Calls | None] = ContextVar("calls", default=None)


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Counts within the present task."""
    calls = Calls()
    token = _CALLS.set(calls)
    try:
        yield calls
    finally:
        _CALLS.reset(token)


def count_calls_of(http: httpx2.AsyncClient) -> None:
    """Have this client tell of each request; done once for each client."""
    hooks = http.event_hooks
    if _count not in hooks["request"]:
        hooks["request"].append(_count)
        http.event_hooks = hooks


async def _count(_request: httpx2.Request) -> None:
    calls = _CALLS.get()
    if calls is not None:
        calls.count += 1
