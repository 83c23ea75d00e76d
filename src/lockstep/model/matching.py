"""Whose entry is it: a reading's entries matched to ours, by reference, then tag, then digits and window. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from lockstep.model.belief import Belief, Seen
from lockstep.model.capabilities import Addressing, Capabilities
from lockstep.model.declared import Declared, Spec
from lockstep.model.naming import carries_tag


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One entry as a reading shows it, before anybody knows whose it is."""

    seen: Seen
    name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """One entry of ours with all that helps to recognise it."""

    declared: Declared
    belief: Belief
    specs: Mapping[int, Spec]


@dataclass(frozen=True, slots=True)
class Matches:
    """`seen` has one item for each known entry (None: not there) except the ambiguous ones; `surplus` are further
    entries that carry the tag of one of ours; all else is foreign."""

    seen: Mapping[UUID, Seen | None]
    ambiguous: frozenset[UUID]
    surplus: tuple[tuple[UUID, Seen], ...]
    foreign: tuple[ReadEntry, ...]


def match(known: Sequence[Known], read: Sequence[ReadEntry], capabilities: Capabilities) -> Matches:
    """Match every read entry to at most one of ours. Two candidates on the same ground: touch neither."""
    found: dict[UUID, Seen | None] = {}
    ambiguous: set[UUID] = set()
    surplus: list[tuple[UUID, Seen]] = []
    left = list(read)
    for one in known:
        mine = [
            r for r in left if r.seen.reference in one.belief.references and _may_be(one, r, capabilities)
        ]
        if mine:
            found[one.declared.entry_id] = mine[0].seen
            surplus.extend((one.declared.entry_id, r.seen) for r in mine[1:])
            left = [r for r in left if r not in mine]
    for one in known:
        tagged = [
            r for r in left if one.declared.tag and carries_tag(r.name, one.declared.tag, capabilities.name)
        ]
        if tagged:
            left = [r for r in left if r not in tagged]
            rest = tagged
            if one.declared.entry_id not in found:
                found[one.declared.entry_id] = tagged[0].seen
                rest = tagged[1:]
            surplus.extend((one.declared.entry_id, r.seen) for r in rest)
    for one in known:
        if one.declared.entry_id in found or not _may_match_by_content(one, capabilities):
            continue
        alike = [r for r in left if _is_alike(one, r)]
        if len(alike) == 1:
            found[one.declared.entry_id] = alike[0].seen
            left.remove(alike[0])
        elif alike:
            ambiguous.add(one.declared.entry_id)
    seen = {
        k.declared.entry_id: found.get(k.declared.entry_id)
        for k in known
        if k.declared.entry_id not in ambiguous
    }
    return Matches(seen, frozenset(ambiguous), tuple(surplus), tuple(left))


def _may_be(one: Known, read: ReadEntry, capabilities: Capabilities) -> bool:
    """A numbered place may have been given to somebody else since: there the content must speak for us too."""
    if capabilities.addressing is not Addressing.SLOT:
        return True
    if one.declared.tag and carries_tag(read.name, one.declared.tag, capabilities.name):
        return True
    prints = {s.fingerprint for s in one.specs.values()}
    if read.seen.fingerprint is not None:
        return read.seen.fingerprint in prints
    return not read.name or not capabilities.name.is_kept


def _may_match_by_content(one: Known, capabilities: Capabilities) -> bool:
    return one.belief.may_be_present or one.belief.late_until is not None or not capabilities.name.is_kept


def _is_alike(one: Known, read: ReadEntry) -> bool:
    if read.seen.fingerprint is None:
        return False
    return any(
        spec.fingerprint == read.seen.fingerprint
        and (read.seen.window is None or read.seen.window == spec.window)
        for spec in one.specs.values()
    )
