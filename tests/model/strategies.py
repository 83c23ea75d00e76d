"""Locks, declarations and changes of them, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from tests.model.simulated import HOUR, T0, Keeper, Luck, OnLock, SimulatedLock, declare, digits, hours

from lockstep.model.capabilities import (
    Addressing,
    Capabilities,
    Comparison,
    DuplicateBehaviour,
    Duplicates,
    Evidence,
    NameRules,
    ReadBack,
    Schedule,
    ScheduleKind,
)
from lockstep.model.declared import Declared

PRESENCE = Duplicates(DuplicateBehaviour.ERROR, Comparison.PRESENCE)
BY_WINDOW = Duplicates(DuplicateBehaviour.ERROR, Comparison.WINDOW)
SILENT = Duplicates(DuplicateBehaviour.SILENT, Comparison.PRESENCE)
JUST_IN_TIME = Schedule(ScheduleKind.NONE, expires_by_itself=False)
HOLDS_DISABLED = Schedule(ScheduleKind.NONE, expires_by_itself=False, can_hold_disabled=True)
HOUR_STEPS = Schedule(granularity=timedelta(hours=1))
NAMELESS = NameRules(is_kept=False)
LISTED = {"best_evidence": Evidence.LISTED, "late_apply": timedelta(minutes=3)}

LOCKS: dict[str, Capabilities] = {
    "cloud keypad": Capabilities(duplicates=PRESENCE, **LISTED),  # type: ignore[arg-type]
    "compares windows": Capabilities(duplicates=BY_WINDOW),
    "slow to apply": Capabilities(late_apply=timedelta(minutes=40), best_evidence=Evidence.ACKNOWLEDGED),
    "hour steps": Capabilities(schedule=HOUR_STEPS, duplicates=BY_WINDOW),
    "nothing in place": Capabilities(can_update=False),
    "read by version": Capabilities(read_back=ReadBack.VERSION),
    "silent duplicates": Capabilities(duplicates=SILENT, name=NAMELESS),
    "slots, held disabled": Capabilities(addressing=Addressing.SLOT, schedule=HOLDS_DISABLED, name=NAMELESS),
    "slots, just in time": Capabilities(addressing=Addressing.SLOT, schedule=JUST_IN_TIME, name=NAMELESS),
    "slots that only exist": Capabilities(
        addressing=Addressing.SLOT, schedule=JUST_IN_TIME, read_back=ReadBack.EXISTS, name=NAMELESS
    ),
    "slots unread": Capabilities(
        addressing=Addressing.SLOT,
        schedule=JUST_IN_TIME,
        read_back=ReadBack.NONE,
        name=NAMELESS,
        best_evidence=Evidence.ACCEPTED,
    ),
}
READABLE = {n: c for n, c in LOCKS.items() if c.read_back is ReadBack.DIGITS}


def examples(count: int) -> settings:
    """So many for each hundred that a run takes: 60, and 2,000 with `--long`."""
    profile = settings.get_profile(settings.get_current_profile_name())
    return settings(profile, max_examples=count * profile.max_examples // 100)


@dataclass(frozen=True, repr=False)
class Story:
    """A lock, what was declared of it, and what is declared from `changes_at` on."""

    capabilities: Capabilities
    before: tuple[Declared, ...]
    after: tuple[Declared, ...]
    changes_at: float
    """Hours after T0."""

    def __repr__(self) -> str:
        alike = [n for n, c in LOCKS.items() if replace(self.capabilities, most_codes=None) == c]
        places = self.capabilities.most_codes
        return f"<{alike[:1]}, {places} places, {_told(self.before)}, from {self.changes_at} h on {_told(self.after)}>"

    def begun(self) -> Keeper:
        """A keeper that has done all that there was to do before the change, some of it beside others' codes."""
        lock = SimulatedLock(self.capabilities)
        if self.capabilities.most_codes is None:
            stranger = OnLock(
                "other1", None, digits(77), declare(77, 77, -9, 999).spec.window, name="Cleaner"
            )
            lock.entries["other1"] = stranger
            lock.remember(T0)
        keeper = Keeper(lock)
        keeper.declare(*self.before)
        keeper.run(hours(self.changes_at))
        return keeper

    def change(self, keeper: Keeper) -> None:
        """Declare what is new. What is not declared any more is withdrawn."""
        keeper.declare(*self.after)
        for one in self.before:
            if one.entry_id not in {a.entry_id for a in self.after}:
                keeper.withdraw(one.entry_id.int)


def _told(entries: tuple[Declared, ...]) -> str:
    """Entry, its digits, and its window in hours."""
    return ", ".join(
        f"{d.entry_id.int}: {(d.spec.fingerprint or digits(0)).int % 100} "
        f"[{(d.spec.window.starts_at - T0) / HOUR:g}, "
        f"{((d.spec.window.ends_at or T0) - T0) / HOUR:g})"
        for d in entries
    )


@st.composite
def stories(draw: st.DrawFn, locks: dict[str, Capabilities] = LOCKS, most: int = 4) -> Story:
    """Up to `most` entries, of which each may be new, moved, given another's digits, or withdrawn."""
    capabilities = locks[draw(st.sampled_from(sorted(locks)))]
    count = draw(st.integers(1, most))
    numbers = list(range(1, count + 1))
    if draw(st.booleans()):
        capabilities = replace(capabilities, most_codes=count)
    old_digits = draw(st.permutations(numbers))
    new_digits = draw(st.permutations(numbers))
    before, after = [], []
    for number, old, new in zip(numbers, old_digits, new_digits, strict=True):
        starts, ends = draw(_windows)
        is_old = draw(st.sampled_from([True, True, False]))
        if is_old:
            before.append(declare(number, old, starts, ends))
        if not is_old or draw(st.sampled_from([True, True, False])):
            starts, ends = draw(st.one_of(st.just((starts, ends)), _windows))
            after.append(declare(number, new, starts, ends, revision=2))
    return Story(capabilities, tuple(before), tuple(after), draw(st.sampled_from([1.0, 3.5])))


_windows = st.tuples(st.integers(-2, 12), st.integers(1, 12)).map(lambda w: (float(w[0]), float(w[0] + w[1])))
bad_luck = st.sampled_from(list(Luck))
