"""A small lock that accepts changes as a vendor with the given capabilities would, and a reconciler in a few lines.

The lock knows the vendor's rules from here alone: it is the witness of what the model decides."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import UUID

from lockstep.model.belief import (
    Belief,
    after_done,
    after_refusal,
    after_unknown,
    narrow,
    widen,
)
from lockstep.model.capabilities import (
    Addressing,
    Capabilities,
    Comparison,
    DuplicateBehaviour,
    ReadBack,
    ScheduleKind,
)
from lockstep.model.declared import ABSENT, Declared, Spec, is_enabled
from lockstep.model.matching import Known, Matches, ReadEntry, match
from lockstep.model.naming import entry_name
from lockstep.model.plan import Change, Foreign, Kind, Plan, is_doubtful, next_look, plan
from lockstep.model.seen import Seen
from lockstep.model.window import Window

T0 = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALL = timedelta(seconds=5)
"""How long a call may take before it is given up."""


def hours(count: float) -> datetime:
    return T0 + HOUR * count


def entry_id(number: int) -> UUID:
    return UUID(int=number)


def digits(number: int) -> UUID:
    """The fingerprint of some digits."""
    return UUID(int=0xF00D_0000 + number)


def declare(
    number: int, code: int, starts: float, ends: float | None, revision: int = 1, **more: object
) -> Declared:
    """Entry `number` with digits `code`, from hour to hour after T0."""
    window = Window(hours(starts), None if ends is None else hours(ends))
    tag = f"tag{number:02}"
    spec = Spec(digits(code), window, f"Guest {tag}", frozenset({"lock"}))
    return Declared(entry_id(number), revision, spec, tag, **more)  # type: ignore[arg-type]


class Luck(Enum):
    """What becomes of a mutating call."""

    WELL = "well"
    LOST_BEFORE = "no answer, not done"
    LOST_AFTER = "no answer, done"
    LATE = "no answer, done later"
    LIED = "said yes, not done"
    NOT_SENT = "not sent"


@dataclass(frozen=True)
class OnLock:
    """One entry as it stands on the lock. `owner` None: somebody else's; the lock itself does not know it."""

    reference: str
    owner: UUID | None
    fingerprint: UUID
    window: Window
    is_enabled: bool = True
    name: str = ""
    version: str = ""


class Refusal(Exception):
    """The lock says no, and nothing was changed."""


@dataclass
class SimulatedLock:
    """Stands for vendor and lock together. Readings lag behind by `lag`."""

    capabilities: Capabilities
    lag: timedelta = timedelta(0)
    entries: dict[str, OnLock] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    on_change: Callable[[], None] = lambda: None
    _later: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    _history: list[tuple[datetime, dict[str, OnLock]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def advance(self, now: datetime) -> None:
        """Let happen what was to happen later."""
        for at, act in sorted(self._later, key=lambda p: p[0]):
            if at <= now:
                self._later = [p for p in self._later if p[1] is not act]
                try:
                    act()
                except Refusal:
                    continue
                self.remember(at)

    def later(self, at: datetime, act: Callable[[], object]) -> None:
        self._later.append((at, act))

    def remember(self, at: datetime) -> None:
        self._history.append((at, dict(self.entries)))
        self.on_change()

    def put(self, wanted: OnLock, reference: str | None, place: str | None) -> OnLock:
        """Create, or change in place. Raises Refusal."""
        if reference is not None and reference in self.entries:
            if not self.capabilities.can_update:
                raise self._refuse("rule_broken")
        elif reference is not None and self.capabilities.addressing is Addressing.ID:
            raise self._refuse("gone")
        elif self.is_full():
            raise self._refuse("full")
        at = reference or place or f"id{next(self._numbers)}"
        others = [e for e in self.entries.values() if e.reference != at]
        if self.capabilities.duplicates.behaviour is DuplicateBehaviour.ERROR and any(
            self.clashes(wanted, e) for e in others
        ):
            raise self._refuse("duplicate_digits")
        new = replace(wanted, reference=at, version=f"v{next(self._numbers)}")
        self.entries[at] = new
        return new

    def remove(self, reference: str) -> None:
        self.entries.pop(reference, None)

    def edit(self, reference: str, now: datetime, **changes: object) -> None:
        """Somebody changes an entry in the vendor's app."""
        edited = replace(self.entries[reference], **changes)  # type: ignore[arg-type]
        self.entries[reference] = replace(edited, version=f"v{next(self._numbers)}")
        self.remember(now)

    def is_full(self) -> bool:
        most = self.capabilities.most_codes
        return most is not None and len(self.entries) >= most

    def clashes(self, one: OnLock, other: OnLock) -> bool:
        """Whether the vendor forbids both at once."""
        if one.fingerprint != other.fingerprint:
            return False
        by_window = self.capabilities.duplicates.compared_by is Comparison.WINDOW
        knows_windows = self.capabilities.schedule.kind is not ScheduleKind.NONE
        return not (by_window and knows_windows) or one.window.overlaps(other.window)

    def opens(self, fingerprint: UUID, at: datetime) -> set[UUID | None]:
        """Whose entries open the door for these digits at that instant, as the lock stands now."""
        knows_windows = self.capabilities.schedule.kind is not ScheduleKind.NONE
        return {
            e.owner
            for e in self.entries.values()
            if e.fingerprint == fingerprint
            and e.is_enabled
            and (not knows_windows or self.written(e.window).contains(at))
        }

    def written(self, window: Window) -> Window:
        step = self.capabilities.schedule.granularity
        begins = T0 - ((T0 - window.starts_at) // step + bool((T0 - window.starts_at) % step)) * step
        if window.ends_at is None:
            return Window(begins)
        return Window(begins, T0 + -((T0 - window.ends_at) // step) * step)

    def read(self, begun_at: datetime) -> list[ReadEntry]:
        shown: dict[str, OnLock] = {}
        for at, state in sorted(self._history, key=lambda p: p[0]):
            if at + self.lag <= begun_at:
                shown = state
        return [self._show(e) for e in shown.values()]

    def place(self, taken: frozenset[str]) -> str | None:
        """The first free slot, for locks with numbered places."""
        if self.capabilities.addressing is not Addressing.SLOT:
            return None
        most = self.capabilities.most_codes or 99
        return next((f"slot{n}" for n in range(1, most + 1) if f"slot{n}" not in taken), None)

    def _show(self, entry: OnLock) -> ReadEntry:
        back = self.capabilities.read_back
        shows = back is ReadBack.DIGITS
        knows_windows = self.capabilities.schedule.kind is not ScheduleKind.NONE
        seen = Seen(
            reference=entry.reference,
            evidence=self.capabilities.best_evidence,
            fingerprint=entry.fingerprint if shows else None,
            version=entry.version if back is ReadBack.VERSION else None,
            window=self.written(entry.window) if shows and knows_windows else None,
            is_enabled=entry.is_enabled if self.capabilities.schedule.can_hold_disabled else None,
            name=entry.name if self.capabilities.name.is_kept else None,
        )
        return ReadEntry(seen)

    def _refuse(self, reason: str) -> Refusal:
        self.refusals.append(reason)
        return Refusal(reason)


class Keeper:
    """Keeps a simulated lock in step: look, narrow, plan, write, and say when to look again. Stores nothing else."""

    def __init__(self, lock: SimulatedLock, luck: Callable[[], Luck] = lambda: Luck.WELL) -> None:
        self.lock = lock
        self.luck = luck
        self.capabilities = lock.capabilities
        self.now = T0
        self.declared: dict[UUID, Declared] = {}
        self.specs: dict[UUID, dict[int, Spec]] = {}
        self.beliefs: dict[UUID, Belief] = {}
        self.foreign = Foreign()
        self.foreign_references: frozenset[str] = frozenset()
        self.writes: list[tuple[datetime, Change, Luck]] = []
        self.look_at = T0
        self.doubt_at: datetime | None = None
        self.late_by = timedelta(seconds=1)

    def declare(self, *entries: Declared) -> None:
        for one in entries:
            self.declared[one.entry_id] = one
            self.specs.setdefault(one.entry_id, {})[one.revision] = one.spec
            self.beliefs.setdefault(one.entry_id, Belief())
        self.look_at = self.now

    def withdraw(self, number: int) -> None:
        one = self.declared[entry_id(number)]
        self.declared[one.entry_id] = replace(one, withdrawn_at=self.now)
        self.look_at = self.now

    def plan(self) -> Plan:
        return plan(
            list(self.declared.values()), self.beliefs, self.specs, self.capabilities, self.now, self.foreign
        )

    def read(self) -> None:
        """Take a reading now and believe what follows from it."""
        self.lock.advance(self.now)
        if self.capabilities.read_back is ReadBack.NONE:
            self.beliefs = {i: self._narrowed(i, None) for i in self.declared}
            return
        known = [Known(d, self.beliefs[i], self.specs[i]) for i, d in self.declared.items()]
        matches = match(known, self.lock.read(self.now), self.capabilities)
        self.foreign = Foreign(
            len(matches.foreign),
            frozenset(f.seen.fingerprint for f in matches.foreign if f.seen.fingerprint is not None),
            matches.ambiguous,
            tuple((i, s.reference) for i, s in matches.surplus),
        )
        others = [f.seen for f in matches.foreign] + [s for _, s in matches.surplus]
        self.foreign_references = frozenset(s.reference for s in others)
        if not self._is_doubt(matches):
            self.beliefs |= {i: self._narrowed(i, s) for i, s in matches.seen.items()}

    def look(self) -> None:
        """One pass. Whatever can be written without waiting is written."""
        self.read()
        for _ in range(len(self.declared) + 1):
            ready = [c for c in self.plan().changes if not c.waits_for]
            if not ready or not self.write(ready[0]):
                break
        entries = list(self.declared.values())
        self.look_at = next_look(entries, self.beliefs, self.capabilities, self.now, self.now)
        if self.writes and self.writes[-1][0] == self.now and self.writes[-1][2] is Luck.NOT_SENT:
            self.look_at = min(self.look_at, self.now + timedelta(seconds=30))

    def run(self, until: datetime) -> None:
        """Look when it was said to, and at no other time."""
        while self.look_at <= until:
            assert self.look_at >= self.now
            self.now = self.look_at
            self.look()
            assert self.look_at > self.now
        self.now = until
        self.lock.advance(until)

    def settle(self) -> None:
        """Go on until the last write can be read."""
        self.now += self.capabilities.settling + CALL
        self.read()

    def write(self, change: Change) -> bool:
        """Make one change, with the luck that there is. False where nothing was sent, or the lock refused."""
        entry = self.declared[change.entry_id]
        before = self.beliefs[change.entry_id]
        reference = change.reference or self._reference(before)
        place = None
        if change.kind is not Kind.REMOVE and reference is None:
            taken = self.foreign_references.union(*(b.references for b in self.beliefs.values()))
            place = self.lock.place(taken)
        act = self._act(entry, change, reference, place)
        luck = self.luck()
        self.writes.append((self.now, change, luck))
        belief = widen(before, change.state, reference or place, self.capabilities, self.now + CALL)
        self.beliefs[change.entry_id] = belief
        if luck is Luck.NOT_SENT:
            self.beliefs[change.entry_id] = before
            return False
        try:
            done = self._happen(act, luck)
        except Refusal:
            self.beliefs[change.entry_id] = after_refusal(belief, before.possible, before.last_write_at)
            return False
        if luck in (Luck.WELL, Luck.LIED):
            at = done.reference if done is not None and change.reference is None else place
            version = done.version if done is not None else None
            self.beliefs[change.entry_id] = after_done(
                belief,
                change.state,
                at,
                version,
                self.capabilities.best_evidence,
                self.capabilities,
                self.now,
            )
        else:
            self.beliefs[change.entry_id] = after_unknown(belief, self.now + CALL, self.capabilities)
        return True

    def _happen(self, act: Callable[[], OnLock | None], luck: Luck) -> OnLock | None:
        if luck is Luck.LATE:
            self.lock.later(self.now + min(self.late_by, self.capabilities.late_apply), act)
        if luck in (Luck.WELL, Luck.LOST_AFTER):
            done = act()
            self.lock.remember(self.now)
            return done
        return None

    def _act(
        self, entry: Declared, change: Change, reference: str | None, place: str | None
    ) -> Callable[[], OnLock | None]:
        spec = entry.spec
        assert spec.fingerprint is not None
        name = entry_name("Guest", entry.tag, self.capabilities.name)
        wanted = OnLock("", entry.entry_id, spec.fingerprint, spec.window, is_enabled(change.state), name)

        def remove() -> None:
            if reference is not None:
                self.lock.remove(reference)

        return remove if change.kind is Kind.REMOVE else lambda: self.lock.put(wanted, reference, place)

    def _reference(self, belief: Belief) -> str | None:
        is_slot = self.capabilities.addressing is Addressing.SLOT
        if not belief.may_be_present and not (is_slot and belief.references):
            return None
        return min(belief.references, default=None)

    def _narrowed(self, id: UUID, seen: Seen | None) -> Belief:
        return narrow(self.beliefs[id], seen, self.now, self.specs[id], self.capabilities)

    def _is_doubt(self, matches: Matches) -> bool:
        if self.doubt_at is not None and self.now > self.doubt_at:
            self.doubt_at = None
            return False
        present = [i for i, b in self.beliefs.items() if b.only not in (None, ABSENT) and not b.tried]
        missing = [i for i in present if i in matches.seen and matches.seen[i] is None]
        if is_doubtful(len(present), len(missing)):
            self.doubt_at = self.now
            return True
        return False


def expected(
    declared: Mapping[UUID, Declared], capabilities: Capabilities, at: datetime, lock: SimulatedLock
) -> dict[UUID, set[UUID]]:
    """Whose code should open the door at `at`, by digits: worked out from the declarations alone."""
    found: dict[UUID, set[UUID]] = {}
    for one in declared.values():
        if one.withdrawn_at is not None or one.spec.fingerprint is None:
            continue
        window = one.spec.window
        if capabilities.schedule.kind is not ScheduleKind.NONE:
            window = lock.written(window)
        elif not capabilities.schedule.can_hold_disabled:
            window = Window(window.starts_at - HOUR, window.ends_at)
        if window.contains(at):
            found.setdefault(one.spec.fingerprint, set()).add(one.entry_id)
    return found
