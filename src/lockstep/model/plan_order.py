"""Who gets a place, who waits for whose digits, and in which order: the parts of a plan that are about several
entries. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from lockstep.model.capabilities import Capabilities
from lockstep.model.plan_item import Claim, Foreign, Hold, Item, conflict, wanted_claim

Needs = Mapping[Item, Sequence[Item]]
"""Entries that each set must wait for."""


@dataclass(slots=True)
class Moves:
    """What a plan has decided so far: both lists keep the order of urgency."""

    sets: list[Item] = field(default_factory=list)
    removes: list[Item] = field(default_factory=list)
    holds: dict[Item, Hold] = field(default_factory=dict)

    def hold_back(self, item: Item, hold: Hold) -> None:
        self.holds[item] = hold
        self.sets.remove(item)


def share_places(
    items: Sequence[Item], staying: Collection[Item], unfit: Collection[Item], places: int
) -> list[Item]:
    """Who is left without a place: the soonest arrivals have it.

    `staying` are on the lock and keep their place whatever happens: who is inside, and what cannot be taken off.
    `unfit` cannot be written: those that are not on the lock take no place from others and are not in the answer.
    """
    wanted = [i for i in items if i.is_wanted]
    # Each that stays keeps one, wanted or not.
    room = max(0, places - len(staying))
    others = [i for i in wanted if i not in staying and (i.belief.may_be_present or i not in unfit)]
    return others[room:]


def has_rivals(items: Sequence[Item]) -> bool:
    """Whether any two have the same digits."""
    return len({i.declared.spec.fingerprint for i in items}) < len(items)


def share_digits(
    items: Sequence[Item], staying: Collection[Item], unfit: Collection[Item], capabilities: Capabilities
) -> list[Item]:
    """Who must leave the digits that somebody more urgent wants as well; the rest as in `share_places`."""
    wanted = [i for i in items if i.is_wanted and (i.belief.may_be_present or i not in unfit)]
    given: dict[UUID, list[Claim]] = {}
    outdone = []
    for one in sorted(wanted, key=lambda i: i not in staying):
        claim = wanted_claim(one, capabilities)
        if claim is None:
            continue
        others = given.setdefault(claim.fingerprint, [])
        if any(conflict(other, claim, capabilities) for other in others):
            outdone.append(one)
        else:
            others.append(claim)
    return outdone


def free_places(
    items: Sequence[Item], moves: Moves, foreign: Foreign, capabilities: Capabilities
) -> dict[Item, Item]:
    """Which removal each set waits for, so that the lock never holds more than its places; a set that finds neither
    a place nor a removal is held back."""
    if capabilities.most_codes is None:
        return {}
    taken = foreign.places + len(foreign.surplus) + sum(1 for i in items if i.has_place)
    free = capabilities.most_codes - taken
    leaving = [r for r in moves.removes if r.has_place]
    awaited = any(h is Hold.LOOK and i.has_place and not i.is_wanted for i, h in moves.holds.items())
    waits: dict[Item, Item] = {}
    for one in [s for s in moves.sets if not s.has_place]:
        claim = wanted_claim(one, capabilities)
        holder = next((r for r in leaving if claim and _holds(r, claim, capabilities)), None)
        if holder is None and free > 0:
            free -= 1
        elif holder is not None or leaving:
            freed = holder or leaving[0]
            leaving.remove(freed)
            waits[one] = freed
        else:
            moves.hold_back(one, Hold.LOOK if awaited else Hold.FULL)
    return waits


def digits_needed(items: Sequence[Item], moves: Moves, capabilities: Capabilities) -> dict[Item, list[Item]]:
    """Which entries of ours must leave their digits before each set; sets that would wait in vain are held back."""
    wanted = {s: claim for s in moves.sets if (claim := wanted_claim(s, capabilities)) is not None}
    holders: dict[UUID, list[Item]] = {claim.fingerprint: [] for claim in wanted.values()}
    for item in items:
        for claim in item.stands:
            if claim.fingerprint in holders:
                holders[claim.fingerprint].append(item)
    needs: dict[Item, list[Item]] = {s: [] for s in moves.sets}
    for one, claim in wanted.items():
        others = holders[claim.fingerprint]
        needs[one] = [i for i in others if i is not one and _holds(i, claim, capabilities)]
    while blocked := _first_blocked(needs, moves, capabilities):
        moves.hold_back(*blocked)
    return needs


def in_order(sets: Sequence[Item], needs: Needs) -> tuple[list[Item], list[Item]]:
    """The sets in an order in which each finds its digits free, and those that must be taken off first because they
    wait for each other in a circle: of each circle its least urgent member."""
    broken: list[Item] = []
    while True:
        order: list[Item] = []
        circle = _visit_all(sets, needs, broken, order)
        if circle is None:
            return order, broken
        broken.append(max(circle, key=sets.index))


def _holds(item: Item, claim: Claim, capabilities: Capabilities) -> bool:
    return any(conflict(c, claim, capabilities) for c in item.stands)


def _first_blocked(needs: Needs, moves: Moves, capabilities: Capabilities) -> tuple[Item, Hold] | None:
    leaving, setting = set(moves.removes), set(moves.sets)
    granted: dict[UUID, list[Claim]] = {}
    for one in moves.sets:
        claim = wanted_claim(one, capabilities)
        if claim is None:
            continue
        for holder in needs[one]:
            if holder in leaving:
                continue
            theirs = wanted_claim(holder, capabilities)
            moves_off = holder in setting and not (theirs and conflict(theirs, claim, capabilities))
            if not moves_off:
                is_awaited = not holder.belief.may_be_present or moves.holds.get(holder) is Hold.LOOK
                return one, Hold.LOOK if is_awaited else Hold.DUPLICATE
        others = granted.setdefault(claim.fingerprint, [])
        if any(conflict(other, claim, capabilities) for other in others):
            return one, Hold.DUPLICATE
        others.append(claim)
    return None


def _visit_all(
    sets: Sequence[Item], needs: Needs, broken: Sequence[Item], order: list[Item]
) -> list[Item] | None:
    """Depth first: what a set needs comes before it. The circle that was met, if any."""
    to_visit = set(sets).difference(broken)
    done: set[Item] = set()

    def visit(one: Item, path: list[Item]) -> list[Item] | None:
        if one in done:
            return None
        if one in path:
            return path[path.index(one) :]
        for other in sorted(to_visit.intersection(needs[one]), key=lambda i: i.id):
            if circle := visit(other, [*path, one]):
                return circle
        done.add(one)
        order.append(one)
        return None

    for one in sets:
        if one in to_visit and (circle := visit(one, [])):
            return circle
    # Whoever is taken off first is set last, when the others of its circle have left their digits.
    order += [s for s in sets if s in broken]
    return None
