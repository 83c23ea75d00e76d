"""Ends a pass in one transaction: notes, alarms, what is over, what failed, and when the next one is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lockstep.kit.metrics import LEASES_LOST
from lockstep.model.plan import next_thought
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, domains
from lockstep.storage.claims import Claim
from lockstep.storage.domains import Finish
from lockstep.storage.entries import EntryRow
from lockstep.workers.reconciler.course import Course, urgent_at
from lockstep.workers.reconciler.remedies import Remedy
from lockstep.workers.reconciler.shared import Shared
from lockstep.workers.reconciler.situation import Stock, stock_of, units_of
from lockstep.workers.reconciler.telling import find, settle_and_tell, tell_account

_ANY_WAIT = timedelta(minutes=1)
_STOPPED_WAIT = timedelta(minutes=15)
"""An account that is stopped is thought about this often, so that alarms go on."""


async def end_pass(gate: Gate, shared: Shared, course: Course, *, is_quiet: bool) -> None:
    """Does nothing where the lease has passed to another. `is_quiet`: no entry was looked at, none is now."""
    if course.is_lease_lost:
        LEASES_LOST.labels("domains").inc()
        return
    if course.failure is None and await _end_at_once(gate, shared, course, is_quiet=is_quiet):
        return
    async with gate.transaction(course.claim.workspace_id) as tx:
        if not await claims.holds(tx.db, course.claim, timedelta(0)):
            LEASES_LOST.labels("domains").inc()
            return
        concluded = _as_before(course)
        if not is_quiet:
            # Under the lock no declaration comes in between: what is settled here is over indeed.
            stock = await stock_of(tx, course.place.domain.id)
            await settle_and_tell(tx, find(course.place, stock, course.notes, tx.now))
            concluded = _conclude(course, stock, tx.now)
        wait_until = course.wait_until
        if course.failure is not None:
            wait_until = await _note_failure(tx, course, course.failure)
        finish = _finish(course, concluded, wait_until, tx.now, is_quiet=is_quiet)
        (is_ours,) = await domains.finish(tx.db, tx.workspace_id, [(course.claim, finish)])
        _count(is_ours=is_ours)


async def rest(gate: Gate, claim: Claim) -> None:
    """End a pass over a domain whose account is disconnected: nobody looks again, and nothing is an alarm."""
    async with gate.transaction(claim.workspace_id) as tx:
        nothing = Finish(None, None, 0, None, None, None)
        (is_ours,) = await domains.finish(tx.db, tx.workspace_id, [(claim, nothing)])
        _count(is_ours=is_ours)


async def _end_at_once(gate: Gate, shared: Shared, course: Course, *, is_quiet: bool) -> bool:
    """The usual end: there is nothing to note, and one statement ends the pass. False where it takes more. What is
    declared meanwhile makes the domain due again."""
    concluded, now = _as_before(course), gate.clock.now()
    if not is_quiet:
        stock = course.known or await shared.stock(course.claim)
        if find(course.place, stock, course.notes, now):
            return False
        concluded = _conclude(course, stock, now)
    finish = _finish(course, concluded, course.wait_until, now, is_quiet=is_quiet)
    _count(is_ours=await shared.finish(course.claim, finish))
    return True


def _count(*, is_ours: bool) -> None:
    if not is_ours:
        LEASES_LOST.labels("domains").inc()


def _finish(
    course: Course, concluded: _Concluded, wait_until: datetime | None, now: datetime, *, is_quiet: bool
) -> Finish:
    domain = course.place.domain
    think_at, look_at = concluded.think_at, course.look_at if course.place.may_look else None
    failures, failure = domain.failures, domain.failure
    if course.failure is not None:
        failures, failure = failures + 1, course.failure.failure
    elif wait_until is None and course.place.may_look:
        failures, failure = 0, None
    if wait_until is not None:
        # Nothing is lost by waiting: what was due is due then, and alarms go on by their own clock.
        look_at = None if look_at is None else max(look_at, wait_until)
        if think_at is None or think_at <= now or think_at > wait_until:
            think_at = wait_until
    is_news = not is_quiet or failure != domain.failure
    return Finish(look_at, think_at, failures, failure, concluded.urgent_at, concluded.doubt_at, is_news)


@dataclass(frozen=True, slots=True)
class _Concluded:
    think_at: datetime | None
    urgent_at: datetime | None
    doubt_at: datetime | None


def _as_before(course: Course) -> _Concluded:
    domain = course.place.domain
    return _Concluded(domain.think_at, domain.urgent_at, domain.doubt_at)


def _conclude(course: Course, stock: Stock, now: datetime) -> _Concluded:
    """When to think again, and for what."""
    units = units_of(course.place, stock)
    moments: list[datetime | None] = [*course.retries]
    for unit in units:
        beliefs = {e.id: e.belief for e in unit.entries}
        declared = [e.declared for e in unit.entries]
        moments.append(next_thought(declared, beliefs, unit.capabilities, now))
        moments += [at for e in unit.entries for at in _waits(course, e, now)]
    # Jobs of a stopped account are not asked about: they stay due, and would make the domain due at once for ever.
    asked = now if course.place.may_look else now + _STOPPED_WAIT
    moments += [max(i.look_at, asked) for i in stock.intents if i.look_at is not None]
    think_at = min((m for m in moments if m is not None), default=None)
    return _Concluded(think_at, urgent_at(units, stock, now), _doubt_at(course))


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
    if remedy.account_wait is not None:
        until = now + remedy.account_wait
        await accounts.note_failure(tx.db, tx.workspace_id, place.account.id, remedy.failure, until)
        return until
    if remedy.account_state is not None:
        is_new = await accounts.set_state(
            tx.db,
            tx.workspace_id,
            place.account.id,
            remedy.account_state,
            remedy.failure,
            now,
            with_credentials=place.account.credentials,
        )
        if is_new:
            await tell_account(tx, place.account, remedy.account_state)
        return now + _STOPPED_WAIT
    return now + (remedy.domain_wait or _ANY_WAIT)
