"""What one pass has come to so far: what it found wrong, what it waits for, when the next should be. Does no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from lockstep.model.belief import Belief
from lockstep.model.declared import due_state
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.workers.reconciler.narrowing import Narrowed
from lockstep.workers.reconciler.remedies import Remedy, may_be_tried_again, of_giving_up
from lockstep.workers.reconciler.situation import Place, Stock, Unit, Work
from lockstep.workers.reconciler.telling import stands_as_wanted
from lockstep.workers.reconciler.writing import Written


@dataclass(slots=True)
class Course:
    """Of one pass over one write domain."""

    claim: Claim
    place: Place
    look_at: datetime | None = None
    """When the next reading is due."""
    wait_until: datetime | None = None
    """The account has no call left before."""
    failure: Remedy | None = None
    """Of the whole domain, or of its account."""
    doubt_at: datetime | None = None
    """When the reading began that shows too much change."""
    is_lease_lost: bool = False
    known: Stock | None = None
    """What this pass found and believes since; None where it wrote, or where others may have: to be loaded anew."""
    notes: dict[UUID, Remedy] = field(default_factory=dict)
    """By entry."""
    retries: list[datetime] = field(default_factory=list)
    """When to try again what nothing else brings up."""

    @property
    def must_end(self) -> bool:
        return self.is_lease_lost or self.wait_until is not None or self.failure is not None


@dataclass(slots=True)
class Shift:
    """What is written in one unit during one pass."""

    work: Work
    narrowed: Narrowed
    live: dict[UUID, EntryRow]
    is_over: bool = False
    """Its lock cannot be reached: nothing more is tried in this pass."""
    tried_again: set[UUID] = field(default_factory=set)
    """Entries that were given up and have had their rest."""

    def let_rested_try(self, now: datetime) -> None:
        """Who was given up, and has rested, has one try more."""
        for id, entry in self.live.items():
            if may_be_tried_again(entry.failure, entry.not_before, now) and entry.belief.tried:
                self.live[id] = replace(entry, belief=replace(entry.belief, tried=entry.belief.tried[:-1]))
                self.tried_again.add(id)

    @property
    def taken(self) -> frozenset[str]:
        """References that are or may be in use."""
        ours = {r for e in self.live.values() for r in e.belief.references}
        return self.narrowed.foreign_references | ours

    def take_in(self, course: Course, entry: EntryRow, written: Written, now: datetime) -> None:
        """What came of one change."""
        remedy = written.remedy
        if written.belief is not None:
            self.live[entry.id] = replace(entry, belief=written.belief)
        if remedy is not None and remedy.lock_wait is not None:
            self.is_over = True
            course.notes[entry.id] = remedy
            course.retries.append(now + remedy.lock_wait)
        elif remedy is not None and remedy.entry_wait is not None:
            course.notes[entry.id] = remedy
        elif remedy is not None:
            course.failure = remedy
        elif entry.id in self.tried_again:
            course.notes[entry.id] = of_giving_up(self.work.unit.label, entry.failure, now)
        elif written.belief is not None:
            course.notes.pop(entry.id, None)
        if written.wait_until is not None:
            course.wait_until = written.wait_until
        course.is_lease_lost = course.is_lease_lost or written.is_lease_lost


def is_quiet(belief: Belief) -> bool:
    """Its last write is proven and nothing of it can appear late."""
    if belief.proven_at is None or belief.last_write_at is None:
        return False
    return belief.proven_at >= belief.last_write_at and belief.late_until is None


def urgent_at(units: list[Unit], stock: Stock, now: datetime) -> datetime | None:
    """The soonest arrival or revocation that awaits a write: it goes before drift checks and later ones."""
    needs = [
        n for u in units for e in u.entries if (n := _needed_at(u, stock.entries[e.id], now)) is not None
    ]
    return min(needs, default=None)


def _needed_at(unit: Unit, entry: EntryRow, now: datetime) -> datetime | None:
    declared = entry.declared
    if declared.withdrawn_at is not None:
        return declared.withdrawn_at
    if declared.is_spare:
        return None
    window = declared.spec.window
    is_on = due_state(declared, unit.capabilities, now) is not None and entry.belief.may_be_present
    if is_on and stands_as_wanted(entry, unit.capabilities, now):
        return window.ends_at
    return window.starts_at if not window.is_over(now) else window.ends_at
