"""Turns at a vendor: no more calls of an account are under way than it bears, in all processes together.

A permit is a row's entry in the database, and expires. A process takes one as long as the account has one free; when
all of its own are in use, the next calls get ready meanwhile (budget, intent) and are handed a permit the moment that a
call has ended, without asking the database: what lies between two calls is then no time in which the vendor does
nothing. A permit too old for another whole call goes back, so that other processes get their share.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.kit.ids import new_id
from lockstep.model.capabilities import Pace
from lockstep.operations.gate import Gate
from lockstep.storage import budgets
from lockstep.workers.reconciler.calls import counted_calls

_HELD_FOR = 2
"""A permit lasts for so many calls' longest time."""
_IN_LINE = 2
"""So many get ready for each call that may be under way: a write that is turned away comes long after the others."""
_FULL_WAIT = timedelta(milliseconds=250)
"""Whoever finds the line full comes back after this."""
_ASK_AGAIN_SECONDS = 0.05


NO_TURN_WAIT = timedelta(seconds=1)
"""When to come back after a call that got no turn."""


@dataclass(frozen=True, slots=True)
class _Permit:
    id: UUID
    expires: float
    """On the event loop's clock."""

    def lasts(self, longest: timedelta) -> bool:
        return self.expires - asyncio.get_running_loop().time() >= longest.total_seconds()


@dataclass(slots=True)
class Ticket:
    """A call that may be made at its turn: its token is paid. It ends by `Permits.leave` or `Permits.abandon`."""

    workspace_id: UUID
    account_id: UUID
    pace: Pace
    longest: timedelta
    stops: int
    """How often the vendor had told the account to stop before."""
    permit: _Permit | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    longest: timedelta
    handed: asyncio.Future[_Permit | None]


@dataclass(slots=True)
class _Line:
    """Of one account in this process."""

    held: int = 0
    """Permits that are ours, or that we are asking for."""
    following: int = 0
    """Tickets without a permit."""
    stops: int = 0
    spare: list[_Permit] = field(default_factory=list)
    """Permits of calls that have ended, kept for those who get ready."""
    waiting: deque[_Waiting] = field(default_factory=deque)


class Permits:
    """Those of this process."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._lines: dict[UUID, _Line] = {}

    async def admit(
        self, workspace_id: UUID, account_id: UUID, pace: Pace, longest: timedelta
    ) -> Ticket | datetime:
        """Pay for one call that takes real time up to `longest`; a datetime: none may be made before."""
        line = self._lines.setdefault(account_id, _Line())
        ticket = Ticket(workspace_id, account_id, pace, longest, line.stops)
        if line.held < pace.at_once:
            line.held += 1
            wait_until = await self._ask(ticket, line, with_token=True)
            return ticket if wait_until is None else wait_until
        if line.following >= pace.at_once * _IN_LINE:
            return self._gate.clock.now() + _FULL_WAIT
        line.following += 1
        wait_until = None
        try:
            async with self._gate.database.reading(workspace_id) as db:
                wait_until = await budgets.take_token(
                    db, workspace_id, account_id, self._gate.clock.now(), pace.calls_per_minute
                )
        except BaseException:
            line.following -= 1
            raise
        if wait_until is not None:
            line.following -= 1
            return wait_until
        return ticket

    async def turn(self, ticket: Ticket) -> bool:
        """Wait until it may call; False where it may not: the vendor told us to stop meanwhile, or all calls before it
        take too long."""
        line = self._lines[ticket.account_id]
        if ticket.permit is not None:
            return line.stops == ticket.stops
        try:
            async with asyncio.timeout(ticket.longest.total_seconds() / 2):
                while _must_wait(ticket, line):
                    await self._wait(ticket, line)
        except TimeoutError:
            return False
        finally:
            if ticket.permit is not None:
                line.following -= 1
        return line.stops == ticket.stops

    def stop(self, ticket: Ticket) -> None:
        """The vendor wants no more calls of this account for now: those who got ready do not call."""
        line = self._lines[ticket.account_id]
        line.stops += 1
        while line.waiting:
            _wake(line)

    def leave(self, ticket: Ticket) -> UUID | None:
        """The call has ended, or never begins. Returns the permit that the caller has to give back; None where there
        was none, or where it goes to the next call."""
        line, permit = self._lines[ticket.account_id], ticket.permit
        if permit is None:
            line.following -= 1
            is_superfluous = len(line.spare) > line.following
            return _drop(line, line.spare.pop()) if is_superfluous else None
        ticket.permit = None
        is_wanted = line.following > len(line.spare)
        return None if is_wanted and _hand_on(line, permit) else _drop(line, permit)

    @asynccontextmanager
    async def calling(self, ticket: Ticket) -> AsyncIterator[bool]:
        """One call at its turn, with a count of what it really was. Yields False where it may not be made."""
        with counted_calls() as calls:
            try:
                yield await self.turn(ticket)
            finally:
                await self.give_back(ticket, self.leave(ticket), calls.beyond_the_first)

    async def abandon(self, ticket: Ticket) -> None:
        """No call was made."""
        await self.give_back(ticket, self.leave(ticket), 0)

    async def give_back(self, ticket: Ticket, permit: UUID | None, further_calls: int) -> None:
        """What `leave` returned, and the calls made beyond the first."""
        if permit is not None or further_calls:
            async with self._gate.database.reading(ticket.workspace_id) as db:
                await budgets.give_back(db, ticket.workspace_id, ticket.account_id, permit, further_calls)

    async def _wait(self, ticket: Ticket, line: _Line) -> None:
        if line.spare:
            permit = line.spare.pop()
            if permit.lasts(ticket.longest):
                ticket.permit = permit
            else:
                await self.give_back(ticket, _drop(line, permit), 0)
            return
        if line.held < ticket.pace.at_once:
            line.held += 1
            if await self._ask(ticket, line, with_token=False) is not None:
                await asyncio.sleep(_ASK_AGAIN_SECONDS)
            return
        waiting = _Waiting(ticket.longest, asyncio.get_running_loop().create_future())
        line.waiting.append(waiting)
        try:
            ticket.permit = await waiting.handed
        except asyncio.CancelledError:
            # It may have been handed over in the same moment: then it is ours to leave.
            if waiting.handed.done() and not waiting.handed.cancelled():
                ticket.permit = waiting.handed.result()
            raise

    async def _ask(self, ticket: Ticket, line: _Line, *, with_token: bool) -> datetime | None:
        """A permit from the database; `line.held` counts it already."""
        held_for = ticket.longest * _HELD_FOR
        permit = _Permit(new_id(), asyncio.get_running_loop().time() + held_for.total_seconds())
        is_taken = False
        try:
            async with self._gate.database.reading(ticket.workspace_id) as db:
                wait_until = await budgets.take_call(
                    db,
                    ticket.workspace_id,
                    ticket.account_id,
                    permit.id,
                    self._gate.clock.now(),
                    ticket.pace.calls_per_minute,
                    ticket.pace.at_once,
                    held_for,
                    tokens=1 if with_token else 0,
                )
            is_taken = wait_until is None
        finally:
            if not is_taken:
                line.held -= 1
        if is_taken:
            ticket.permit = permit
        return wait_until


def _must_wait(ticket: Ticket, line: _Line) -> bool:
    return ticket.permit is None and line.stops == ticket.stops


def _hand_on(line: _Line, permit: _Permit) -> bool:
    """To the first who waits, or to whoever gets ready; False where it is too old for that."""
    while line.waiting and line.waiting[0].handed.done():
        line.waiting.popleft()
    if not line.waiting:
        line.spare.append(permit)
        return True
    if not permit.lasts(line.waiting[0].longest):
        return False
    line.waiting.popleft().handed.set_result(permit)
    return True


def _drop(line: _Line, permit: _Permit) -> UUID:
    """It goes back to the database; the first who waits asks for one of its own."""
    line.held -= 1
    _wake(line)
    return permit.id


def _wake(line: _Line) -> None:
    """Have the first who waits see for itself."""
    while line.waiting:
        first = line.waiting.popleft()
        if not first.handed.done():
            first.handed.set_result(None)
            return
