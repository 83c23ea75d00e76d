"""Edits that become the declaration: grant, digits and entry together, so that nothing is written back to the lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from lockstep.model import events
from lockstep.model.capabilities import CodeChooser
from lockstep.model.constraints import breaches_of_code
from lockstep.model.declared import Spec
from lockstep.model.naming import untagged
from lockstep.model.permissions import Actor
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.chosen_digits import Wish, in_use_on
from lockstep.operations.declaring import (
    declare_grant,
    grant_changed,
    subjects_of,
    what_changed,
    withdraw_grant,
)
from lockstep.operations.gate import Tx
from lockstep.storage import access_codes, claims, declarations, domains, entries, grants
from lockstep.storage.access_codes import AccessCodeRow
from lockstep.storage.declarations import Reach
from lockstep.storage.entries import EntryRow
from lockstep.storage.grants import GrantRow

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """The entry that was edited, its grant, and the grant's other codes that are wanted."""

    entry: EntryRow
    grant: GrantRow
    codes: Sequence[AccessCodeRow]
    others: Sequence[AccessCodeRow]

    @property
    def sharing(self) -> list[AccessCodeRow]:
        """Those of the others that have the same digits."""
        return [c for c in self.others if c.entry.method_id == self.entry.method_id]


@dataclass(frozen=True, slots=True)
class Adopted:
    """What the lock has now. `digits` None: they are as they were, or unknown where `spec` has no fingerprint."""

    spec: Spec
    digits: str | None = field(default=None, repr=False)


async def lock_subject(tx: Tx, entry_id: UUID) -> Subject | None:
    """The grant first and then all its domains, as every declaration locks them. None where it may not follow the lock:
    cancelled, of a booking, or none any more."""
    shown = await access_codes.shown_of_entries(tx.db, tx.workspace_id, [entry_id])
    if not shown:
        return None
    grant = await grants.by_public_id(tx.db, tx.workspace_id, shown[0].grant_public_id, locked=True)
    if grant is None or grant.cancelled_at is not None or grant.booking_id is not None:
        return None
    codes = await access_codes.of_grants(tx.db, tx.workspace_id, [grant.id])
    await domains.lock(tx.db, tx.workspace_id, sorted({c.entry.domain_id for c in codes}))
    entry = await entries.get(tx.db, tx.workspace_id, entry_id)
    if entry is None:
        return None
    mine = [c for c in codes if c.entry.id == entry_id]
    others = [c for c in codes if c.entry.id != entry_id and c.withdrawn_at is None]
    return Subject(entry, grant, mine, others)


async def may_adopt(tx: Tx, subject: Subject, adopted: Adopted) -> bool:
    """Whether the grant's other locks can follow: one set of digits serves all."""
    choosing = [c for c in subject.sharing if c.capabilities.chooser is CodeChooser.CALLER]
    fingerprint = adopted.spec.fingerprint
    if not choosing or fingerprint is None:
        return True
    if adopted.digits and any(breaches_of_code(adopted.digits, c.capabilities) for c in choosing):
        return False
    method_id = subject.entry.method_id
    device_ids = sorted({c.device_id for c in choosing})
    asked = Reach(adopted.spec.window, device_ids=device_ids, but_method=method_id)
    reached = await declarations.reached(tx.db, tx.workspace_id, asked)
    return fingerprint not in in_use_on(reached)


async def adopt(tx: Tx, actor: Actor, subject: Subject, adopted: Adopted) -> EntryRow:
    """The lock's state is declared under the entry's next revision; other locks of the grant follow. The belief is the
    caller's to store, in the same transaction: it proves that revision."""
    entry, grant, spec = subject.entry, subject.grant, adopted.spec
    digits = entry.digits
    if spec.fingerprint != entry.declared.spec.fingerprint:
        digits = tx.seal(adopted.digits, "entries", "digits", entry.id) if adopted.digits else None
        await _change_method(tx, subject, adopted)
    declared = replace(entry.declared, revision=entry.declared.revision + 1, spec=spec, declared_at=tx.now)
    row = replace(entry, declared=declared, digits=digits, failure=None, not_before=None, alarms=frozenset())
    await entries.redeclare(tx.db, tx.workspace_id, row)
    changed = _changed(grant, subject, spec, tx)
    await grants.change(tx.db, tx.workspace_id, changed)
    await recorded.append(
        tx,
        actor,
        grant_changed(changed, is_moved=spec.window != entry.declared.spec.window),
        *(events.AccessCodeChanged(**subjects_of(c), **what_changed(entry, row)) for c in subject.codes),
    )
    if subject.others:
        await declare_grant(tx, actor, changed, None, Wish())
    await claims.wake(tx.db, tx.workspace_id, "domains", [entry.domain_id], tx.now)
    return row


async def adopt_removal(tx: Tx, actor: Actor, subject: Subject) -> EntryRow:
    """It is not wanted on this lock any more; where the grant has no other, it is cancelled."""
    entry = subject.entry
    if subject.others:
        await entries.withdraw(tx.db, tx.workspace_id, [entry.id], tx.now)
        await access_codes.leave_off(tx.db, tx.workspace_id, [c.id for c in subject.codes], tx.now)
        deleted = (events.AccessCodeDeleted(**subjects_of(c)) for c in subject.codes)
        await recorded.append(tx, actor, *deleted)
        await claims.wake(tx.db, tx.workspace_id, "domains", [entry.domain_id], tx.now)
    else:
        await withdraw_grant(tx, actor, subject.grant)
    return replace(entry, declared=replace(entry.declared, withdrawn_at=tx.now), failure=None)


async def _change_method(tx: Tx, subject: Subject, adopted: Adopted) -> None:
    """The grant's digits. Unknown ones leave those of its other locks as they are."""
    methods = await grants.methods_of(tx.db, tx.workspace_id, subject.grant.id)
    method = next((m for m in methods if m.id == subject.entry.method_id), None)
    if method is None or (adopted.digits is None and subject.sharing):
        return
    sealed = fingerprint = None
    if adopted.digits is not None:
        sealed = tx.seal(adopted.digits, "access_methods", "digits", method.id)
        fingerprint = tx.fingerprint(adopted.digits)
    await grants.set_method_digits(tx.db, tx.workspace_id, method.id, sealed, fingerprint, method.warning)


def _changed(grant: GrantRow, subject: Subject, spec: Spec, tx: Tx) -> GrantRow:
    before = subject.entry.declared
    name = grant.name
    if spec.name != before.spec.name:
        rules = subject.codes[0].capabilities.name
        name = untagged(spec.name, before.tag, rules)[:_LONGEST_NAME] or grant.name
    window = spec.window if spec.window != before.spec.window else Window(grant.starts_at, grant.ends_at)
    return replace(grant, name=name, starts_at=window.starts_at, ends_at=window.ends_at, changed_at=tx.now)
