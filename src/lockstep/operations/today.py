"""Today: who arrives in the next 24 hours or is inside, door by door; the locks; what needs somebody. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from lockstep.model.access_code import Standing
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import accounts, bookings, calendars
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.arrivals import Ahead, Arrivals, arrivals
from lockstep.operations.bookings import Booking, ListBookings
from lockstep.operations.calendars import Calendar, ListCalendars
from lockstep.operations.confinement import confinement
from lockstep.operations.gate import Tx
from lockstep.operations.lock_states import LockState, is_ailing, lock_states
from lockstep.operations.stays import Coming, Late, Stay, late_of, shut_out_of, stay_of
from lockstep.storage import today as stored
from lockstep.storage import workspaces
from lockstep.storage.today import Furnishing

MOST_ON_PAGE = 50
"""Stays, and locks, on one page."""
_MOST_CALENDARS = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AskToday:
    """`standing`: only stays with such a door. Pages begin at 1; instead of one that is not there, the last."""

    standing: Standing | None = None
    page: int = 1
    locks_page: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is shown: `number` of `count` pages, and how many there are in all."""

    number: int
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Today:
    at: datetime
    workspace: str
    is_ruling: bool
    """False: this database was restored or copied, and nothing is written until an operator confirms it."""
    counts: Mapping[Standing, int]
    """Doors of all stays, by how they stand; a stay without any counts as one."""
    stays: tuple[Stay, ...]
    stays_page: Page
    next_stay: Stay | None
    """The first one after the span, without its doors, where there is none within it."""
    late: tuple[Late, ...]
    """Doors that are closed to somebody, for their codes failed, are overdue or missing, the soonest first; codes that
    should be gone come last."""
    doorless: tuple[Stay, ...]
    """Stays of the span that open nothing at all, but for those that are held."""
    awaiting: tuple[Stay, ...]
    """Entries of calendars within a week that wait for somebody to say whether they are stays."""
    ahead: tuple[Ahead, ...]
    """Spaces in which those who arrive later in the week will find a closed door."""
    locks: tuple[LockState, ...]
    locks_page: Page
    ailing: tuple[LockState, ...]
    """All locks with which something is wrong."""
    accounts: tuple[ConnectedAccount, ...]
    """Empty for whoever may not see them, as are the calendars."""
    calendars: tuple[Calendar, ...]
    held: tuple[Booking, ...]
    """Stays that cannot open their doors as they should, the soonest first."""
    furnishing: Furnishing
    """What there is at all."""


async def today(tx: Tx, actor: Actor, command: AskToday) -> Today:
    """Everything as it stands now, in a number of statements that does not grow. Long lists come in pages."""
    require(actor, Scope.GRANTS_READ)
    require(actor, Scope.DEVICES_READ)
    within = confinement(actor)
    workspace = await workspaces.get(tx.db, tx.workspace_id)
    assert workspace is not None  # the gate opened a transaction in it
    found = await arrivals(tx, actor)
    locks = [lock for lock in found.locks if lock.disconnected_at is None]
    on_page, stays_page = _paged(_wanted(found.coming, command.standing), command.page)
    shown_locks, locks_page = _paged(locks, command.locks_page)
    looked_at = {lock.id for lock in shown_locks} | {c.lock.id for stay in on_page for c in stay.codes}
    read_at = await stored.last_readings(tx.db, tx.workspace_id, sorted(looked_at))
    told = await _tell(tx, actor, found, on_page, read_at)
    return Today(
        tx.now,
        workspace.name,
        workspace.is_ruling,
        found.counts,
        told.stays,
        stays_page,
        None if found.coming else await _next_stay(tx, actor, within),
        told.late,
        told.doorless,
        told.awaiting,
        found.ahead,
        tuple(lock_states(shown_locks, read_at)),
        locks_page,
        tuple(lock_states(filter(is_ailing, locks), {})),
        await _accounts(tx, actor),
        await _calendars(tx, actor),
        await _held(tx, actor),
        await stored.furnishing(tx.db, tx.workspace_id),
    )


def _wanted(coming: Sequence[Coming], standing: Standing | None) -> list[Coming]:
    """All, or those with a door that stands so."""
    return [c for c in coming if standing is None or standing in c.standings]


@dataclass(frozen=True, slots=True)
class _Told:
    stays: tuple[Stay, ...]
    late: tuple[Late, ...]
    doorless: tuple[Stay, ...]
    awaiting: tuple[Stay, ...]


async def _tell(
    tx: Tx,
    actor: Actor,
    found: Arrivals,
    on_page: Sequence[Coming],
    read_at: Mapping[UUID, datetime],
) -> _Told:
    """What of all this is told by name."""
    awaiting = found.awaiting[:MOST_ON_PAGE]
    closed = [c for c in found.coming if Standing.FAILED in c.standings]
    doorless = [c for c in closed if c.obstacle is not None and c.row.held is None]
    overdue = [code for code in found.leaving if code.standing is Standing.FAILED]
    grant_ids = {c.row.grant_id for c in (*on_page, *closed)} | {code.row.grant_id for code in overdue}
    booking_ids = {c.row.booking_id for c in (*on_page, *closed, *awaiting) if c.row.grant_id is None}
    # Each statement sees what is committed by then: one of them may have gone meanwhile.
    rows = await stored.stays(tx.db, tx.workspace_id, [id for id in grant_ids if id])
    if booking_ids:
        rows |= await stored.stays_without_grant(tx.db, tx.workspace_id, [id for id in booking_ids if id])
    late: list[Late] = []
    for one in closed:
        if (row := rows.get(one.row.id)) is not None:
            late += [late_of(actor, row, c, tx.now) for c in one.codes if c.standing is Standing.FAILED]
            late += [shut_out_of(actor, row, shut, tx.now) for shut in one.shut]
    late += [late_of(actor, rows[id], code, tx.now) for code in overdue if (id := code.row.grant_id) in rows]

    def shown(many: Iterable[Coming]) -> tuple[Stay, ...]:
        known = ((rows.get(one.row.id), one) for one in many)
        return tuple(stay_of(actor, row, tx.now, one, read_at) for row, one in known if row is not None)

    return _Told(shown(on_page), tuple(late), shown(doorless), shown(awaiting))


async def _next_stay(tx: Tx, actor: Actor, within: list[UUID] | None) -> Stay | None:
    grant_id = await stored.next_stay(tx.db, tx.workspace_id, tx.now, within)
    if grant_id is None:
        return None
    rows = await stored.stays(tx.db, tx.workspace_id, [grant_id])
    return stay_of(actor, rows[grant_id], tx.now) if grant_id in rows else None


async def _accounts(tx: Tx, actor: Actor) -> tuple[ConnectedAccount, ...]:
    # An account serves the whole workspace.
    if not actor.may(Scope.ACCOUNTS_READ) or actor.property_ids is not None:
        return ()
    rows = await accounts.listed(tx, actor)
    return tuple(accounts.shown(row) for row in rows if row.state != "disconnected")


async def _calendars(tx: Tx, actor: Actor) -> tuple[Calendar, ...]:
    if not actor.may(Scope.CALENDARS_READ):
        return ()
    return await calendars.listed(tx, actor, ListCalendars(_MOST_CALENDARS))


async def _held(tx: Tx, actor: Actor) -> tuple[Booking, ...]:
    if not actor.may(Scope.BOOKINGS_READ):
        return ()
    return await bookings.listed(tx, actor, ListBookings(MOST_ON_PAGE, since=tx.now, is_held=True))


def _paged(all_: Sequence[T], asked: int) -> tuple[Sequence[T], Page]:
    count = max(1, -(-len(all_) // MOST_ON_PAGE))
    number = min(max(1, asked), count)
    start = (number - 1) * MOST_ON_PAGE
    return all_[start : start + MOST_ON_PAGE], Page(number, count, len(all_))
