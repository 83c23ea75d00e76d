"""Whose entry is it: a reading's entries matched to ours, by reference, then tag, then digits and window. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from lockstep.model.belief import Belief
from lockstep.model.capabilities import Addressing, Capabilities
from lockstep.model.declared import Declared, Spec
from lockstep.model.naming import carries_tag
from lockstep.model.seen import Seen
from lockstep.model.window import Window


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One entry as a reading shows it, before anybody knows whose it is."""

    seen: Seen

    @property
    def name(self) -> str | None:
        return self.seen.name


@dataclass(frozen=True, slots=True)
class Known:
    """One entry of ours with all that helps to recognise it."""

    declared: Declared
    belief: Belief
    specs: Mapping[int, Spec]


@dataclass(frozen=True, slots=True)
class Matches:
    """Whose each entry of a reading is."""

    seen: Mapping[UUID, Seen | None]
    """One item for each known entry (None: not there), except the ambiguous ones."""
    ambiguous: frozenset[UUID]
    """Ours that several entries could be, or that share an entry's signs with another of ours."""
    surplus: tuple[tuple[UUID, Seen], ...]
    """Further entries that are surely ours: second copies, to be removed."""
    foreign: tuple[ReadEntry, ...]
    """All else."""


def match(known: Sequence[Known], read: Sequence[ReadEntry], capabilities: Capabilities) -> Matches:
    """Match every read entry to at most one of ours; the order of neither matters.

    Where signs of the same rank point to two, neither is touched.
    """
    search = _Search(sorted(read, key=lambda r: r.seen.reference))
    ours = sorted(known, key=lambda k: k.declared.entry_id)
    has_ids = capabilities.addressing is not Addressing.SLOT
    search.claim(
        _by_reference(ours, search.left, capabilities),
        is_copy=lambda one, entry: has_ids or _is_marked(one, entry, capabilities),
    )
    search.claim(_by_tag(ours, search.left, capabilities), is_copy=lambda one, entry: True)
    missing = [k for k in ours if not search.knows(k) and _may_match_by_content(k, capabilities)]
    search.claim(_by_content(missing, search.left, capabilities), is_copy=lambda one, entry: False)
    seen = {
        k.declared.entry_id: search.found.get(k.declared.entry_id)
        for k in ours
        if k.declared.entry_id not in search.ambiguous
    }
    surplus = sorted(search.surplus, key=lambda s: (s[0], s[1].reference))
    return Matches(seen, frozenset(search.ambiguous), tuple(surplus), tuple(search.left))


class _Search:
    """What has been found so far. Goes from the surest sign to the weakest."""

    def __init__(self, read: Sequence[ReadEntry]) -> None:
        self.left = list(read)
        self.found: dict[UUID, Seen] = {}
        self.ambiguous: set[UUID] = set()
        self.surplus: list[tuple[UUID, Seen]] = []

    def knows(self, one: Known) -> bool:
        return one.declared.entry_id in self.found or one.declared.entry_id in self.ambiguous

    def claim(
        self,
        claims: Sequence[tuple[ReadEntry, list[Known]]],
        *,
        is_copy: Callable[[Known, ReadEntry], bool],
    ) -> None:
        """Give each entry to its claimant. Several entries of one claimant are copies, or else rivals."""
        entries: dict[UUID, list[ReadEntry]] = {}
        owners = {k.declared.entry_id: k for _, claimants in claims for k in claimants}
        for read, claimants in claims:
            open_ones = [k for k in claimants if k.declared.entry_id not in self.found] or claimants
            if len(open_ones) > 1:
                self.ambiguous |= {k.declared.entry_id for k in open_ones} - self.found.keys()
            else:
                entries.setdefault(open_ones[0].declared.entry_id, []).append(read)
        for id, mine in entries.items():
            if len(mine) > 1 and not all(is_copy(owners[id], r) for r in mine):
                self.ambiguous.add(id)
        for id in entries.keys() - self.ambiguous:
            self._give(owners[id], entries[id])

    def _give(self, one: Known, mine: list[ReadEntry]) -> None:
        id = one.declared.entry_id
        mine = sorted(mine, key=lambda r: _strangeness(one, r))
        taken = {r.seen.reference for r in mine}
        self.left = [r for r in self.left if r.seen.reference not in taken]
        if id not in self.found:
            self.found[id] = mine.pop(0).seen
        self.surplus.extend((id, copy.seen) for copy in mine)


def _by_reference(
    known: Sequence[Known], read: Sequence[ReadEntry], capabilities: Capabilities
) -> list[tuple[ReadEntry, list[Known]]]:
    at: dict[str, list[Known]] = {}
    for one in known:
        for reference in one.belief.references:
            at.setdefault(reference, []).append(one)
    claims = []
    for entry in read:
        claimants = [k for k in at.get(entry.seen.reference, ()) if _may_be(k, entry, capabilities)]
        surer = [k for k in claimants if _is_marked(k, entry, capabilities)]
        claims.append((entry, surer or claimants))
    return [c for c in claims if c[1]]


def _by_tag(
    known: Sequence[Known], read: Sequence[ReadEntry], capabilities: Capabilities
) -> list[tuple[ReadEntry, list[Known]]]:
    tags: dict[str, list[Known]] = {}
    for one in known:
        tags.setdefault(one.declared.tag.casefold(), []).append(one)
    lengths = {len(tag) for tag in tags if tag}
    claims = []
    for entry in read:
        end = (entry.name or "").rstrip().casefold()
        claimants = [
            k
            for length in lengths
            for k in tags.get(end[-length:], ())
            if carries_tag(entry.name, k.declared.tag, capabilities.name)
        ]
        if claimants:
            claims.append((entry, claimants))
    return claims


def _by_content(
    known: Sequence[Known], read: Sequence[ReadEntry], capabilities: Capabilities
) -> list[tuple[ReadEntry, list[Known]]]:
    carrying: dict[UUID, list[Known]] = {}
    for one in known:
        for fingerprint in {s.fingerprint for s in one.specs.values() if s.fingerprint is not None}:
            carrying.setdefault(fingerprint, []).append(one)
    claims = []
    for entry in read:
        if entry.seen.fingerprint is None:
            continue
        claimants = [
            k for k in carrying.get(entry.seen.fingerprint, ()) if _is_alike(k, entry.seen, capabilities)
        ]
        if claimants:
            claims.append((entry, claimants))
    return claims


def _may_be(one: Known, read: ReadEntry, capabilities: Capabilities) -> bool:
    """A numbered place may have been given to somebody else since: there the content must speak for us too."""
    if capabilities.addressing is not Addressing.SLOT or _is_marked(one, read, capabilities):
        return True
    return read.seen.fingerprint is None and (not read.name or not capabilities.name.is_kept)


def _is_marked(one: Known, read: ReadEntry, capabilities: Capabilities) -> bool:
    """Whether its name or its digits speak for us."""
    if carries_tag(read.name, one.declared.tag, capabilities.name):
        return True
    prints = {s.fingerprint for s in one.specs.values()}
    return read.seen.fingerprint is not None and read.seen.fingerprint in prints


def _strangeness(one: Known, read: ReadEntry) -> tuple[bool, bool, str]:
    """Of several copies the one that is most as it should be comes first."""
    prints = {s.fingerprint for s in one.specs.values()}
    spec = one.declared.spec
    is_current = read.seen.fingerprint == spec.fingerprint and read.seen.window in (None, spec.window)
    return not is_current, read.seen.fingerprint not in prints, read.seen.reference


def _may_match_by_content(one: Known, capabilities: Capabilities) -> bool:
    return one.belief.may_be_present or one.belief.late_until is not None or not capabilities.name.is_kept


def _is_alike(one: Known, seen: Seen, capabilities: Capabilities) -> bool:
    return any(
        spec.fingerprint == seen.fingerprint
        and (seen.window is None or _is_written(seen.window, spec.window, capabilities))
        for spec in one.specs.values()
    )


def _is_written(shown: Window, declared: Window, capabilities: Capabilities) -> bool:
    """Vendors round a window to their steps and clamp a start that has passed."""
    written = declared.widened_to(capabilities.schedule.granularity)
    return shown.ends_at == written.ends_at and shown.starts_at >= written.starts_at
