"""One entry as a plan sees it: where it should go, which digits it has or may have, and what holds it back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from lockstep.model.belief import UNWRITTEN, Belief, is_proven
from lockstep.model.capabilities import (
    Addressing,
    Capabilities,
    CodeChooser,
    Comparison,
    Delete,
    DuplicateBehaviour,
)
from lockstep.model.declared import (
    ABSENT,
    Carried,
    Declared,
    Spec,
    carried,
    due_state,
    effective_window,
    revision_of,
)
from lockstep.model.window import Window

MOST_ATTEMPTS = 5
"""Writes of one state that were not seen on the lock before an alarm replaces the next write."""


class Hold(StrEnum):
    """Why an entry that differs is not written now."""

    LOOK = "look"
    """A reading is needed first."""
    FULL = "full"
    """No place is left for it on the lock."""
    TAKEN_BY_FOREIGN = "taken_by_foreign"
    """Somebody else's code on the lock has these digits."""
    DUPLICATE = "duplicate"
    """Another entry of ours has these digits and keeps them."""
    TURN = "turn"
    """Another entry of ours has these digits, and is over when this one begins."""
    GIVEN_UP = "given_up"
    """Written as often as allowed without proof."""
    AMBIGUOUS = "ambiguous"
    """Two entries on the lock could be this one."""
    DIGITS_UNKNOWN = "digits_unknown"
    """Somebody else gave it digits that the lock does not show: it can be changed where it stands, not set anew."""
    NOT_REVOCABLE = "not_revocable"
    """The vendor cannot take a code back."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a reading shows besides the one entry that each of ours should have."""

    places: int = 0
    """How many places others hold."""
    fingerprints: frozenset[UUID] = frozenset()
    """Their digits."""
    ambiguous: frozenset[UUID] = frozenset()
    """Ours that two entries on the lock could be: touched by nobody."""
    surplus: tuple[tuple[UUID, str], ...] = ()
    """Second copies of ours: entry and the copy's reference."""


class Claim(NamedTuple):
    """Digits over a time (which tells only where the vendor compares windows). A tuple because it is made quickly: a
    plan makes one for every code."""

    fingerprint: UUID
    window: Window


@dataclass(slots=True, eq=False)
class Item:
    """One entry. Items are compared by identity: there is one for each entry of a plan. Sets and maps inside a plan
    are of items and not of ids: a UUID is hashed and compared in Python, an item by its address.

    Never changed; not frozen, for that would set each field by a call, for every code of every plan.
    """

    declared: Declared
    belief: Belief
    want: Carried
    stands: Sequence[Claim]
    """Digits that it has or may have on the lock, or that may yet appear there."""
    is_as_wanted: bool
    """Nothing need be written for `want`."""
    is_inside: bool
    has_place: bool
    """It takes a place on the lock, or one is kept for what may yet appear."""

    @property
    def id(self) -> UUID:
        return self.declared.entry_id

    @property
    def is_wanted(self) -> bool:
        return self.want != ABSENT


def items_of(
    declared: Sequence[Declared],
    beliefs: Mapping[UUID, Belief],
    specs: Mapping[UUID, Mapping[int, Spec]],
    capabilities: Capabilities,
    now: datetime,
) -> list[Item]:
    """Every entry, the most urgent first: who is inside, then the soonest arrival, then what is given to nobody."""
    items = [
        _item(d, beliefs.get(d.entry_id, UNWRITTEN), specs.get(d.entry_id, {}), capabilities, now)
        for d in declared
    ]
    items.sort(key=lambda i: (i.declared.is_spare, not i.is_inside, i.declared.spec.window.starts_at, i.id))
    return items


def hold_of(
    item: Item, target: Carried, capabilities: Capabilities, now: datetime, foreign: Foreign
) -> Hold | None:
    """What keeps this entry from being written towards `target`, whatever the others do."""
    if item.id in foreign.ambiguous:
        return Hold.AMBIGUOUS
    if not item.belief.has_settled(capabilities, now):
        return Hold.LOOK
    is_taken_off = target == ABSENT or must_be_replaced(item, target, capabilities)
    if is_taken_off and capabilities.delete is Delete.IMPOSSIBLE:
        return Hold.NOT_REVOCABLE
    if item.belief.attempts_at(target) >= MOST_ATTEMPTS:
        return Hold.GIVEN_UP
    if is_taken_off and item.belief.attempts_at(ABSENT) >= MOST_ATTEMPTS:
        return Hold.GIVEN_UP
    is_new = is_taken_off or not item.belief.may_be_present
    if target != ABSENT and is_new and _lacks_digits(item, capabilities):
        return Hold.DIGITS_UNKNOWN
    claim = wanted_claim(item, capabilities)
    if (
        target != ABSENT
        and claim is not None
        and claim.fingerprint in foreign.fingerprints
        and all(claim.fingerprint != c.fingerprint for c in item.stands)
    ):
        return Hold.TAKEN_BY_FOREIGN
    return None


def is_as_wanted(belief: Belief, want: Carried, capabilities: Capabilities) -> bool:
    """Whether nothing need be written. What the vendor lists long after the write could have come through, and the
    lock has never confirmed, is written again."""
    return belief.possible == {want} and not _was_never_confirmed(belief, want, capabilities)


def must_be_replaced(item: Item, target: Carried, capabilities: Capabilities) -> bool:
    """Where nothing can be changed in place, what stands is removed, proven gone and set anew."""
    return target != ABSENT and item.belief.may_be_present and not capabilities.can_update


def wanted_claim(item: Item, capabilities: Capabilities) -> Claim | None:
    """The digits that the entry is to have; None where they are not known yet, or may be there any number of times."""
    spec = item.declared.spec
    if spec.fingerprint is None or capabilities.duplicates.behaviour is DuplicateBehaviour.ACCEPTED:
        return None
    return _claim(spec.fingerprint, spec, capabilities)


def conflict(one: Claim, other: Claim, capabilities: Capabilities) -> bool:
    """Whether both may not be on the lock at once. A lock that knows no windows can only compare presence."""
    if one.fingerprint != other.fingerprint:
        return False
    return not _by_window(capabilities) or one.window.overlaps(other.window)


def waits_its_turn(item: Item, items: Iterable[Item]) -> bool:
    """Whether all that keeps its digits from it are entries whose time comes before its own, and is not over yet."""
    fingerprint, window = item.declared.spec.fingerprint, item.declared.spec.window
    return all(
        _leaves_in_time(other, window)
        for other in items
        if other is not item
        and (
            any(claim.fingerprint == fingerprint for claim in other.stands)
            or (other.is_wanted and other.declared.spec.fingerprint == fingerprint)
        )
    )


def _leaves_in_time(other: Item, window: Window) -> bool:
    theirs = other.declared.spec.window
    if not other.is_wanted or theirs.overlaps(window):
        return False
    return not other.stands or (theirs.ends_at is not None and theirs.ends_at <= window.starts_at)


def _item(
    declared: Declared, belief: Belief, specs: Mapping[int, Spec], capabilities: Capabilities, now: datetime
) -> Item:
    may_be_present = belief.may_be_present
    want = due_state(declared, capabilities, now)
    if want is None:
        want = carried(declared.revision) if may_be_present else ABSENT
    may_be_late = belief.may_appear_late(now)
    states = {*belief.possible, *belief.tried} if may_be_late else belief.possible
    is_kept = may_be_late and capabilities.addressing is Addressing.SLOT and bool(belief.references)
    return Item(
        declared,
        belief,
        want,
        _stands(states, specs, capabilities),
        is_as_wanted(belief, want, capabilities),
        declared.is_inside(now),
        may_be_present or is_kept,
    )


def _stands(states: Iterable[Carried], specs: Mapping[int, Spec], capabilities: Capabilities) -> list[Claim]:
    found = []
    for state in states:
        revision = revision_of(state)
        spec = None if revision is None else specs.get(revision)
        if spec is not None and spec.fingerprint is not None:
            found.append(_claim(spec.fingerprint, spec, capabilities))
    return found


def _lacks_digits(item: Item, capabilities: Capabilities) -> bool:
    return capabilities.chooser is CodeChooser.CALLER and item.declared.spec.fingerprint is None


def _was_never_confirmed(belief: Belief, want: Carried, capabilities: Capabilities) -> bool:
    if want == ABSENT or belief.last_write_at is None or belief.late_until is not None:
        return False
    is_read = belief.read_at is not None and belief.read_at >= belief.last_write_at + capabilities.settling
    return is_read and not is_proven(belief, want, capabilities)


def _claim(fingerprint: UUID, spec: Spec, capabilities: Capabilities) -> Claim:
    window = effective_window(spec.window, capabilities) if _by_window(capabilities) else spec.window
    return Claim(fingerprint, window)


def _by_window(capabilities: Capabilities) -> bool:
    return capabilities.duplicates.compared_by is Comparison.WINDOW and not capabilities.is_just_in_time
