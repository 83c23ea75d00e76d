"""Who is inside or arrives, door by door, and which codes should be gone: the one source of the first page, the API's
list of arrivals, `status`, `doctor` and the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.model.access_code import Standing
from lockstep.model.obstacles import Obstacle
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import access_codes, grants
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.confinement import confinement
from lockstep.operations.gate import Tx
from lockstep.operations.grants import AccessGrant
from lockstep.operations.stays import CodeState, Coming, code_states, coming_of, obstacle_ahead
from lockstep.storage import bookings, spaces
from lockstep.storage import today as stored
from lockstep.storage.bookings import BookingRow
from lockstep.storage.today import AheadRow, LockRow

SPAN = timedelta(hours=24)
"""How far ahead arrivals are looked at door by door."""
AHEAD = timedelta(days=7)
"""How far ahead it is told where nobody would get a code at all, and what waits for an operator."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A space in which whoever arrives after the span finds a closed door."""

    row: AheadRow
    obstacle: Obstacle
    locks: tuple[str, ...]
    """The names of the locks that it is about."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    coming: tuple[Coming, ...]
    """The soonest first."""
    awaiting: tuple[Coming, ...]
    """Entries of calendars that wait for an operator, within `AHEAD`; those of the span stand in `coming` too."""
    leaving: tuple[CodeState, ...]
    """Codes that should be gone and are not proven gone, on locks that somebody looks at."""
    ahead: tuple[Ahead, ...]
    locks: tuple[LockRow, ...]
    """Also those of disconnected accounts."""

    @property
    def counts(self) -> Mapping[Standing, int]:
        """Doors of all who are coming, by how they stand; a stay without any counts as one."""
        return Counter(standing for coming in self.coming for standing in coming.standings)

    @property
    def failed(self) -> int:
        """Doors and stays that need somebody: refused, late, or without a code; and codes overdue to be gone."""
        overdue = sum(code.standing is Standing.FAILED for code in self.leaving)
        return self.counts.get(Standing.FAILED, 0) + overdue


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who is coming, with the whole of what can be told of the codes."""

    coming: Coming
    grant: AccessGrant | None
    booking: BookingRow | None
    """Instead of a grant, where there is none."""
    codes: tuple[AccessCode, ...]


async def arrivals(tx: Tx, actor: Actor, span: timedelta = SPAN) -> Arrivals:
    """Of the properties that the actor may see, in a number of statements that does not grow."""
    require(actor, Scope.GRANTS_READ)
    within = confinement(actor)
    until, ahead_until = tx.now + span, tx.now + max(span, AHEAD)
    locks = await stored.locks(tx.db, tx.workspace_id, within)
    rows = await stored.coming(tx.db, tx.workspace_id, tx.now, until, ahead_until, within)
    if not actor.may(Scope.BOOKINGS_READ):
        rows = [row for row in rows if row.grant_id is not None]
    later = await stored.ahead(tx.db, tx.workspace_id, until, ahead_until, within)
    named = {id for row in rows for id in row.space_ids} | {row.space_id for row in later}
    reached = await spaces.doors_of(tx.db, tx.workspace_id, sorted(named))
    known = {lock.id: lock for lock in locks}
    codes = code_states(await stored.codes(tx.db, tx.workspace_id, tx.now, until, within), known, tx.now)
    due, leaving = _parted(codes, tx.now)
    coming = [coming_of(row, due.get(row.id, ()), reached, known) for row in rows]
    return Arrivals(
        tuple(c for c in coming if c.row.starts_at < until),
        tuple(c for c in coming if c.row.is_awaiting),
        tuple(leaving),
        tuple(_ahead(later, reached, known)),
        tuple(locks),
    )


async def listed(tx: Tx, actor: Actor, span: timedelta) -> list[Arrival]:
    """Who is inside or arrives within `span`, soonest first."""
    found = (await arrivals(tx, actor, span)).coming
    grant_ids = [c.row.grant_id for c in found if c.row.grant_id is not None]
    alone = [c.row.booking_id for c in found if c.row.grant_id is None and c.row.booking_id is not None]
    known = {g.access_grant_id: g for g in await grants.shown(tx, actor, grant_ids)}
    codes = await access_codes.of_grants(tx, actor, grant_ids)
    entered = {row.id: row for row in await bookings.get_many(tx.db, tx.workspace_id, alone)}
    return [
        Arrival(
            one,
            known.get(one.row.grant_public_id or ""),
            entered.get(one.row.id),
            tuple(c for c in codes.get(one.row.id, ()) if c.row.public_id in _ids(one)),
        )
        for one in found
        # Each statement sees what is committed by then: one of them may have gone meanwhile.
        if one.row.grant_public_id in known or one.row.id in entered
    ]


def _ids(coming: Coming) -> set[str]:
    return {code.row.public_id for code in coming.codes}


def _parted(
    codes: Sequence[CodeState], now: datetime
) -> tuple[Mapping[UUID, Sequence[CodeState]], list[CodeState]]:
    """Codes that should open, by grant; and those that should not any more."""
    due: dict[UUID, list[CodeState]] = {}
    leaving = []
    for code in codes:
        if not code.is_leaving(now):
            due.setdefault(code.row.grant_id, []).append(code)
        elif code.lock.disconnected_at is None:
            # Else it was left there on purpose, and nobody looks.
            leaving.append(code)
    return due, leaving


def _ahead(
    rows: Sequence[AheadRow], reached: Mapping[UUID, Sequence[UUID]], locks: Mapping[UUID, LockRow]
) -> list[Ahead]:
    found = []
    for row in rows:
        here = [locks[id] for id in reached.get(row.space_id, ()) if id in locks]
        shut = obstacle_ahead(here)
        if shut is not None:
            found.append(Ahead(row, *shut))
    return found
