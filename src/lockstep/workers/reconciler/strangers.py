"""Codes on a lock that are nobody's entry here: each gets an identity when it is first seen, and keeps it as long as it
stands there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.capabilities import Addressing
from lockstep.model.matching import Matches
from lockstep.operations import events as recorded
from lockstep.operations.gate import Gate
from lockstep.storage import claims, unmanaged_codes
from lockstep.storage.entries import EntryRow
from lockstep.storage.readings import Observation
from lockstep.storage.unmanaged_codes import Sighting
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.situation import Work


@dataclass(frozen=True, slots=True)
class Strangers:
    """What differs from what is known of a unit's locks, as lock and reference."""

    appeared: Sequence[tuple[UUID, str]]
    gone: Sequence[tuple[UUID, str]]

    def __bool__(self) -> bool:
        return bool(self.appeared or self.gone)


def find_strangers(
    work: Work, entries: Sequence[EntryRow], matches: Matches, observed: Sequence[Observation]
) -> Strangers:
    """`entries`: all of the unit. While it is in doubt whose a code is, all stay as they were."""
    if matches.ambiguous:
        return Strangers((), ())
    ours = _ours(entries, matches)
    locks = {d.reference: d.id for d in work.unit.locks}
    appeared, gone = [], []
    for observation in observed:
        lock_id = locks[observation.target]
        shown = {c["reference"] for c in observation.content if c.get("is_code", True)} - ours
        known = work.place.strangers[lock_id]
        appeared += [(lock_id, reference) for reference in sorted(shown - known)]
        gone += [(lock_id, reference) for reference in sorted(known - shown)]
    return Strangers(appeared, gone)


async def keep_strangers(gate: Gate, work: Work, found: Strangers, begun_at: datetime) -> None:
    """Store and tell it, unless the lease has passed to another."""
    async with gate.transaction(work.claim.workspace_id) as tx:
        if not await claims.holds(tx.db, work.claim, timedelta(0)):
            return
        told: list[events.Event] = []
        if found.gone:
            gone = await unmanaged_codes.vanish(tx.db, tx.workspace_id, found.gone, tx.now)
            told += [
                events.UnmanagedCodeRemoved(unmanaged_code_id=code, device_id=lock) for code, lock in gone
            ]
        if found.appeared:
            # The number of a place says nothing of whose code stands there next.
            may_return = work.unit.capabilities.addressing is not Addressing.SLOT
            seen = [_sighting(lock_id, reference) for lock_id, reference in found.appeared]
            new = await unmanaged_codes.appear(tx.db, tx.workspace_id, seen, begun_at, may_return=may_return)
            told += [
                events.UnmanagedCodeCreated(unmanaged_code_id=code, device_id=lock) for code, lock in new
            ]
        await recorded.append(tx, RECONCILER, *told)


def _ours(entries: Sequence[EntryRow], matches: Matches) -> frozenset[str]:
    """References of what stands for a code of ours, second copies among it. An entry that takes somebody else's code
    off is none: until it is gone that stays who it is."""
    mine = {e.id: e for e in entries if not e.is_removal}
    found = {seen.reference for id, seen in matches.seen.items() if seen is not None and id in mine}
    found |= {copy.reference for id, copy in matches.surplus if id in mine}
    # Those of which one lock is unread are in no match.
    found |= {r for e in mine.values() if e.id not in matches.seen for r in e.belief.references}
    return frozenset(found)


def _sighting(lock_id: UUID, reference: str) -> Sighting:
    id = new_id()
    return Sighting(id, public_id("code", id), lock_id, reference)
