"""What must change in a write domain: the smallest ordered set of changes, and when to look again. Pure.

Knows neither digits nor vendors; a change names an entry and the state it should carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from uuid import UUID

from lockstep.model.access_code import alarm_instants
from lockstep.model.belief import UNWRITTEN, Belief, is_proven
from lockstep.model.capabilities import Capabilities, CodeChooser, Delete
from lockstep.model.declared import ABSENT, OTHER, Carried, Declared, Spec, due_instants
from lockstep.model.plan_item import (
    MOST_ATTEMPTS,
    Foreign,
    Hold,
    Item,
    hold_of,
    is_as_wanted,
    items_of,
    must_be_replaced,
    waits_its_turn,
)
from lockstep.model.plan_order import (
    Moves,
    Needs,
    digits_needed,
    free_places,
    has_rivals,
    in_order,
    share_digits,
    share_places,
)

__all__ = [
    "DRIFT_CHECK",
    "MOST_ATTEMPTS",
    "Change",
    "Foreign",
    "Hold",
    "Kind",
    "Plan",
    "is_doubtful",
    "look_after_write",
    "next_look",
    "next_thought",
    "plan",
]

DRIFT_CHECK = timedelta(minutes=15)
"""How old a reading may grow while nothing is awaited."""


class Kind(StrEnum):
    SET = "set"
    REMOVE = "remove"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Change:
    """One write to make. `waits_for`: entries that must be proven gone, or off their digits, before it.

    `reference`: only this copy is removed, and the entry goes on carrying `state`.
    """

    kind: Kind
    entry_id: UUID
    state: Carried
    waits_for: frozenset[UUID] = frozenset()
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which to make them, and what is held back and why."""

    changes: tuple[Change, ...] = ()
    holds: Mapping[UUID, Hold] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self.changes

    def held(self) -> Mapping[UUID, Hold]:
        return self.holds


def plan(
    declared: Sequence[Declared],
    beliefs: Mapping[UUID, Belief],
    specs: Mapping[UUID, Mapping[int, Spec]],
    capabilities: Capabilities,
    now: datetime,
    foreign: Foreign | None = None,
) -> Plan:
    """The changes that make the write domain equal to what is declared.

    Removes come first only where a set needs their place or digits, or after a compromise; otherwise sets go first,
    soonest arrival first. Whoever is inside is never evicted. Codes that are not ours are never touched.
    Changes without `waits_for` may be made one after the other; the others wait for proof and the next plan.
    """
    foreign = foreign or Foreign()
    items = items_of(declared, beliefs, specs, capabilities, now)
    # What keeps a few from being written may leave a place, or digits, to others: decided anew until nothing changes.
    imposed: dict[Item, Hold] = {}
    while True:
        moves = _moves(items, imposed, capabilities, now, foreign)
        places_for = free_places(items, moves, foreign, capabilities)
        needs = digits_needed(items, moves, capabilities)
        ordered, broken = in_order(moves.sets, needs)
        in_vain = _in_vain(moves, broken, capabilities)
        if not in_vain.keys() - imposed.keys():
            changes = _changes(moves, ordered, broken, needs, places_for, capabilities)
            in_the_way = _in_the_way(moves, foreign, capabilities, now)
            hindered = {change.entry_id for change in in_the_way}
            copies = _surplus(items, moves, foreign, capabilities, now)
            return Plan(
                (*in_the_way, *(c for c in changes if c.entry_id not in hindered), *copies),
                {i.id: _told(i, hold, items) for i, hold in moves.holds.items()},
            )
        imposed |= in_vain


def next_look(
    declared: Sequence[Declared],
    beliefs: Mapping[UUID, Belief],
    capabilities: Capabilities,
    now: datetime,
    read_at: datetime | None,
) -> datetime:
    """When this write domain must be looked at again, never before `now`: `next_thought` or the next drift check."""
    drift_check = (read_at or now) + DRIFT_CHECK
    thought = next_thought(declared, beliefs, capabilities, now)
    return max(drift_check if thought is None else min(thought, drift_check), now)


def next_thought(
    declared: Sequence[Declared],
    beliefs: Mapping[UUID, Belief],
    capabilities: Capabilities,
    now: datetime,
) -> datetime | None:
    """When something is to be done or told though nobody touches anything, always after `now`; None: never.

    The first of: a due change, a write to be proven, a tombstone's end, an alarm.
    """
    moments: list[datetime] = []
    for one in declared:
        belief = beliefs.get(one.entry_id, UNWRITTEN)
        moments += _by_declaration(one, belief, capabilities)
        if belief.last_write_at is not None:
            settled_at = belief.last_write_at + capabilities.settling
            moments.append(settled_at)
            if settled_at <= now and not _is_at_rest(belief, capabilities):
                moments.append(look_after_write(belief.last_write_at, capabilities, now))
        if belief.late_until is not None:
            moments.append(_look_at_horizon(belief.late_until, capabilities, now))
    return min((at for at in moments if at > now), default=None)


def _by_declaration(one: Declared, belief: Belief, capabilities: Capabilities) -> list[datetime]:
    moments = list(alarm_instants(one, belief, capabilities))
    if not one.is_withdrawn:
        moments += due_instants(one, capabilities)
        # What was written ahead opens from here on, which is told.
        moments.append(one.spec.window.starts_at)
    return moments


def first_thought(declared: Declared, capabilities: Capabilities, now: datetime) -> datetime:
    """When something is first to be done or told for what was declared just now: at once, or at a later instant, until
    which nobody needs to think of it."""
    if due_instants(declared, capabilities)[0] <= now:
        return now
    # The rest of `next_thought` is about what was written.
    return min((at for at in _by_declaration(declared, UNWRITTEN, capabilities) if at > now), default=now)


def look_after_write(written_at: datetime, capabilities: Capabilities, looked_at: datetime) -> datetime:
    """When to look again after a look at `looked_at` that did not decide what came of a write: soon after the write,
    then less often, by half the time that has passed, from the settling time to 15 min."""
    return looked_at + min(max((looked_at - written_at) / 2, capabilities.settling), DRIFT_CHECK)


def is_doubtful(present_before: int, missing_now: int) -> bool:
    """Too much change: more than half of at least three entries, or all of two or more, gone at once from one
    reading is a doubt, not a fact, until a second reading agrees."""
    if present_before < 2:
        return False
    return missing_now == present_before or (present_before >= 3 and missing_now * 2 > present_before)


def _moves(
    items: Sequence[Item],
    imposed: Mapping[Item, Hold],
    capabilities: Capabilities,
    now: datetime,
    foreign: Foreign,
) -> Moves:
    """Who is to be set and who removed, before anybody asks whether the others leave their digits."""
    differing = [i for i in items if not i.is_as_wanted]
    fixed = {i: h for i in differing if (h := hold_of(i, i.want, capabilities, now, foreign))}
    fixed |= imposed
    left_out: dict[Item, Hold] = {}
    are_rivals = has_rivals(items)
    places = len(items)
    if capabilities.most_codes is not None:
        places = max(0, capabilities.most_codes - foreign.places - len(foreign.surplus))
    are_scarce = places < len(items)
    if are_rivals or are_scarce:
        lasting = {i for i, hold in fixed.items() if hold is not Hold.LOOK}
        staying = {
            i
            for i in items
            if i.belief.may_be_present
            and (i.is_inside or hold_of(i, ABSENT, capabilities, now, foreign) not in (None, Hold.LOOK))
        }
        if are_rivals:
            left_out |= dict.fromkeys(share_digits(items, staying, lasting, capabilities), Hold.DUPLICATE)
        if are_scarce:
            left_out |= dict.fromkeys(share_places(items, staying, lasting, places), Hold.FULL)
    moves = Moves(holds=dict(left_out))
    for item in items:
        is_left_out = item in left_out
        target = ABSENT if is_left_out else item.want
        is_right = is_as_wanted(item.belief, ABSENT, capabilities) if is_left_out else item.is_as_wanted
        if is_right:
            continue
        hold = hold_of(item, ABSENT, capabilities, now, foreign) if is_left_out else fixed.get(item)
        if hold is not None:
            moves.holds[item] = hold
        elif target == ABSENT:
            moves.removes.append(item)
        else:
            moves.sets.append(item)
    return moves


def _told(item: Item, hold: Hold, items: Sequence[Item]) -> Hold:
    """The same digits for one guest after another are no fault, where the lock compares presence."""
    return Hold.TURN if hold is Hold.DUPLICATE and waits_its_turn(item, items) else hold


def _in_vain(moves: Moves, broken: Sequence[Item], capabilities: Capabilities) -> dict[Item, Hold]:
    """Sets that cannot come to pass: for these nobody else is to leave a place."""
    found: dict[Item, Hold] = {}
    if capabilities.most_codes is not None:
        found = {i: hold for i, hold in moves.holds.items() if hold is Hold.DUPLICATE}
    if capabilities.delete is Delete.IMPOSSIBLE:
        found |= dict.fromkeys(broken, Hold.NOT_REVOCABLE)
    return found


def _changes(
    moves: Moves,
    ordered: Sequence[Item],
    broken: Sequence[Item],
    needs: Needs,
    places_for: Mapping[Item, Item],
    capabilities: Capabilities,
) -> list[Change]:
    waits = {s: [*needs[s], places_for[s]] if s in places_for else needs[s] for s in ordered}
    needed = set(chain.from_iterable(waits.values()))
    first = [r for r in moves.removes if r.declared.is_compromised]
    first += [r for r in moves.removes if r in needed and not r.declared.is_compromised]
    last = [r for r in moves.removes if r not in needed and not r.declared.is_compromised]
    changes = [Change(Kind.REMOVE, r.id, ABSENT) for r in [*first, *broken]]
    for one in ordered:
        changes += _set(one, frozenset(w.id for w in waits[one]), capabilities, is_off=one in broken)
    return changes + [Change(Kind.REMOVE, r.id, ABSENT) for r in last]


def _set(one: Item, waits: frozenset[UUID], capabilities: Capabilities, *, is_off: bool) -> list[Change]:
    kind = Kind.ISSUE if capabilities.chooser is CodeChooser.VENDOR else Kind.SET
    if is_off:
        return [Change(kind, one.id, one.want, waits | {one.id})]
    if must_be_replaced(one, one.want, capabilities):
        # Not taken off before its new digits are free: its guest may be inside.
        return [Change(Kind.REMOVE, one.id, ABSENT, waits), Change(kind, one.id, one.want, waits | {one.id})]
    return [Change(kind, one.id, one.want, waits)]


def _surplus(
    items: Sequence[Item], moves: Moves, foreign: Foreign, capabilities: Capabilities, now: datetime
) -> list[Change]:
    """Second copies go once the entry itself is as it should be."""
    if not foreign.surplus:
        return []
    held = {i.id for i in moves.holds}
    right = {
        i.id: i.want
        for i in items
        if i.is_wanted
        and i.belief.possible == {i.want}
        and i.belief.has_settled(capabilities, now)
        and i.belief.attempts < MOST_ATTEMPTS
    }
    return [
        Change(Kind.REMOVE, id, right[id], reference=reference)
        for id, reference in sorted(foreign.surplus)
        if id in right and id not in held
    ]


def _in_the_way(moves: Moves, foreign: Foreign, capabilities: Capabilities, now: datetime) -> list[Change]:
    """Second copies that have the name under which the entry itself is to be written, where the vendor takes a name
    once: they go first, and the entry is written when they are gone."""
    if not capabilities.name.is_unique or not foreign.surplus:
        return []
    stands_as = {
        i.id: only
        for i in moves.sets
        if (only := i.belief.only) not in (None, ABSENT)
        and i.belief.has_settled(capabilities, now)
        and i.belief.attempts < MOST_ATTEMPTS
    }
    return [
        Change(Kind.REMOVE, id, only, reference=reference)
        for id, reference in sorted(foreign.surplus)
        if (only := stands_as.get(id)) is not None
    ]


def _is_at_rest(belief: Belief, capabilities: Capabilities) -> bool:
    only = belief.only
    return only is not None and only != OTHER and is_proven(belief, only, capabilities)


def _look_at_horizon(late_until: datetime, capabilities: Capabilities, now: datetime) -> datetime:
    """At the end, then until a reading has told that it is over."""
    if late_until > now:
        return late_until
    return now + min(max((now - late_until) / 2, capabilities.settling), DRIFT_CHECK)
