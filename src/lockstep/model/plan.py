"""What must change in a write domain: the smallest ordered set of changes, and when to look again. Pure.

Knows neither digits nor vendors; a change names an entry and the state it should carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from lockstep.model.belief import Belief, is_proven
from lockstep.model.capabilities import Capabilities, CodeChooser, Comparison, DuplicateBehaviour
from lockstep.model.declared import (
    ABSENT,
    OTHER,
    Carried,
    Declared,
    Spec,
    due_instants,
    due_state,
    effective_window,
    revision_of,
)

MOST_ATTEMPTS = 5
"""Writes of one revision without proof before an alarm replaces the next write."""
DRIFT_CHECK = timedelta(minutes=15)
"""How old a reading may grow while nothing is awaited."""


class Kind(StrEnum):
    SET = "set"
    REMOVE = "remove"
    ISSUE = "issue"


class Hold(StrEnum):
    """Why an entry that differs is not written now."""

    LOOK = "look"
    """A reading is needed first."""
    FULL = "full"
    """No place is left for it on the lock."""
    TAKEN_BY_FOREIGN = "taken_by_foreign"
    """Somebody else's code on the lock has these digits."""
    GIVEN_UP = "given_up"
    """Written as often as allowed without proof."""
    AMBIGUOUS = "ambiguous"
    """Two entries on the lock could be this one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write to make. `waits_for`: entries that must be proven gone (or moved off their digits) before it."""

    kind: Kind
    entry_id: UUID
    state: Carried
    waits_for: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which to make them, and what is held back and why."""

    changes: tuple[Change, ...] = ()
    holds: Mapping[UUID, Hold] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.changes

    def held(self) -> Mapping[UUID, Hold]:
        return self.holds or {}


@dataclass(frozen=True, slots=True)
class Foreign:
    """What others hold in the write domain: how many places, which digits, and which of ours are in doubt."""

    places: int = 0
    fingerprints: frozenset[UUID] = frozenset()
    ambiguous: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class _Item:
    declared: Declared
    belief: Belief
    want: Carried
    holds: frozenset[UUID]
    """Fingerprints that it has or may have on the lock."""


def plan(
    declared: Sequence[Declared],
    beliefs: Mapping[UUID, Belief],
    specs: Mapping[UUID, Mapping[int, Spec]],
    capabilities: Capabilities,
    now: datetime,
    foreign: Foreign | None = None,
) -> Plan:
    """The changes that make the write domain equal to what is declared.

    Removes come first only where a set needs their place, digits or name, or after a compromise; otherwise sets go
    first, soonest arrival first. Whoever is inside is never evicted. Codes that are not ours are never touched.
    """
    foreign = foreign or Foreign()
    items = [
        _item(d, beliefs.get(d.entry_id, Belief()), specs.get(d.entry_id, {}), capabilities, now)
        for d in declared
    ]
    items.sort(key=lambda i: _urgency(i.declared, now))
    holds: dict[UUID, Hold] = {}
    kept = _share_places(items, capabilities, now, foreign, holds)
    removes: list[_Item] = []
    sets: list[_Item] = []
    for item in items:
        want = item.want if item.declared.entry_id in kept else ABSENT
        if item.belief.possible == {want} or (want == ABSENT and not item.belief.may_be_present):
            continue
        hold = _held(item, want, capabilities, now, foreign)
        if hold is not None:
            holds[item.declared.entry_id] = hold
        elif want == ABSENT:
            removes.append(item)
        else:
            sets.append(item)
    changes = _order(items, removes, sets, capabilities, foreign, now, holds)
    return Plan(changes, holds)


def next_look(
    declared: Sequence[Declared],
    beliefs: Mapping[UUID, Belief],
    capabilities: Capabilities,
    now: datetime,
    read_at: datetime | None,
) -> datetime:
    """When this write domain must be looked at again: a due change, a write to be proven, a tombstone's end, or the
    next drift check, whichever is first. Never before `now`."""
    moments = [(read_at or now) + DRIFT_CHECK]
    for one in declared:
        belief = beliefs.get(one.entry_id, Belief())
        moments += [at for at in due_instants(one, capabilities) if at > now and not one.is_withdrawn]
        if belief.last_write_at is not None and not _is_at_rest(belief, capabilities):
            moments.append(_look_after_write(belief, capabilities, now))
        if belief.late_until is not None and (one.is_withdrawn or belief.may_be_present):
            moments.append(max(belief.late_until, now + capabilities.settling))
    return max(min(moments), now)


def is_doubtful(present_before: int, missing_now: int) -> bool:
    """Too much change: more than half of at least three entries, or all of two or more, gone at once from one
    reading is a doubt, not a fact, until a second reading agrees."""
    if present_before < 2:
        return False
    return missing_now == present_before or (present_before >= 3 and missing_now * 2 > present_before)


def _item(
    declared: Declared, belief: Belief, specs: Mapping[int, Spec], capabilities: Capabilities, now: datetime
) -> _Item:
    want = due_state(declared, capabilities, now)
    if want is None:
        current = str(declared.revision)
        want = ABSENT if belief.possible == {ABSENT} else current
    held = set()
    for state in belief.possible:
        revision = revision_of(state)
        if revision is not None and (spec := specs.get(revision)) and spec.fingerprint:
            held.add(spec.fingerprint)
    return _Item(declared, belief, want, frozenset(held))


def _urgency(declared: Declared, now: datetime) -> tuple[bool, datetime, UUID]:
    return (not declared.is_inside(now), declared.spec.window.starts_at, declared.entry_id)


def _share_places(
    items: Sequence[_Item],
    capabilities: Capabilities,
    now: datetime,
    foreign: Foreign,
    holds: dict[UUID, Hold],
) -> set[UUID]:
    """Which entries may stand on the lock: soonest arrival first, whoever is inside stays."""
    wanting = [i for i in items if i.want != ABSENT]
    if capabilities.most_codes is None:
        return {i.declared.entry_id for i in wanting}
    places = max(0, capabilities.most_codes - foreign.places)
    inside = [i for i in wanting if i.declared.is_inside(now) and i.belief.may_be_present]
    others = [i for i in wanting if i not in inside]
    chosen = inside + others[: max(0, places - len(inside))]
    for item in wanting:
        if item not in chosen:
            holds[item.declared.entry_id] = Hold.FULL
    return {i.declared.entry_id for i in chosen}


def _held(
    item: _Item, want: Carried, capabilities: Capabilities, now: datetime, foreign: Foreign
) -> Hold | None:
    if item.declared.entry_id in foreign.ambiguous:
        return Hold.AMBIGUOUS
    if not item.belief.has_settled(capabilities, now):
        return Hold.LOOK
    if item.belief.attempts >= MOST_ATTEMPTS:
        return Hold.GIVEN_UP
    fingerprint = item.declared.spec.fingerprint
    refuses = capabilities.duplicates.behaviour is not DuplicateBehaviour.ACCEPTED
    if want != ABSENT and refuses and fingerprint in foreign.fingerprints and fingerprint not in item.holds:
        return Hold.TAKEN_BY_FOREIGN
    return None


def _order(
    items: Sequence[_Item],
    removes: list[_Item],
    sets: list[_Item],
    capabilities: Capabilities,
    foreign: Foreign,
    now: datetime,
    holds: dict[UUID, Hold],
) -> tuple[Change, ...]:
    needs = {s.declared.entry_id: _needed_from(s, items, capabilities, now) for s in sets}
    sets, broken = _break_circles(sets, needs)
    places_for = _places_freed(items, removes, sets, capabilities, foreign, holds)
    sets = [s for s in sets if s.declared.entry_id not in holds]
    needed = set().union(*needs.values(), *places_for.values()) if sets else set()
    first = [r for r in removes if r.declared.is_compromised or r.declared.entry_id in needed]
    last = [r for r in removes if r not in first]
    changes = [Change(Kind.REMOVE, r.declared.entry_id, ABSENT) for r in [*first, *broken]]
    for one in sets:
        waits = needs[one.declared.entry_id] | places_for.get(one.declared.entry_id, frozenset())
        if one in broken:
            waits |= {one.declared.entry_id}
        kind = Kind.ISSUE if capabilities.chooser is CodeChooser.VENDOR else Kind.SET
        changes.append(Change(kind, one.declared.entry_id, one.want, frozenset(waits)))
    changes += [Change(Kind.REMOVE, r.declared.entry_id, ABSENT) for r in last]
    return tuple(changes)


def _needed_from(
    one: _Item, items: Sequence[_Item], capabilities: Capabilities, now: datetime
) -> frozenset[UUID]:
    """Entries of ours that hold the digits which this one is to get."""
    duplicates = capabilities.duplicates
    fingerprint = one.declared.spec.fingerprint
    if duplicates.behaviour is DuplicateBehaviour.ACCEPTED or fingerprint is None:
        return frozenset()
    mine = effective_window(one.declared.spec.window, capabilities)
    holders = set()
    for other in items:
        if other is one or fingerprint not in other.holds or not other.belief.may_be_present:
            continue
        theirs = effective_window(other.declared.spec.window, capabilities)
        if duplicates.compared_by is Comparison.PRESENCE or theirs.overlaps(mine):
            holders.add(other.declared.entry_id)
    return frozenset(holders)


def _break_circles(
    sets: list[_Item], needs: Mapping[UUID, frozenset[UUID]]
) -> tuple[list[_Item], list[_Item]]:
    """Sets in an order in which each finds its digits free; where they wait for each other in a circle, the least
    urgent member is taken off first and set again last."""
    done: set[UUID] = set()
    ordered: list[_Item] = []
    broken: list[_Item] = []
    waiting = list(sets)
    members = {s.declared.entry_id for s in sets}
    while waiting:
        ready = [s for s in waiting if not (needs[s.declared.entry_id] & members) - done]
        if ready:
            ordered += ready
            done |= {s.declared.entry_id for s in ready}
            waiting = [s for s in waiting if s not in ready]
        else:
            victim = waiting[-1]
            broken.append(victim)
            done.add(victim.declared.entry_id)
            waiting.remove(victim)
    return ordered + broken, broken


def _places_freed(
    items: Sequence[_Item],
    removes: Sequence[_Item],
    sets: Sequence[_Item],
    capabilities: Capabilities,
    foreign: Foreign,
    holds: dict[UUID, Hold],
) -> dict[UUID, frozenset[UUID]]:
    """Which removes each set must wait for, so that the lock never holds more than its places; a set that finds
    neither is held back."""
    if capabilities.most_codes is None:
        return {}
    taken = foreign.places + sum(1 for i in items if i.belief.may_be_present)
    free = capabilities.most_codes - taken
    leaving = [r.declared.entry_id for r in removes]
    waits: dict[UUID, frozenset[UUID]] = {}
    for one in sets:
        if one.belief.may_be_present:
            continue
        if free > 0:
            free -= 1
        elif leaving:
            waits[one.declared.entry_id] = frozenset({leaving.pop(0)})
        else:
            holds[one.declared.entry_id] = Hold.FULL
    return waits


def _is_at_rest(belief: Belief, capabilities: Capabilities) -> bool:
    only = belief.only
    return only is not None and only != OTHER and is_proven(belief, only, capabilities)


def _look_after_write(belief: Belief, capabilities: Capabilities, now: datetime) -> datetime:
    """Soon after a write, then less often: half the time that has passed since, from the settling time to 15 min."""
    assert belief.last_write_at is not None
    settled_at = belief.last_write_at + capabilities.settling
    if now < settled_at:
        return settled_at
    passed = now - belief.last_write_at
    return now + min(max(passed / 2, capabilities.settling), DRIFT_CHECK)
