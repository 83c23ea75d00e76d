"""Today: who arrives in the next 24 hours or is inside, door by door; the locks; what needs somebody. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from lockstep.model.access_code import Standing
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import accounts, bookings, calendars
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.bookings import Booking, ListBookings
from lockstep.operations.calendars import Calendar, ListCalendars
from lockstep.operations.devices import confinement
from lockstep.operations.gate import Tx
from lockstep.operations.lock_states import LockState, is_ailing, lock_states
from lockstep.operations.stays import CodeState, Late, Stay, code_states, late_of, stay_of
from lockstep.storage import today as stored
from lockstep.storage import workspaces
from lockstep.storage.today import Furnishing

SPAN = timedelta(hours=24)
"""How far ahead arrivals are shown."""
MOST_ON_PAGE = 50
"""Stays, and locks, on one page."""
_MOST_CALENDARS = 500

T = TypeVar("T")
_OfGrant = tuple[UUID, list[CodeState]]


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
    """Doors of all stays, by how they stand."""
    stays: tuple[Stay, ...]
    stays_page: Page
    next_stay: Stay | None
    """The first one after the span, without its doors, where there is none within it."""
    late: tuple[Late, ...]
    """Codes that failed or are overdue, the soonest first; those that should be gone come last."""
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
    locks = await stored.locks(tx.db, tx.workspace_id, within)
    rows = await stored.codes(tx.db, tx.workspace_id, tx.now, tx.now + SPAN, within)
    codes = code_states(rows, {lock.id: lock for lock in locks}, tx.now)
    coming = [c for c in codes if not c.is_leaving(tx.now)]
    on_page, stays_page = _paged(_wanted(coming, command.standing), command.page)
    shown_locks, locks_page = _paged(locks, command.locks_page)
    looked_at = {lock.id for lock in shown_locks} | {c.lock.id for _, codes in on_page for c in codes}
    read_at = await stored.last_readings(tx.db, tx.workspace_id, sorted(looked_at))
    return Today(
        tx.now,
        workspace.name,
        workspace.is_ruling,
        Counter(c.standing for c in coming),
        await _stays(tx, actor, on_page, read_at),
        stays_page,
        None if coming else await _next_stay(tx, actor, within),
        tuple(await _late(tx, actor, codes)),
        tuple(lock_states(shown_locks, read_at)),
        locks_page,
        tuple(lock_states(filter(is_ailing, locks), {})),
        await _accounts(tx, actor),
        await _calendars(tx, actor),
        await _held(tx, actor),
        await stored.furnishing(tx.db, tx.workspace_id),
    )


def _wanted(coming: Sequence[CodeState], standing: Standing | None) -> list[_OfGrant]:
    """Codes by grant, in their order: of all grants, or of those with a door that stands so."""
    by_grant: dict[UUID, list[CodeState]] = {}
    for code in coming:
        by_grant.setdefault(code.row.grant_id, []).append(code)
    return [
        (grant_id, codes)
        for grant_id, codes in by_grant.items()
        if standing is None or standing in {c.standing for c in codes}
    ]


async def _stays(
    tx: Tx, actor: Actor, on_page: Sequence[_OfGrant], read_at: Mapping[UUID, datetime]
) -> tuple[Stay, ...]:
    rows = await stored.stays(tx.db, tx.workspace_id, [grant_id for grant_id, _ in on_page])
    # Each statement sees what is committed by then: a grant may have gone meanwhile.
    return tuple(
        stay_of(actor, rows[grant_id], tx.now, codes, read_at)
        for grant_id, codes in on_page
        if grant_id in rows
    )


async def _late(tx: Tx, actor: Actor, codes: Sequence[CodeState]) -> list[Late]:
    late = [c for c in codes if c.standing is Standing.FAILED]
    late.sort(key=lambda c: c.is_leaving(tx.now))
    rows = await stored.stays(tx.db, tx.workspace_id, list({c.row.grant_id for c in late}))
    return [late_of(actor, rows[i], c, tx.now) for c in late if (i := c.row.grant_id) in rows]


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
