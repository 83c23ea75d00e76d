"""Bookings that cannot be declared as they are, such as for want of free digits: held, told once, and tried again.

For whoever declares unasked or many at once: nobody else's stay waits for theirs. Whoever enters one by hand is told
at once instead, and nothing is stored.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import declaring
from lockstep.operations import events as recorded
from lockstep.operations.errors import Problem
from lockstep.operations.failures import failed
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import bookings, grants
from lockstep.storage.bookings import BookingRow

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)
"""What stands in the way may end at any time, by itself or by hand; a try costs the database little and no vendor
anything."""

_AT_ONCE = 100


async def declare_or_hold(tx: Tx, actor: Actor, booking_id: UUID) -> None:
    """Declare it; where that cannot be done it stays as it was declared before, and is held."""
    try:
        async with tx.db.transaction():
            await declaring.declare_booking(tx, actor, booking_id)
    except Problem as problem:
        await _hold(tx, actor, booking_id, problem)


async def try_again(tx: Tx, actor: Actor, booking_id: UUID) -> None:
    """Declare one that is due to be tried again; nothing where somebody else has done so meanwhile."""
    require(actor, Scope.BOOKINGS_WRITE)
    rows = await bookings.get_many(tx.db, tx.workspace_id, [booking_id], locked=True)
    if not rows or rows[0].declare_at is None or rows[0].declare_at > tx.now:
        return
    if rows[0].ends_at > tx.now:
        await declare_or_hold(tx, actor, booking_id)
    else:
        await _end(tx, actor, rows[0])


async def put_off(tx: Tx, actor: Actor, booking_id: UUID) -> None:
    """Not now: a fault of ours stood in the way."""
    require(actor, Scope.BOOKINGS_WRITE)
    await bookings.put_off(tx.db, tx.workspace_id, booking_id, tx.now + FIRST_WAIT)


async def next_try_at(gate: Gate) -> datetime | None:
    """When the first booking of any workspace is due to be tried again."""
    async with gate.database.reading(None) as db:
        return await bookings.next_to_declare(db)


async def due(gate: Gate) -> list[tuple[UUID, UUID]]:
    """Workspace and booking of some that are due to be tried again."""
    async with gate.database.reading(None) as db:
        return await bookings.every_to_declare(db, gate.clock.now(), _AT_ONCE)


async def _end(tx: Tx, actor: Actor, booking: BookingRow) -> None:
    """The stay is over, whatever access it had before it was held."""
    grant = await grants.of_booking(tx.db, tx.workspace_id, booking.id)
    if grant is not None and (grant.ends_at is None or grant.ends_at > tx.now):
        await declaring.withdraw_grant(tx, actor, grant)
    await declaring.release(tx, actor, booking)


async def _hold(tx: Tx, actor: Actor, booking_id: UUID, problem: Problem) -> None:
    booking = await bookings.get(tx.db, tx.workspace_id, booking_id)
    assert booking is not None, "its declaration has failed just now"
    before = failed(booking.held)
    since = tx.now if before is None else before.at
    held = {
        "code": problem.code,
        "cause": problem.cause,
        "next_step": problem.next_step,
        "at": since.isoformat(),
    }
    # Twice as long as it has waited until now, in effect.
    wait = min(max(tx.now - since, FIRST_WAIT), LONGEST_WAIT)
    await bookings.hold(tx.db, tx.workspace_id, booking_id, held, tx.now + wait)
    if before is None or before.code != problem.code:
        told = events.BookingHeld(
            booking_id=booking.public_id,
            calendar_id=booking.calendar_public_id,
            code=problem.code,
            cause=problem.cause,
            next_step=problem.next_step,
        )
        await recorded.append(tx, actor, told)
