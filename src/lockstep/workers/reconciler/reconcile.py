"""One pass over one write domain: look, narrow, plan, write, and say when to look again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from lockstep.driver.contract import Driver
from lockstep.driver.outcomes import DriverError
from lockstep.model.belief import Belief
from lockstep.model.plan import DRIFT_CHECK, Change, next_thought, plan
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, domains
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.storage.readings import Observation
from lockstep.workers.reconciler.drivers import Drivers
from lockstep.workers.reconciler.jobs import end_orphans, follow_jobs
from lockstep.workers.reconciler.looking import Looking
from lockstep.workers.reconciler.narrowing import Narrowed, narrow_unit
from lockstep.workers.reconciler.remedies import Remedy, of_error, of_hold
from lockstep.workers.reconciler.situation import Place, Stock, Unit, place_of, stock_of, units_of
from lockstep.workers.reconciler.telling import settle_and_tell, tell_account
from lockstep.workers.reconciler.writing import WriteSettings, Writing

log = structlog.get_logger()

_MOST_ROUNDS = 3
"""Plans of one unit in one pass: enough to use places that a refusal left free, too few to circle."""


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    write: WriteSettings = field(default_factory=WriteSettings)
    between_readings: timedelta = timedelta(milliseconds=400)
    """Real time between two readings of one account, so that locks share them."""


@dataclass(slots=True)
class _Course:
    """What one pass has come to so far."""

    place: Place
    look_at: datetime | None = None
    wait_until: datetime | None = None
    failure: Remedy | None = None
    is_lease_lost: bool = False
    notes: dict[UUID, Remedy] = field(default_factory=dict)

    @property
    def must_end(self) -> bool:
        return self.is_lease_lost or self.wait_until is not None or self.failure is not None


class Reconciler:
    """Processes claims of the queue `domains`. Remembers nothing that decides anything."""

    def __init__(
        self, gate: Gate, drivers: Drivers, settings: ReconcileSettings, made: Callable[[str, str], None]
    ) -> None:
        self._gate = gate
        self._drivers = drivers
        self._looking = Looking(gate, settings.between_readings)
        self._writing = Writing(gate, settings.write, made)

    async def process(self, claim: Claim) -> None:
        place = await place_of(self._gate, claim)
        if place is None:
            return
        now = self._gate.clock.now()
        is_quiet = not _must_think(claim, place, now) and place.domain.look_at is not None and place.may_look
        if not (is_quiet and await self._only_look(claim, place, now)):
            await self._think(claim, place)

    async def _only_look(self, claim: Claim, place: Place, now: datetime) -> bool:
        """The quiet case: a drift check that finds nothing new loads no entries and writes nothing but the reading."""
        before = await self._looking.stored(claim, place)
        course = _Course(place)
        found = await self._look(claim, course, place.domain.look_at or now)
        if course.must_end:
            await self._end(claim, course, None)
            return True
        contents = {o.target: o.content for o in before}
        if any(contents.get(o.target) != o.content for o in found) or len(found) != len(before):
            return False
        await self._end(claim, course, place.domain.think_at)
        return True

    async def _think(self, claim: Claim, place: Place) -> None:
        course = _Course(place)
        driver = await self._drivers.of(claim.workspace_id, place.account) if place.may_look else None
        await end_orphans(self._gate, claim, place)
        if driver is not None:
            await follow_jobs(self._gate, claim, place, driver)
        stock = await self._load(claim, place)
        if driver is not None:
            await self._look(claim, course, _wanted_after(place, stock, self._gate.clock.now()))
        for unit in units_of(place, stock):
            await self._pass_over(claim, course, unit, stock, driver)
        await self._end(claim, course, await self._conclude(claim, course))

    async def _load(self, claim: Claim, place: Place) -> Stock:
        async with self._gate.reading(claim.workspace_id) as tx:
            return await stock_of(tx, place.domain.id)

    async def _look(self, claim: Claim, course: _Course, after: datetime) -> list[Observation]:
        place = course.place
        driver = await self._drivers.of(claim.workspace_id, place.account)
        try:
            found, wait_until = await self._looking.look(claim, place, driver, after)
        except DriverError as error:
            course.failure = of_error(error, place.label, place.domain.failures, self._gate.clock.now())
            return []
        course.wait_until = wait_until
        # A lock that the vendor cannot reach stays unread: paced by the try, not by a reading that never comes.
        is_whole = len(found) == len(place.locks)
        read_at = min(o.begun_at for o in found) if is_whole else self._gate.clock.now()
        course.look_at = read_at + DRIFT_CHECK
        return found

    async def _pass_over(
        self, claim: Claim, course: _Course, unit: Unit, stock: Stock, driver: Driver | None
    ) -> None:
        observed = await self._looking.stored(claim, course.place)
        narrowed = await narrow_unit(self._gate, claim, course.place, unit, stock, observed)
        if narrowed.look_again_at is not None:
            course.look_at = narrowed.look_again_at
        if driver is None or course.must_end or not course.place.may_write:
            return
        await self._write_unit(claim, course, unit, stock, narrowed, driver)

    async def _write_unit(
        self, claim: Claim, course: _Course, unit: Unit, stock: Stock, narrowed: Narrowed, driver: Driver
    ) -> None:
        live = dict(narrowed.entries)
        done: set[Change] = set()
        busy = {i.entry_id for i in stock.intents if i.outcome == "accepted"}
        for _ in range(_MOST_ROUNDS):
            now = self._gate.clock.now()
            declared = [e.declared for e in live.values()]
            beliefs = {i: e.belief for i, e in live.items()}
            planned = plan(declared, beliefs, stock.specs, unit.capabilities, now, narrowed.foreign)
            for entry_id, hold in planned.held().items():
                noted = of_hold(hold, unit.label, now)
                if noted is not None and entry_id not in course.notes:
                    course.notes[entry_id] = Remedy(noted)
            ready = [
                c
                for c in planned.changes
                if not c.waits_for
                and c not in done
                and c.entry_id not in busy
                and _may_go(live[c.entry_id], now)
            ]
            if not ready:
                return
            for change in ready:
                if course.must_end:
                    return
                done.add(change)
                await self._write(claim, course, unit, live, change, narrowed, driver)

    async def _write(
        self,
        claim: Claim,
        course: _Course,
        unit: Unit,
        live: dict[UUID, EntryRow],
        change: Change,
        narrowed: Narrowed,
        driver: Driver,
    ) -> None:
        entry = live[change.entry_id]
        taken = narrowed.foreign_references | {r for e in live.values() for r in e.belief.references}
        written = await self._writing.write(
            claim, course.place, unit, driver, entry, change, frozenset(taken)
        )
        if written.belief is not None:
            live[entry.id] = replace(entry, belief=written.belief)
        if written.remedy is not None:
            if written.remedy.entry_wait is not None:
                course.notes[entry.id] = written.remedy
            else:
                course.failure = written.remedy
        elif written.belief is not None:
            course.notes.pop(entry.id, None)
        if written.wait_until is not None and written.belief is None:
            course.wait_until = written.wait_until
        course.is_lease_lost = course.is_lease_lost or written.is_lease_lost

    async def _conclude(self, claim: Claim, course: _Course) -> datetime | None:
        """Store notes, settle what is over, tell what changed; returns when to think again."""
        now = self._gate.clock.now()
        async with self._gate.transaction(claim.workspace_id) as tx:
            if course.is_lease_lost or not await claims.holds(tx.db, claim, timedelta(0)):
                course.is_lease_lost = True
                return None
            stock = await stock_of(tx, course.place.domain.id)
            await settle_and_tell(tx, course.place, stock, course.notes)
            moments: list[datetime | None] = []
            for unit in units_of(course.place, stock):
                beliefs = {e.id: e.belief for e in unit.entries}
                declared = [e.declared for e in unit.entries]
                moments.append(next_thought(declared, beliefs, unit.capabilities, now))
                moments += [e.not_before for e in unit.entries if e.not_before and e.not_before > now]
            moments += [i.look_at for i in stock.intents if i.look_at is not None]
            await domains.set_urgent(tx.db, tx.workspace_id, course.place.domain.id, _urgent(stock, now))
        known = [m for m in moments if m is not None]
        return min(known) if known else None

    async def _end(self, claim: Claim, course: _Course, think_at: datetime | None) -> None:
        if course.is_lease_lost:
            return
        now = self._gate.clock.now()
        place = course.place
        async with self._gate.transaction(claim.workspace_id) as tx:
            look_at = course.look_at if place.may_look else None
            wait_until = course.wait_until
            if course.failure is not None:
                wait_until = await self._note_failure(tx, place, course.failure, now)
            elif wait_until is None:
                await domains.set_failure(tx.db, tx.workspace_id, place.domain.id, 0, None)
            if wait_until is not None and place.may_look:
                # Nothing is lost by waiting: what was due stays due, and alarms go on by their own clock.
                look_at = wait_until if look_at is None else max(look_at, wait_until)
                think_at = max(think_at, wait_until) if think_at is not None and think_at <= now else think_at
                think_at = wait_until if think_at is None else min(think_at, wait_until)
            due = [at for at in (look_at, think_at) if at is not None]
            await domains.set_next(tx.db, tx.workspace_id, place.domain.id, look_at, think_at)
            await claims.release(tx.db, claim, min(due) if due else None)

    async def _note_failure(self, tx: Tx, place: Place, remedy: Remedy, now: datetime) -> datetime | None:
        await domains.set_failure(
            tx.db, tx.workspace_id, place.domain.id, place.domain.failures + 1, remedy.failure
        )
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
            return now + timedelta(minutes=15)
        return now + (remedy.domain_wait or timedelta(minutes=1))


def _must_think(claim: Claim, place: Place, now: datetime) -> bool:
    domain = place.domain
    return (
        claim.generation > domain.applied_generation
        or (domain.think_at is not None and domain.think_at <= now)
        or domain.doubt_at is not None
        or domain.failure is not None
    )


def _wanted_after(place: Place, stock: Stock, now: datetime) -> datetime:
    """The instant that a reading must not precede to be of use: a hint, a settled write, or the drift check."""
    wanted = [now - DRIFT_CHECK]
    if place.domain.look_at is not None and place.domain.look_at <= now:
        wanted.append(place.domain.look_at)
    for entry in stock.entries.values():
        belief = entry.belief
        if belief.last_write_at is None or _is_quiet(belief):
            continue
        settled_at = belief.last_write_at + _settling(place)
        if settled_at <= now:
            wanted.append(settled_at)
            if belief.read_at is not None and belief.read_at >= settled_at:
                # The last reading did not decide it: only a newer one can.
                wanted.append(belief.read_at + timedelta(microseconds=1))
    return max(wanted)


def _is_quiet(belief: Belief) -> bool:
    """Its last write is proven and nothing of it can appear late."""
    is_proven = belief.proven_at is not None and belief.last_write_at is not None
    return is_proven and belief.proven_at >= belief.last_write_at and belief.late_until is None  # type: ignore[operator]


def _settling(place: Place) -> timedelta:
    return max((d.capabilities.settling for d in place.locks), default=timedelta(0))


def _may_go(entry: EntryRow, now: datetime) -> bool:
    return entry.not_before is None or entry.not_before <= now


def _urgent(stock: Stock, now: datetime) -> datetime | None:
    """The soonest arrival or revocation that is not yet as it should be: goes before drift checks."""
    waiting = [
        now if e.declared.is_withdrawn else e.declared.spec.window.starts_at
        for e in stock.entries.values()
        if e.belief.last_write_at is None or not _is_quiet(e.belief)
    ]
    return min(waiting) if waiting else None
