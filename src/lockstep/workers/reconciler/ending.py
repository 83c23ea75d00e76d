"""Ends a pass in one transaction: notes, alarms, what is over, what failed, and when the next one is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from lockstep.model.plan import next_thought
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, domains
from lockstep.storage.entries import EntryRow
from lockstep.workers.reconciler.course import Course, urgent_at
from lockstep.workers.reconciler.remedies import Remedy
from lockstep.workers.reconciler.situation import stock_of, units_of
from lockstep.workers.reconciler.telling import settle_and_tell, tell_account

_ANY_WAIT = timedelta(minutes=1)
_STOPPED_WAIT = timedelta(minutes=15)
"""An account that is stopped is thought about this often, so that alarms go on."""


async def end_pass(gate: Gate, course: Course, *, is_quiet: bool) -> None:
    """Does nothing where the lease has passed to another. `is_quiet`: no entry was looked at, none is now."""
    if course.is_lease_lost:
        return
    place = course.place
    async with gate.transaction(course.claim.workspace_id) as tx:
        if not await claims.holds(tx.db, course.claim, timedelta(0)):
            return
        think_at = place.domain.think_at if is_quiet else await _conclude(tx, course)
        look_at = course.look_at if place.may_look else None
        wait_until = course.wait_until
        if course.failure is not None:
            wait_until = await _note_failure(tx, course, course.failure)
        elif wait_until is None and place.may_look:
            await domains.set_failure(tx.db, tx.workspace_id, place.domain.id, 0, None)
        if wait_until is not None:
            # Nothing is lost by waiting: what was due is due then, and alarms go on by their own clock.
            look_at = None if look_at is None else max(look_at, wait_until)
            if think_at is None or think_at <= tx.now or think_at > wait_until:
                think_at = wait_until
        due = [at for at in (look_at, think_at) if at is not None]
        await domains.set_next(tx.db, tx.workspace_id, place.domain.id, look_at, think_at)
        await claims.release(tx.db, course.claim, min(due) if due else None)


async def _conclude(tx: Tx, course: Course) -> datetime | None:
    """Store notes, settle what is over, tell what changed; returns when to think again."""
    place, now = course.place, tx.now
    stock = await stock_of(tx, place.domain.id)
    await settle_and_tell(tx, place, stock, course.notes)
    units = units_of(place, stock)
    moments: list[datetime | None] = [*course.retries]
    for unit in units:
        beliefs = {e.id: e.belief for e in unit.entries}
        declared = [e.declared for e in unit.entries]
        moments.append(next_thought(declared, beliefs, unit.capabilities, now))
        moments += [at for e in unit.entries for at in _waits(course, e, now)]
    moments += [i.look_at for i in stock.intents if i.look_at is not None]
    await domains.set_urgent(tx.db, tx.workspace_id, place.domain.id, urgent_at(units, stock, now))
    await domains.set_doubt(tx.db, tx.workspace_id, place.domain.id, _doubt_at(course))
    return min((m for m in moments if m is not None), default=None)


def _waits(course: Course, entry: EntryRow, now: datetime) -> list[datetime]:
    """When an entry that was told to wait may go on."""
    remedy = course.notes.get(entry.id)
    if remedy is not None and remedy.entry_wait is not None:
        return [now + remedy.entry_wait]
    return [entry.not_before] if entry.not_before is not None and entry.not_before > now else []


def _doubt_at(course: Course) -> datetime | None:
    """A doubt lasts until a reading that began later has been judged."""
    before = course.place.domain.doubt_at
    if course.doubt_at is not None:
        return before or course.doubt_at
    is_judged = course.failure is None and course.wait_until is None
    return None if is_judged else before


async def _note_failure(tx: Tx, course: Course, remedy: Remedy) -> datetime:
    place, now = course.place, tx.now
    failures = place.domain.failures + 1
    await domains.set_failure(tx.db, tx.workspace_id, place.domain.id, failures, remedy.failure)
    if remedy.account_wait is not None:
        until = now + remedy.account_wait
        await accounts.note_failure(tx.db, tx.workspace_id, place.account.id, remedy.failure, until)
        return until
    if remedy.account_state is not None:
        is_new = await accounts.set_state(
            tx.db, tx.workspace_id, place.account.id, remedy.account_state, remedy.failure, now
        )
        if is_new:
            await tell_account(tx, place.account, remedy.account_state)
        return now + _STOPPED_WAIT
    return now + (remedy.domain_wait or _ANY_WAIT)
