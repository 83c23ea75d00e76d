"""What the newest observation leaves possible of each entry; stores it, frees digits, and tells what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.model.belief import Belief, narrow
from lockstep.model.capabilities import CodeChooser
from lockstep.model.declared import ABSENT, carried
from lockstep.model.matching import Known, Matches, ReadEntry, match
from lockstep.model.plan import Foreign, is_doubtful
from lockstep.operations import events as recorded
from lockstep.operations.gate import Gate
from lockstep.operations.observed import digits_seen
from lockstep.storage import writes
from lockstep.storage.entries import EntryRow
from lockstep.storage.readings import Observation
from lockstep.storage.writes import Findings
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.digits import free_digits, keep_issued, may_free_digits
from lockstep.workers.reconciler.honouring import honour_edits
from lockstep.workers.reconciler.looking import read_entries
from lockstep.workers.reconciler.shared import Shared
from lockstep.workers.reconciler.situation import Stock, Work
from lockstep.workers.reconciler.strangers import find_strangers, keep_strangers
from lockstep.workers.reconciler.telling import events_of, facts_of_beliefs


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A unit's entries with what is believed now, and what others hold there."""

    entries: Mapping[UUID, EntryRow]
    foreign: Foreign = field(default_factory=Foreign)
    foreign_references: frozenset[str] = frozenset()
    unread: frozenset[UUID] = frozenset()
    """Entries on a lock that the newest reading does not cover: nothing is known of them, so nothing is written."""
    doubt_at: datetime | None = None
    """Too much is gone at once: the beginning of the reading that says so."""


async def narrow_unit(
    gate: Gate, shared: Shared, work: Work, stock: Stock, observed: Sequence[Observation]
) -> Narrowed:
    """Unread locks change nothing: what is believed of them stays."""
    before = {e.id: e for e in work.unit.entries}
    mine = [o for o in observed if o.target in work.unit.targets]
    covered = {o.target for o in mine}
    read = [e for e in before.values() if e.declared.spec.targets <= covered]
    unread = frozenset(before.keys() - {e.id for e in read})
    if not mine:
        return Narrowed(before, unread=unread)
    begun_at = min(o.begun_at for o in mine)
    known = [Known(e.declared, e.belief, stock.specs.get(e.id, {})) for e in read]
    matches = match(known, _entries_of(mine), work.unit.capabilities)
    if _is_doubt(work, read, matches, begun_at):
        return _narrowed(before, matches, unread, doubt_at=begun_at)
    after = {e.id: _belief(work, e, matches, stock, begun_at) for e in read}
    honoured = await honour_edits(gate, work, read, after, matches, mine)
    after |= {id: before[id].belief for id in honoured.waiting} | {
        i: r.belief for i, r in honoured.rows.items()
    }
    before |= honoured.rows
    read = [e for e in read if e.id not in honoured.rows]
    changed = [(e, after[e.id]) for e in read if _is_news(e.belief, after[e.id])]
    learned = _issued_unknown_to_us(work, read, after, matches, mine)
    if changed or learned:
        await _store(gate, shared, work, stock, changed, learned)
    if strangers := find_strangers(work, work.unit.entries, matches, mine):
        await keep_strangers(gate, work, strangers, begun_at)
    now_believed = {i: replace(e, belief=after.get(i, e.belief)) for i, e in before.items()}
    return _narrowed(now_believed, matches, unread)


async def _store(
    gate: Gate,
    shared: Shared,
    work: Work,
    stock: Stock,
    changed: Sequence[tuple[EntryRow, Belief]],
    learned: Sequence[tuple[EntryRow, dict[str, Any]]],
) -> None:
    """Mostly one statement is enough. Where the lease has passed to another nothing is stored."""
    freeing = [
        (e, belief, specs)
        for e, belief in changed
        if may_free_digits(work.unit, belief, specs := stock.specs.get(e.id, {}))
    ]
    facts = facts_of_beliefs(work.unit, changed, gate.clock.now())
    told = events_of(facts, await shared.shown(work.claim, sorted(facts)) if facts else [])
    found = Findings(work.claim, {e.id: belief for e, belief in changed}, recorded.drafts(told))
    if not learned and not freeing:
        await shared.keep(found)
        return
    async with gate.transaction(work.claim.workspace_id) as tx:
        (is_ours,) = await writes.store_findings(tx.db, tx.workspace_id, RECONCILER.name, tx.now, [found])
        if not is_ours:
            return
        for entry, content in learned:
            digits = digits_seen(tx, work.place.account.id, content)
            assert digits is not None, "only such are learned"
            await keep_issued(tx, work, entry.declared, entry.declared.revision, digits)
        for entry, belief, specs in freeing:
            await free_digits(tx, work.unit, entry.id, belief, specs)


def _entries_of(observed: Sequence[Observation]) -> list[ReadEntry]:
    """Entries that stand on several locks of the unit are one."""
    found = {r.seen.reference: r for o in observed for r in read_entries(o)}
    return list(found.values())


def _belief(work: Work, entry: EntryRow, matches: Matches, stock: Stock, begun_at: datetime) -> Belief:
    if entry.id not in matches.seen:
        return entry.belief
    specs = stock.specs.get(entry.id, {})
    return narrow(entry.belief, matches.seen[entry.id], begun_at, specs, work.unit.capabilities)


def _issued_unknown_to_us(
    work: Work,
    read: Sequence[EntryRow],
    after: Mapping[UUID, Belief],
    matches: Matches,
    observed: Sequence[Observation],
) -> list[tuple[EntryRow, dict[str, Any]]]:
    """Codes whose digits the vendor computed and whose answer never came: the reading shows them."""
    if work.unit.capabilities.chooser is not CodeChooser.VENDOR:
        return []
    sealed = {c["reference"]: c for o in observed for c in o.content if c.get("sealed")}
    found = []
    for entry in read:
        declared, seen = entry.declared, matches.seen.get(entry.id)
        is_current = after[entry.id].only == carried(declared.revision)
        if declared.spec.fingerprint is None and is_current and seen is not None and seen.reference in sealed:
            found.append((entry, sealed[seen.reference]))
    return found


def _is_doubt(work: Work, read: Sequence[EntryRow], matches: Matches, begun_at: datetime) -> bool:
    """Much that was proven is gone at once; a second reading, begun later, ends the doubt."""
    doubt_at = work.place.domain.doubt_at
    if doubt_at is not None and begun_at > doubt_at:
        return False
    present = [e for e in read if e.belief.only not in (None, ABSENT) and _was_seen(e.belief)]
    missing = [e for e in present if e.id in matches.seen and matches.seen[e.id] is None]
    return is_doubtful(len(present), len(missing))


def _was_seen(belief: Belief) -> bool:
    """Proven since it was written, or before this database was restored."""
    return belief.proven_at is None or _is_proven_since_written(belief)


def _is_proven_since_written(belief: Belief) -> bool:
    if belief.proven_at is None:
        return False
    return belief.last_write_at is None or belief.proven_at >= belief.last_write_at


def _is_news(before: Belief, after: Belief) -> bool:
    """Whether anything is worth storing: a quiet entry's fresh proof of the same state is not, but for the first."""
    if before.proven_at is None and after.proven_at is not None and after.may_be_present:
        return True
    is_quiet = before.late_until is None and (
        before.last_write_at is None or _is_proven_since_written(before)
    )
    if not is_quiet:
        return before != after
    return replace(after, read_at=before.read_at, proven_at=before.proven_at) != before


def _narrowed(
    rows: Mapping[UUID, EntryRow],
    matches: Matches,
    unread: frozenset[UUID],
    doubt_at: datetime | None = None,
) -> Narrowed:
    prints = {f.seen.fingerprint for f in matches.foreign if f.seen.fingerprint is not None}
    surplus = () if doubt_at else tuple((i, s.reference) for i, s in matches.surplus)
    return Narrowed(
        rows,
        Foreign(len(matches.foreign), frozenset(prints), matches.ambiguous, surplus),
        frozenset(f.seen.reference for f in matches.foreign) | {s.reference for _, s in matches.surplus},
        unread,
        doubt_at,
    )
