"""Digits of entries: taken before a write, freed after proof, and kept where the vendor computes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from lockstep.model.belief import Belief
from lockstep.model.declared import ABSENT, Declared, Spec, effective_window, revision_of
from lockstep.operations.gate import Tx
from lockstep.operations.occupation import compares_windows, occupation, scopes_of
from lockstep.storage import entries, occupancies
from lockstep.storage.entries import EntryRow
from lockstep.storage.writes import Occupation
from lockstep.workers.reconciler.situation import Unit, Work


def occupation_of(work: Work, entry: EntryRow, now: datetime) -> Occupation | None:
    """The place that a write's digits take from now on; None where they may stand there twice."""
    unit = work.unit
    return occupation(entry.declared.spec, unit.capabilities, work.place.account.id, unit.locks, now)


async def free_digits(tx: Tx, unit: Unit, entry_id: UUID, belief: Belief, specs: Mapping[int, Spec]) -> None:
    """Digits that are proven off the lock may be used again; those that may still appear may not."""
    held = _held(unit, belief, specs)
    if held is None:
        return
    prints = [s.fingerprint for s in held if s.fingerprint is not None]
    await occupancies.keep_only(tx.db, tx.workspace_id, entry_id, prints)
    if len(held) == 1 and held[0].fingerprint is not None and compares_windows(unit.capabilities):
        window = effective_window(held[0].window, unit.capabilities)
        await occupancies.narrow_span(
            tx.db, tx.workspace_id, entry_id, held[0].fingerprint, window.starts_at, window.ends_at
        )


def may_free_digits(unit: Unit, belief: Belief, specs: Mapping[int, Spec]) -> bool:
    """Whether `free_digits` has anything to do."""
    return _held(unit, belief, specs) is not None


def _held(unit: Unit, belief: Belief, specs: Mapping[int, Spec]) -> list[Spec] | None:
    """What the lock may hold of an entry, where others may go; None: none can be freed."""
    if belief.late_until is not None:
        return None
    held = [s for s in (_spec_of(state, specs) for state in belief.possible) if s is not None]
    if len(held) != sum(state != ABSENT for state in belief.possible):
        return None
    prints = {s.fingerprint for s in held}
    if (
        len(held) == 1
        and held[0].fingerprint is not None
        and all(s.fingerprint in prints for s in specs.values())
        and not compares_windows(unit.capabilities)
    ):
        # It never had other digits than those that it has.
        return None
    return held


async def keep_issued(tx: Tx, work: Work, declared: Declared, revision: int, digits: str) -> None:
    """Digits that the vendor computed for one revision."""
    fingerprint = tx.fingerprint(digits)
    sealed = tx.seal(digits, "entries", "digits", declared.entry_id)
    await entries.store_digits(tx.db, tx.workspace_id, declared.entry_id, revision, sealed, fingerprint)
    await occupancies.take(
        tx.db,
        tx.workspace_id,
        scopes_of(declared.spec, work.unit.capabilities, work.place.account.id, work.unit.locks),
        declared.entry_id,
        fingerprint,
        tx.now,
        None,
    )


def _spec_of(state: str, specs: Mapping[int, Spec]) -> Spec | None:
    revision = revision_of(state)
    return None if revision is None else specs.get(revision)
