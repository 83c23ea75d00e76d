"""Edits that the grant honours: the reading that shows them makes them the declaration, and proves it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from lockstep.model.belief import Belief
from lockstep.model.capabilities import CodeChooser
from lockstep.model.code_events import edit_told
from lockstep.model.declared import Spec
from lockstep.model.honouring import (
    can_be_declared,
    honoured_belief,
    honoured_spec,
    is_settled,
    is_to_be_honoured,
)
from lockstep.model.matching import Matches
from lockstep.model.permissions import system
from lockstep.model.seen import Seen
from lockstep.operations import events as recorded
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.honoured_edits import (
    Adopted,
    Subject,
    adopt,
    adopt_removal,
    lock_subject,
    may_adopt,
)
from lockstep.operations.observed import digits_seen
from lockstep.storage import access_codes, claims, occupancies, writes
from lockstep.storage.entries import EntryRow
from lockstep.storage.readings import Observation
from lockstep.storage.writes import Findings
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.digits import free_digits, occupation_of
from lockstep.workers.reconciler.situation import Work
from lockstep.workers.reconciler.telling import events_of


@dataclass(frozen=True, slots=True)
class Honoured:
    """Entries as they are declared and believed now; and those whose edit is not proven yet, or that this database may
    not decide about: what is believed of these stays."""

    rows: Mapping[UUID, EntryRow] = field(default_factory=dict)
    waiting: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class _Edited:
    """An entry as it was read, and what the reading leaves possible of it."""

    entry: EntryRow
    after: Belief
    seen: Seen | None


async def honour_edits(
    gate: Gate,
    work: Work,
    read: Sequence[EntryRow],
    after: Mapping[UUID, Belief],
    matches: Matches,
    observed: Sequence[Observation],
) -> Honoured:
    """Those that cannot be honoured are in neither: they are put right as any."""
    rows: dict[UUID, EntryRow] = {}
    waiting: set[UUID] = set()
    capabilities = work.unit.capabilities
    for entry in read:
        if not is_to_be_honoured(entry.declared, entry.belief, after[entry.id]):
            continue
        edited = _Edited(entry, after[entry.id], matches.seen[entry.id])
        if not work.place.may_write or not is_settled(edited.seen, capabilities):
            waiting.add(entry.id)
        elif can_be_declared(entry.belief, edited.after, edited.seen, capabilities):
            row = await _honour(gate, work, edited, observed)
            if row is not None:
                rows[entry.id] = row
    return Honoured(rows, frozenset(waiting))


async def _honour(
    gate: Gate, work: Work, edited: _Edited, observed: Sequence[Observation]
) -> EntryRow | None:
    entry = edited.entry
    actor = system(work.claim.workspace_id, RECONCILER.name)
    async with gate.transaction(work.claim.workspace_id) as tx:
        subject = await lock_subject(tx, entry.id)
        if subject is None or subject.entry.declared != entry.declared:
            return None
        if not await claims.holds(tx.db, work.claim, timedelta(0)):
            return None
        if edited.seen is None:
            row = await adopt_removal(tx, actor, subject)
        else:
            adopted = _adopted(tx, work, edited, edited.seen, observed)
            if adopted is None or not await _may_stand(tx, work, subject, adopted):
                return None
            row = await adopt(tx, actor, subject, adopted)
        row = replace(
            row, belief=honoured_belief(entry.belief, edited.after, edited.seen, row.declared.revision)
        )
        await _store(tx, work, row)
        return row


def _adopted(
    tx: Tx, work: Work, edited: _Edited, seen: Seen, observed: Sequence[Observation]
) -> Adopted | None:
    """None where its digits are shown and we have not got them."""
    spec, capabilities = edited.entry.declared.spec, work.unit.capabilities
    fingerprint = seen.fingerprint
    if fingerprint is None and capabilities.chooser is CodeChooser.VENDOR:
        fingerprint = spec.fingerprint
    digits = None
    if fingerprint is not None and fingerprint != spec.fingerprint:
        content = (c for o in observed for c in o.content if c["reference"] == seen.reference)
        digits = next((d for c in content if (d := digits_seen(tx, work.place.account.id, c))), None)
        if digits is None:
            return None
    return Adopted(honoured_spec(spec, edited.after, seen, fingerprint), digits)


async def _may_stand(tx: Tx, work: Work, subject: Subject, adopted: Adopted) -> bool:
    """Whether no other code of ours has these digits there, and all locks of the grant can follow."""
    if not await may_adopt(tx, subject, adopted):
        return False
    declared = replace(subject.entry.declared, spec=adopted.spec)
    occupation = occupation_of(work, replace(subject.entry, declared=declared), tx.now)
    return occupation is None or await occupancies.take(
        tx.db,
        tx.workspace_id,
        list(occupation.scope_ids),
        subject.entry.id,
        occupation.fingerprint,
        occupation.starts_at,
        occupation.ends_at,
    )


async def _store(tx: Tx, work: Work, row: EntryRow) -> None:
    """The belief, and the event of the edit itself."""
    shown = await access_codes.shown_of_entries(tx.db, tx.workspace_id, [row.id])
    told = events_of({row.id: [edit_told(row.belief)]}, shown)
    found = Findings(work.claim, {row.id: row.belief}, recorded.drafts(told))
    await writes.store_findings(tx.db, tx.workspace_id, RECONCILER.name, tx.now, [found])
    specs: dict[int, Spec] = {row.declared.revision: row.declared.spec}
    if row.declared.spec.fingerprint is not None or not row.belief.may_be_present:
        await free_digits(tx, work.unit, row.id, row.belief, specs)
