"""One pass over one write domain: look, narrow, plan, write, and say when to look again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lockstep.driver.contract import Driver
from lockstep.driver.outcomes import DriverError
from lockstep.model.belief import Belief
from lockstep.model.capabilities import Capabilities
from lockstep.model.plan import DRIFT_CHECK, Change, Hold, Plan, look_after_write, plan
from lockstep.operations.gate import Gate
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.storage.readings import Observation, Stored
from lockstep.workers.reconciler.course import Course, Shift, is_quiet
from lockstep.workers.reconciler.drivers import Drivers
from lockstep.workers.reconciler.ending import end_pass, rest
from lockstep.workers.reconciler.jobs import end_orphans, follow_jobs
from lockstep.workers.reconciler.looking import Looking
from lockstep.workers.reconciler.narrowing import narrow_unit
from lockstep.workers.reconciler.remedies import (
    OFFLINE_WAIT,
    Remedy,
    of_error,
    of_giving_up,
    of_hold,
    of_unread,
)
from lockstep.workers.reconciler.shared import Shared
from lockstep.workers.reconciler.situation import Place, Stock, Unit, Work, units_of
from lockstep.workers.reconciler.writing import WriteSettings, Writing

_MOST_ROUNDS = 3
"""Plans of one unit in one pass: enough to use places that a refusal left free, too few to circle."""
_SHARED_WITHIN = timedelta(minutes=3)
"""A drift check is content with a reading that another lock of the account had taken this long before it was due, so
that the locks of an account come to share one."""
_DOUBT_WAIT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    write: WriteSettings = field(default_factory=WriteSettings)
    between_readings: timedelta = timedelta(milliseconds=400)
    """Real time between two readings of one account, so that locks share them."""


class Reconciler:
    """Processes claims of the queue `domains`. Remembers nothing that decides anything."""

    def __init__(
        self, gate: Gate, drivers: Drivers, settings: ReconcileSettings, made: Callable[[str, str], None]
    ) -> None:
        self._gate = gate
        self._drivers = drivers
        self._shared = Shared(gate)
        self._looking = Looking(
            gate, self._shared, drivers.permits, settings.between_readings, settings.write.lease
        )
        self._writing = Writing(gate, drivers.permits, settings.write, made)

    async def process(self, claim: Claim) -> None:
        place = await self._shared.place(claim)
        if place is None:
            return
        if place.account.state == "disconnected":
            await rest(self._gate, claim)
            return
        course = Course(claim, place)
        driver = await self._drivers.of(claim.workspace_id, place.account) if place.may_look else None
        must_think = driver is None or _must_think(course, self._gate.clock.now())
        if driver is None or must_think or not await self._only_look(course, driver):
            await self._think(course, driver)

    async def _only_look(self, course: Course, driver: Driver) -> bool:
        """The quiet case: a drift check that finds nothing new loads no entries and writes nothing but the reading."""
        before = await self._shared.stored(course.claim, course.place)
        due_at = course.place.domain.look_at or self._gate.clock.now()
        found = await self._look(course, driver, due_at - _SHARED_WITHIN, before)
        contents = {o.target: o.content for o in before.observed}
        is_same = len(found) == len(contents) and all(contents.get(o.target) == o.content for o in found)
        if not is_same and not course.must_end:
            return False
        await end_pass(self._gate, self._shared, course, is_quiet=True)
        return True

    async def _think(self, course: Course, driver: Driver | None) -> None:
        claim, place = course.claim, course.place
        stock = await self._shared.stock(claim)
        is_changed = await end_orphans(self._gate, claim, stock.intents)
        if driver is not None:
            is_changed |= await follow_jobs(self._gate, claim, place, driver, stock.intents)
        if is_changed:
            stock = await self._shared.stock(claim)
        stored = await self._shared.stored(claim, place)
        observed = stored.observed
        if driver is not None and not course.must_end:
            has_unread = len(observed) < len(place.targets)
            after = _wanted_after(place, stock, self._gate.clock.now(), has_unread=has_unread)
            observed = await self._look(course, driver, after, stored)
        course.known = stock
        for unit in units_of(place, stock):
            await self._pass_over(course, unit, stock, observed, driver)
        await end_pass(self._gate, self._shared, course, is_quiet=False)

    async def _look(
        self, course: Course, driver: Driver, after: datetime, stored: Stored
    ) -> list[Observation]:
        """The newest observations; those of before where none could be had."""
        place = course.place
        try:
            looked = await self._looking.look(course.claim, place, driver, after, stored)
        except DriverError as error:
            course.failure = of_error(error, place.label, place.domain.failures, self._gate.clock.now())
            return stored.observed
        course.wait_until = looked.wait_until
        course.is_lease_lost = looked.is_lease_lost
        if looked.begun_at is not None:
            # By the reading's beginning also where a lock was left out: paced by the try.
            course.look_at = looked.begun_at + DRIFT_CHECK
        return stored.observed if course.must_end else looked.observed

    async def _pass_over(
        self, course: Course, unit: Unit, stock: Stock, observed: list[Observation], driver: Driver | None
    ) -> None:
        work = Work(course.claim, course.place, unit)
        narrowed = await narrow_unit(self._gate, self._shared, work, stock, observed)
        if course.known is not None:
            course.known = replace(course.known, entries={**course.known.entries, **narrowed.entries})
        if narrowed.doubt_at is not None:
            course.doubt_at = narrowed.doubt_at
            course.look_at = narrowed.doubt_at + max(_DOUBT_WAIT, unit.capabilities.settling)
        if driver is None or course.must_end or not course.place.may_write:
            return
        shift = Shift(work, narrowed, dict(narrowed.entries))
        shift.let_rested_try(self._gate.clock.now())
        await self._write_unit(course, shift, stock, driver)

    async def _write_unit(self, course: Course, shift: Shift, stock: Stock, driver: Driver) -> None:
        done: set[Change] = set()
        busy = {i.entry_id for i in stock.intents if i.outcome == "accepted"}
        for _ in range(_MOST_ROUNDS):
            now = self._gate.clock.now()
            planned = _plan(shift, stock, now)
            self._note_holds(course, shift, planned, now)
            ready = [
                c
                for c in planned.changes
                if c not in done and c.entry_id not in busy and _may_go(shift, c, now)
            ]
            self._note_unread(course, shift, ready, now)
            ready = [c for c in ready if c.entry_id not in shift.narrowed.unread]
            if not ready:
                return
            for change in ready:
                if course.must_end or shift.is_over:
                    return
                done.add(change)
                entry = shift.live[change.entry_id]
                course.known = None
                written = await self._writing.write(shift.work, driver, entry, change, shift.taken)
                shift.take_in(course, entry, written, self._gate.clock.now())

    def _note_holds(self, course: Course, shift: Shift, planned: Plan, now: datetime) -> None:
        for entry_id, hold in planned.holds.items():
            entry = shift.live[entry_id]
            noted = of_hold(hold, shift.work.unit.label, now)
            if noted is None or entry_id in course.notes:
                continue
            if hold is Hold.GIVEN_UP and not _rests(entry, now):
                course.notes[entry_id] = of_giving_up(shift.work.unit.label, entry.failure, now)
            elif hold is not Hold.GIVEN_UP:
                course.notes[entry_id] = Remedy(noted)

    def _note_unread(self, course: Course, shift: Shift, ready: list[Change], now: datetime) -> None:
        problems = {p for d in shift.work.unit.locks for p in d.state.get("problems", ())}
        for change in ready:
            if change.entry_id in shift.narrowed.unread:
                course.notes.setdefault(change.entry_id, of_unread(problems, shift.work.unit.label, now))
                course.retries.append(now + OFFLINE_WAIT)


def _must_think(course: Course, now: datetime) -> bool:
    domain = course.place.domain
    return (
        course.claim.generation > domain.applied_generation
        or domain.look_at is None
        or (domain.think_at is not None and domain.think_at <= now)
        or domain.doubt_at is not None
        or domain.failure is not None
    )


def _plan(shift: Shift, stock: Stock, now: datetime) -> Plan:
    declared = [e.declared for e in shift.live.values()]
    beliefs = {i: e.belief for i, e in shift.live.items()}
    capabilities = shift.work.unit.capabilities
    return plan(declared, beliefs, stock.specs, capabilities, now, shift.narrowed.foreign)


def _may_go(shift: Shift, change: Change, now: datetime) -> bool:
    not_before = shift.live[change.entry_id].not_before
    return not change.waits_for and (not_before is None or not_before <= now)


def _rests(entry: EntryRow, now: datetime) -> bool:
    """Given up, and told so already."""
    is_noted = entry.failure is not None and entry.failure["code"] == Hold.GIVEN_UP.value
    return is_noted and entry.not_before is not None and entry.not_before > now


def _wanted_after(place: Place, stock: Stock, now: datetime, *, has_unread: bool) -> datetime:
    """The instant that a reading must not precede to be of use: a hint, what is awaited of a write, or the drift
    check.

    Never simply "now": a reading costs calls, and a pass that comes back because no call was left for its write would
    spend those on the next reading, for ever."""
    wanted = [now - (OFFLINE_WAIT if has_unread else DRIFT_CHECK)]
    if place.domain.look_at is not None:
        wanted.append(place.domain.look_at)
    slowest = max(place.locks, key=lambda d: d.capabilities.settling, default=None)
    if slowest is not None:
        for entry in stock.entries.values():
            wanted += _awaited(entry.belief, slowest.capabilities)
    return max(at for at in wanted if at <= now)


def _awaited(belief: Belief, capabilities: Capabilities) -> list[datetime]:
    """When it had settled, when a reading that did not decide it was to be followed by another, and when nothing of it
    could come late any more."""
    written_at, read_at = belief.last_write_at, belief.read_at
    if written_at is None or is_quiet(belief):
        return []
    found = [written_at + capabilities.settling]
    if read_at is not None and read_at >= found[0]:
        found.append(look_after_write(written_at, capabilities, read_at))
    if belief.late_until is not None:
        found.append(belief.late_until)
    return found
