"""Runs operations for the ways in, and runs one anew where the database undid it, or was lost before it was done.

Only what certainly did nothing is done again: others were in the way (a deadlock, a serialization failure), or the
connection was lost before anybody asked to commit. So an operation may run twice, of which only one has happened: it
changes nothing but the database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import structlog

from lockstep.kit.together import CannotTell
from lockstep.operations.errors import Unavailable
from lockstep.operations.gate import Gate, Tx
from lockstep.storage.away import Away, AwayBefore
from lockstep.storage.database import UNDONE_BY_SERVER

log = structlog.get_logger()

T = TypeVar("T")
_TRIES = 3
_UNDONE = (AwayBefore, *UNDONE_BY_SERVER)
_UNREAD = (Away, CannotTell, *UNDONE_BY_SERVER)
"""Whoever only reads has done nothing, whatever came of it."""


async def change(gate: Gate, workspace_id: UUID, operation: Callable[[Tx], Awaitable[T]]) -> T:
    """An operation that changes something, all or nothing. Raises Unavailable, with nothing done."""

    async def attempt() -> T:
        async with gate.transaction(workspace_id) as tx:
            return await operation(tx)

    return await _persist(attempt, _UNDONE)


async def change_at_once(gate: Gate, workspace_id: UUID, operation: Callable[[Tx], Awaitable[T]]) -> T:
    """The same for one that says that it writes by one statement. Raises TransactionNeeded where it cannot."""

    async def attempt() -> T:
        async with gate.at_once(workspace_id) as tx:
            return await operation(tx)

    return await _persist(attempt, _UNDONE)


async def read(gate: Gate, workspace_id: UUID, operation: Callable[[Tx], Awaitable[T]]) -> T:
    """An operation that only reads. Raises Unavailable."""

    async def attempt() -> T:
        async with gate.reading(workspace_id) as tx:
            return await operation(tx)

    return await _persist(attempt, _UNREAD)


def is_away(fault: BaseException) -> bool:
    """Whether something failed since the database is away; what came of it need not be known."""
    return isinstance(fault, Away)


async def look_up(ask: Callable[[], Awaitable[T]]) -> T:
    """What takes connections by itself and only reads, such as who asks. Raises Unavailable."""
    return await _persist(ask, _UNREAD)


async def _persist(attempt: Callable[[], Awaitable[T]], again_after: tuple[type[Exception], ...]) -> T:
    for tries_left in reversed(range(_TRIES)):
        try:
            return await attempt()
        except again_after as error:
            log.warning("undone", because=type(error.__cause__ or error).__name__, tries_left=tries_left)
            if not tries_left:
                raise _told(error) from error
    raise AssertionError


def _told(error: Exception) -> Unavailable:
    if isinstance(error, UNDONE_BY_SERVER):
        return Unavailable("Others changed the same at this moment, each time that it was tried.")
    return Unavailable("Lockstep cannot reach its database at this moment.")
