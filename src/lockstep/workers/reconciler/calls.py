"""The budget of calls to a vendor: taken before, given back after, with an honest count of what really left us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import httpx

from lockstep.model.capabilities import Pace
from lockstep.operations.gate import Gate
from lockstep.storage import budgets

HELD_FOR = timedelta(seconds=30)
"""Real time after which a reading is given up, and the call's permit with it."""


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


def count_calls_of(http: httpx.AsyncClient) -> None:
    """Have this client tell of each request; done once for each client."""
    hooks = http.event_hooks
    if _count not in hooks["request"]:
        hooks["request"].append(_count)
        http.event_hooks = hooks


async def _count(_request: httpx.Request) -> None:
    calls = _CALLS.get()
    if calls is not None:
        calls.count += 1


async def take_call(
    gate: Gate, workspace_id: UUID, account_id: UUID, permit: UUID, pace: Pace, held_for: timedelta
) -> datetime | None:
    """None: the call may be made, and `permit` is to be given back; else when to ask again."""
    async with gate.database.reading(workspace_id) as db:
        return await budgets.take_call(
            db,
            workspace_id,
            account_id,
            permit,
            gate.clock.now(),
            pace.calls_per_minute,
            pace.at_once,
            held_for,
        )


async def give_back(gate: Gate, workspace_id: UUID, account_id: UUID, permit: UUID, calls: Calls) -> None:
    """The call has ended."""
    async with gate.database.reading(workspace_id) as db:
        await budgets.give_back(db, workspace_id, account_id, permit, calls.beyond_the_first)
