"""Who gets a place, who waits for whose digits, and in which order: the parts of a plan that are about several
entries. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from lockstep.model.capabilities import Capabilities
from lockstep.model.plan_item import Claim, Foreign, Hold, Item, conflict, wanted_claim

Needs = Mapping[UUID, frozenset[UUID]]
"""Entries that each set must wait for."""


@dataclass(slots=True)
class Moves:
    """What a plan has decided so far: both lists keep the order of urgency."""

    sets: list[Item] = field(default_factory=list)
    removes: list[Item] = field(default_factory=list)
    holds: dict[UUID, Hold] = field(default_factory=dict)

    def hold_back(self, item: Item, hold: Hold) -> None:
        self.holds[item.id] = hold
        self.sets.remove(item)


def share_places(
    items: Sequence[Item], staying: Collection[UUID], unfit: Collection[UUID], places: int
) -> frozenset[UUID]:
    """Who is left without a place: the soonest arrivals have it.

    `staying` are on the lock and keep their place whatever happens: who is inside, and what cannot be taken off.
    `unfit` cannot be written: those that are not on the lock take no place from others and are not in the answer.
    """
    wanted = [i for i in items if i.is_wanted]
    places -= sum(1 for i in items if not i.is_wanted and i.id in staying)
    fixed = {i.id for i in wanted if i.id in staying}
    others = [i for i in wanted if i.id not in fixed and (i.belief.may_be_present or i.id not in unfit)]
    room = max(0, places - len(fixed))
    return frozenset(i.id for i in others[room:])


def has_rivals(items: Sequence[Item]) -> bool:
    """Whether any two have the same digits."""
    return len({i.declared.spec.fingerprint for i in items}) < len(items)


def share_digits(
    items: Sequence[Item], staying: Collection[UUID], unfit: Collection[UUID], capabilities: Capabilities
) -> frozenset[UUID]:
    """Who must leave the digits that somebody more urgent wants as well; the rest as in `share_places`."""
    wanted = [i for i in items if i.is_wanted and (i.belief.may_be_present or i.id not in unfit)]
    given: dict[UUID, list[Claim]] = {}
    outdone = set()
    for one in sorted(wanted, key=lambda i: i.id not in staying):
        claim = wanted_claim(one, capabilities)
        if claim is None:
            continue
        others = given.setdefault(claim.fingerprint, [])
        if any(conflict(other, claim, capabilities) for other in others):
            outdone.add(one.id)
        else:
            others.append(claim)
    return frozenset(outdone)


def free_places(
    items: Sequence[Item], moves: Moves, foreign: Foreign, capabilities: Capabilities
) -> dict[UUID, UUID]:
    """Which removal each set waits for, so that the lock never holds more than its places; a set that finds neither
    a place nor a removal is held back."""
    if capabilities.most_codes is None:
        return {}
    taken = foreign.places + len(foreign.surplus) + sum(1 for i in items if i.has_place)
    free = capabilities.most_codes - taken
    leaving = [r for r in moves.removes if r.has_place]
    awaited = any(i.has_place and moves.holds.get(i.id) is Hold.LOOK and not i.is_wanted for i in items)
    waits: dict[UUID, UUID] = {}
    for one in [s for s in moves.sets if not s.has_place]:
        claim = wanted_claim(one, capabilities)
        holder = next((r for r in leaving if claim and _holds(r, claim, capabilities)), None)
        if holder is None and free > 0:
            free -= 1
        elif holder is not None or leaving:
            freed = holder or leaving[0]
            leaving.remove(freed)
            waits[one.id] = freed.id
        else:
            moves.hold_back(one, Hold.LOOK if awaited else Hold.FULL)
    return waits


def digits_needed(
    items: Sequence[Item], moves: Moves, capabilities: Capabilities
) -> dict[UUID, frozenset[UUID]]:
    """Which entries of ours must leave their digits before each set; sets that would wait in vain are held back."""
    holders: dict[UUID, list[Item]] = {}
    for item in items:
        for fingerprint in {c.fingerprint for c in item.stands}:
            holders.setdefault(fingerprint, []).append(item)
    while True:
        needs = {s.id: _holders_of(s, holders, capabilities) for s in moves.sets}
        blocked = _first_blocked(needs, moves, capabilities)
        if blocked is None:
            return {id: frozenset(i.id for i in found) for id, found in needs.items()}
        moves.hold_back(*blocked)


def in_order(sets: Sequence[Item], needs: Needs) -> tuple[list[Item], list[Item]]:
    """The sets in an order in which each finds its digits free, and those that must be taken off first because they
    wait for each other in a circle: of each circle its least urgent member."""
    broken: list[Item] = []
    while True:
        order: list[Item] = []
        circle = _visit_all(sets, needs, {b.id for b in broken}, order)
        if circle is None:
            return order, broken
        broken.append(max(circle, key=sets.index))


def _holders_of(one: Item, holders: Mapping[UUID, list[Item]], capabilities: Capabilities) -> list[Item]:
    claim = wanted_claim(one, capabilities)
    if claim is None:
        return []
    return [i for i in holders.get(claim.fingerprint, ()) if i is not one and _holds(i, claim, capabilities)]


def _holds(item: Item, claim: Claim, capabilities: Capabilities) -> bool:
    return any(conflict(c, claim, capabilities) for c in item.stands)


def _first_blocked(
    needs: Mapping[UUID, list[Item]], moves: Moves, capabilities: Capabilities
) -> tuple[Item, Hold] | None:
    leaving = {r.id for r in moves.removes}
    setting = {s.id for s in moves.sets}
    granted: dict[UUID, list[Claim]] = {}
    for one in moves.sets:
        claim = wanted_claim(one, capabilities)
        if claim is None:
            continue
        for holder in needs[one.id]:
            if holder.id in leaving:
                continue
            theirs = wanted_claim(holder, capabilities)
            moves_off = holder.id in setting and not (theirs and conflict(theirs, claim, capabilities))
            if not moves_off:
                is_awaited = not holder.belief.may_be_present or moves.holds.get(holder.id) is Hold.LOOK
                return one, Hold.LOOK if is_awaited else Hold.DUPLICATE
        if any(conflict(c, claim, capabilities) for c in granted.get(claim.fingerprint, ())):
            return one, Hold.DUPLICATE
        granted.setdefault(claim.fingerprint, []).append(claim)
    return None


def _visit_all(sets: Sequence[Item], needs: Needs, broken: set[UUID], order: list[Item]) -> list[Item] | None:
    """Depth first: what a set needs comes before it. The circle that was met, if any."""
    by_id = {s.id: s for s in sets}
    done: set[UUID] = set()

    def visit(one: Item, path: list[Item]) -> list[Item] | None:
        if one.id in done:
            return None
        if one in path:
            return path[path.index(one) :]
        for other_id in sorted(needs.get(one.id, frozenset()) & by_id.keys() - broken, key=int):
            if circle := visit(by_id[other_id], [*path, one]):
                return circle
        done.add(one.id)
        order.append(one)
        return None

    for one in sets:
        if one.id not in broken and (circle := visit(one, [])):
            return circle
    # Whoever is taken off first is set last, when the others of its circle have left their digits.
    order += [s for s in sets if s.id in broken]
    return None
