"""What the newest observation leaves possible of each entry; stores it, frees digits, and tells what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.model.belief import Belief, narrow
from lockstep.model.declared import ABSENT, Spec, effective_window, revision_of
from lockstep.model.matching import Known, Matches, ReadEntry, match
from lockstep.model.plan import Foreign, is_doubtful
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import claims, domains, entries, occupancies
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.storage.readings import Observation
from lockstep.workers.reconciler.looking import read_entries
from lockstep.workers.reconciler.situation import Place, Stock, Unit
from lockstep.workers.reconciler.telling import tell_belief

_DOUBT_WAIT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A unit's entries with what is believed now, and what others hold there."""

    entries: Mapping[UUID, EntryRow]
    foreign: Foreign = field(default_factory=Foreign)
    foreign_references: frozenset[str] = frozenset()
    look_again_at: datetime | None = None


async def narrow_unit(
    gate: Gate, claim: Claim, place: Place, unit: Unit, stock: Stock, observed: Sequence[Observation]
) -> Narrowed:
    """Unread locks change nothing: what is believed of them stays."""
    mine = [o for o in observed if o.target in unit.targets]
    before = {e.id: e for e in unit.entries}
    if {o.target for o in mine} != unit.targets:
        return Narrowed(before)
    begun_at = min(o.begun_at for o in mine)
    matches = match(
        [Known(e.declared, e.belief, stock.specs.get(e.id, {})) for e in unit.entries],
        _read(mine),
        unit.capabilities,
    )
    if _is_doubt(place, unit, matches, begun_at):
        await _note_doubt(gate, claim, place, begun_at)
        again = begun_at + max(_DOUBT_WAIT, unit.capabilities.settling)
        return _narrowed(before, matches, look_again_at=again)
    after = _beliefs(unit, matches, stock, begun_at)
    changed = [(e, after[e.id]) for e in unit.entries if _is_news(e.belief, after[e.id])]
    if changed or place.domain.doubt_at is not None:
        async with gate.transaction(claim.workspace_id) as tx:
            if await claims.holds(tx.db, claim, timedelta(0)):
                await domains.set_doubt(tx.db, tx.workspace_id, place.domain.id, None)
                for entry, belief in changed:
                    await entries.store_belief(tx.db, tx.workspace_id, entry.id, belief)
                    await free_digits(tx, unit, entry, belief, stock.specs.get(entry.id, {}))
                    await tell_belief(tx, unit, entry, belief)
    now_believed = {i: replace(e, belief=after[i]) for i, e in before.items()}
    return _narrowed(now_believed, matches)


async def free_digits(tx: Tx, unit: Unit, entry: EntryRow, belief: Belief, specs: Mapping[int, Spec]) -> None:
    """Digits that are proven off the lock may be used again; those that may still appear may not."""
    if belief.late_until is not None:
        return
    held = [s for s in (_spec_of(state, specs) for state in belief.possible) if s is not None]
    if len(held) == sum(state != ABSENT for state in belief.possible):
        prints = [s.fingerprint for s in held if s.fingerprint is not None]
        await occupancies.keep_only(tx.db, tx.workspace_id, entry.id, prints)
        if (
            len(held) == 1
            and held[0].fingerprint is not None
            and unit.capabilities.duplicates.compared_by == "window"
        ):
            window = effective_window(held[0].window, unit.capabilities)
            await occupancies.narrow_span(
                tx.db, tx.workspace_id, entry.id, held[0].fingerprint, window.starts_at, window.ends_at
            )


def _spec_of(state: str, specs: Mapping[int, Spec]) -> Spec | None:
    revision = revision_of(state)
    return None if revision is None else specs.get(revision)


def _read(observed: Sequence[Observation]) -> list[ReadEntry]:
    """Entries that stand on several locks of the unit are one."""
    found = {r.seen.reference: r for o in observed for r in read_entries(o)}
    return list(found.values())


def _beliefs(unit: Unit, matches: Matches, stock: Stock, begun_at: datetime) -> dict[UUID, Belief]:
    return {
        e.id: narrow(e.belief, matches.seen[e.id], begun_at, stock.specs.get(e.id, {}), unit.capabilities)
        if e.id in matches.seen
        else e.belief
        for e in unit.entries
    }


def _is_doubt(place: Place, unit: Unit, matches: Matches, begun_at: datetime) -> bool:
    """Much that was proven is gone at once; a second reading, begun later, ends the doubt."""
    if place.domain.doubt_at is not None and begun_at > place.domain.doubt_at:
        return False
    present = [
        e for e in unit.entries if e.belief.only not in (None, ABSENT) and e.belief.proven_at is not None
    ]
    present = [
        e
        for e in present
        if e.belief.last_write_at is None
        or (e.belief.proven_at is not None and e.belief.proven_at >= e.belief.last_write_at)
    ]
    missing = [e for e in present if e.id in matches.seen and matches.seen[e.id] is None]
    return is_doubtful(len(present), len(missing))


async def _note_doubt(gate: Gate, claim: Claim, place: Place, begun_at: datetime) -> None:
    async with gate.transaction(claim.workspace_id) as tx:
        if place.domain.doubt_at is None and await claims.holds(tx.db, claim, timedelta(0)):
            await domains.set_doubt(tx.db, tx.workspace_id, place.domain.id, begun_at)


def _is_news(before: Belief, after: Belief) -> bool:
    """Whether anything is worth storing: a quiet entry's fresh proof of the same state is not."""
    is_quiet = before.late_until is None and (
        before.last_write_at is None
        or (before.proven_at is not None and before.proven_at >= before.last_write_at)
    )
    if not is_quiet:
        return before != after
    return replace(after, read_at=before.read_at, proven_at=before.proven_at) != before


def _narrowed(
    rows: Mapping[UUID, EntryRow], matches: Matches, look_again_at: datetime | None = None
) -> Narrowed:
    prints = {f.seen.fingerprint for f in matches.foreign if f.seen.fingerprint is not None}
    surplus = () if look_again_at else tuple((i, s.reference) for i, s in matches.surplus)
    return Narrowed(
        rows,
        Foreign(len(matches.foreign), frozenset(prints), matches.ambiguous, surplus),
        frozenset(f.seen.reference for f in matches.foreign) | {s.reference for _, s in matches.surplus},
        look_again_at,
    )
