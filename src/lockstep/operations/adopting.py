"""What may be asked of a code that somebody else put on a lock: that it becomes Lockstep's, or that it is taken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.belief import as_seen
from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import Declared, Spec, carried
from lockstep.model.permissions import Actor, Scope, require, system
from lockstep.model.unmanaged import Hindrance, hindrance_to_manage, hindrance_to_remove
from lockstep.model.window import Window
from lockstep.operations import access_codes as shown_codes
from lockstep.operations import events as recorded
from lockstep.operations import releasing
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.chosen_digits import tag_of
from lockstep.operations.errors import AccountInError, Conflict
from lockstep.operations.gate import Tx
from lockstep.operations.grants import OF_ONE_LOCK
from lockstep.operations.lock_codes import NAME
from lockstep.operations.observed import digits_seen, entry_seen, window_seen
from lockstep.operations.occupation import occupation
from lockstep.operations.unmanaged_codes import UnmanagedCode, known_unmanaged
from lockstep.operations.unmanaged_codes import get as shown_unmanaged
from lockstep.storage import (
    access_codes,
    accounts,
    claims,
    devices,
    domains,
    entries,
    grants,
    occupancies,
    unmanaged_codes,
    writes,
)
from lockstep.storage.accounts import AccountRow
from lockstep.storage.database import entering
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import REMOVAL, EntryRow
from lockstep.storage.grants import GrantRow, MethodRow
from lockstep.storage.unmanaged_codes import UnmanagedCodeRow


@dataclass(frozen=True, slots=True)
class AdoptCode:
    unmanaged_code_id: str
    is_forced: bool = False
    """Also where another workspace of this installation, connected to the same account of the vendor, looks after it:
    it loses it."""
    honours_edits: bool = False
    """What somebody changes in the vendor's app becomes the declaration from then on, as with grants."""


@dataclass(frozen=True, slots=True)
class _Found:
    """One entry on the vendor's side, and who it is here on each of its locks."""

    codes: Sequence[UnmanagedCodeRow]
    locks: Sequence[DeviceRow]
    account: AccountRow

    @property
    def first(self) -> UnmanagedCodeRow:
        return self.codes[0]

    @property
    def capabilities(self) -> Capabilities:
        return self.locks[0].capabilities

    @property
    def targets(self) -> frozenset[str]:
        return frozenset(self.first.content["targets"])

    @property
    def window(self) -> Window:
        """As it is shown; of what opened already when it was first seen, from then on."""
        seen, first_seen_at = window_seen(self.first.content), self.first.first_seen_at
        if seen is None:
            return Window(first_seen_at)
        return (
            seen
            if seen.is_over(first_seen_at)
            else replace(seen, starts_at=max(seen.starts_at, first_seen_at))
        )


async def adopt(tx: Tx, actor: Actor, command: AdoptCode) -> AccessCode:
    """It becomes an access code of the same id, proven as it stands. Nothing is written to the lock.

    Raises NotFound, AccountInError, and Conflict where it cannot become Lockstep's as it stands."""
    require(actor, Scope.GRANTS_WRITE)
    found = await _found(tx, actor, command.unmanaged_code_id)
    _require_adoptable(tx, found)
    await _take_from_others(tx, found, is_forced=command.is_forced)
    entry = await _declare(tx, actor, found, honours_edits=command.honours_edits)
    await claims.wake(tx.db, tx.workspace_id, "domains", [entry.domain_id], tx.now)
    return await shown_codes.get(tx, actor, command.unmanaged_code_id)


async def remove(tx: Tx, actor: Actor, unmanaged_code_id: str) -> UnmanagedCode:
    """It is to be taken off its lock, and is gone when a reading proves it.

    Raises NotFound, AccountInError, and Conflict where that cannot be."""
    require(actor, Scope.GRANTS_WRITE)
    found = await _found(tx, actor, unmanaged_code_id)
    if found.first.removal_id is None:
        hindrance = hindrance_to_remove(found.capabilities)
        if hindrance is not None:
            raise Conflict(
                f"The code cannot be taken off by Lockstep. {_WHY[hindrance]}",
                code="cannot_delete",
                next_step="Remove it in the vendor's app.",
            )
        await _declare_gone(tx, actor, found)
    return await shown_unmanaged(tx, actor, unmanaged_code_id)


async def _found(tx: Tx, actor: Actor, unmanaged_code_id: str) -> _Found:
    code = await known_unmanaged(tx, actor, unmanaged_code_id)
    (lock,) = await devices.get_many(tx.db, tx.workspace_id, [code.device_id])
    await domains.lock(tx.db, tx.workspace_id, [lock.domain_id])
    # Whoever held the domain until now may have done the same, or disconnected the account.
    code = await known_unmanaged(tx, actor, unmanaged_code_id)
    account = await accounts.get(tx.db, tx.workspace_id, lock.account_id)
    assert account is not None, "a device's account stays"
    if account.state != "active":
        raise AccountInError(f"The connected account {account.public_id} of the lock is {account.state}.")
    every = await devices.of_account(tx.db, tx.workspace_id, account.id)
    locks = [d for d in every if d.reference in code.content["targets"]]
    if not all(d.is_managed for d in locks):
        raise Conflict(
            "Lockstep does not look after the lock.",
            code="device_unmanaged",
            next_step="Let it manage the device first.",
        )
    codes = await unmanaged_codes.of_entry(tx.db, tx.workspace_id, [d.id for d in locks], code.reference)
    locks.sort(key=lambda d: (d.id != code.device_id, d.id))
    return _Found(sorted(codes, key=lambda c: (c.id != code.id, c.id)), locks, account)


def _require_adoptable(tx: Tx, found: _Found) -> None:
    code = found.first
    hindrance = hindrance_to_manage(found.capabilities)
    if hindrance is not None:
        raise _cannot_be_managed(_WHY[hindrance])
    if code.removal_id is not None:
        raise _cannot_be_managed("It is being taken off the lock.")
    if code.seen_at is None:
        raise _cannot_be_managed(
            "Its lock is unread at the moment; try again when Lockstep has looked at it."
        )
    if code.content.get("is_enabled") is False:
        raise _cannot_be_managed("It is disabled; enable it in the vendor's app first.")
    if found.window.is_over(tx.now):
        raise _cannot_be_managed("Its time is over.")


async def _take_from_others(tx: Tx, found: _Found, *, is_forced: bool) -> None:
    """Two workspaces of the installation that look after one code would fight over it."""
    account = found.account
    async with entering(tx.db, None):
        others = await unmanaged_codes.managed_elsewhere(
            tx.db,
            tx.workspace_id,
            account.vendor,
            account.vendor_account,
            sorted(found.targets),
            found.first.reference,
        )
    if others and not is_forced:
        raise Conflict(
            "Another workspace that is connected to the same account looks after this code.",
            code="managed_elsewhere",
            next_step="Remove it there, or force its adoption; the other workspace then loses it.",
        )
    for other in others:
        async with entering(tx.db, other.workspace_id):
            there = replace(tx, workspace_id=other.workspace_id)
            entry = await entries.get(tx.db, other.workspace_id, other.entry_id)
            if entry is not None:
                await domains.lock(tx.db, other.workspace_id, [entry.domain_id])
                taker = system(other.workspace_id, "adopted elsewhere")
                await releasing.let_go(there, taker, [entry], are_left_off=True)
                await claims.wake(tx.db, other.workspace_id, "domains", [entry.domain_id], tx.now)


async def _declare(tx: Tx, actor: Actor, found: _Found, *, honours_edits: bool) -> EntryRow:
    """A grant of the form `code`, its method, an entry that is believed to stand as it was seen, and its codes."""
    code = found.first
    grant, method = await _grant(tx, found, honours_edits=honours_edits)
    id, capabilities = new_id(), found.capabilities
    digits = digits_seen(tx, found.account.id, code.content)
    name = (code.content.get("name") or "") if capabilities.name.is_kept else ""
    spec = Spec(method.fingerprint, found.window, name, found.targets)
    tag = tag_of(tx, code.public_id, found.targets)
    declared = Declared(id, 1, spec, tag, declared_at=tx.now, honours_edits=honours_edits)
    assert code.seen_at is not None, "it was refused otherwise"
    belief = as_seen(carried(1), entry_seen(code.content), code.seen_at, capabilities)
    sealed = tx.seal(digits, "entries", "digits", id) if digits else None
    entry = EntryRow(declared, belief, found.locks[0].domain_id, method.id, code.public_id, sealed)
    await entries.insert(tx.db, tx.workspace_id, entry)
    await writes.believe(tx.db, tx.workspace_id, id, belief)
    await _occupy(tx, found, entry)
    await unmanaged_codes.drop(tx.db, tx.workspace_id, [c.id for c in found.codes])
    locks = {d.id: d for d in found.locks}
    told: list[events.Event] = [events.AccessGrantCreated(access_grant_id=grant.public_id, form=grant.form)]
    for one in found.codes:
        await access_codes.insert(
            tx.db,
            tx.workspace_id,
            one.id,
            one.public_id,
            one.device_id,
            id,
            grant.id,
            one.first_seen_at,
        )
        told.append(
            events.AccessCodeAdopted(
                access_code_id=one.public_id,
                device_id=locks[one.device_id].public_id,
                access_grant_id=grant.public_id,
            )
        )
    await recorded.append(tx, actor, *told)
    return entry


async def _grant(tx: Tx, found: _Found, *, honours_edits: bool) -> tuple[GrantRow, MethodRow]:
    id, method_id, window = new_id(), new_id(), found.window
    name = (found.first.content.get("name") or "").strip() or NAME
    grant = GrantRow(
        id,
        public_id("grant", id),
        None,
        name,
        None,
        None,
        window.starts_at,
        window.ends_at,
        tx.now,
        tx.now,
        None,
        form=OF_ONE_LOCK,
        honours_edits=honours_edits,
    )
    await grants.insert(tx.db, tx.workspace_id, grant)
    await grants.set_targets(tx.db, tx.workspace_id, id, [(new_id(), None, d.id) for d in found.locks])
    digits = digits_seen(tx, found.account.id, found.first.content)
    method = MethodRow(
        method_id,
        public_id("method", method_id),
        id,
        "code",
        tx.seal(digits, "access_methods", "digits", method_id) if digits else None,
        tx.fingerprint(digits) if digits else None,
        created_at=tx.now,
    )
    await grants.insert_method(tx.db, tx.workspace_id, method)
    return grant, method


async def _occupy(tx: Tx, found: _Found, entry: EntryRow) -> None:
    spec = entry.declared.spec
    taken = occupation(spec, found.capabilities, found.account.id, found.locks, tx.now)
    if taken is not None and not await occupancies.take(
        tx.db,
        tx.workspace_id,
        list(taken.scope_ids),
        entry.id,
        taken.fingerprint,
        taken.starts_at,
        taken.ends_at,
    ):
        raise _cannot_be_managed("Another code of Lockstep's has, or may have, the same digits there.")


async def _declare_gone(tx: Tx, actor: Actor, found: _Found) -> None:
    """An entry that was withdrawn already: what stands under its reference is taken off as any other."""
    code, id = found.first, new_id()
    content, domain_id = code.content, found.locks[0].domain_id
    fingerprint = UUID(content["fingerprint"]) if content.get("fingerprint") else None
    spec = Spec(fingerprint, found.window, "", found.targets)
    declared = Declared(id, 1, spec, declared_at=tx.now, withdrawn_at=tx.now)
    begun_at = code.seen_at or code.first_seen_at
    belief = as_seen(carried(1), entry_seen(content), begun_at, found.capabilities)
    entry = EntryRow(declared, belief, domain_id, None, f"{REMOVAL}{code.public_id}", None)
    await entries.insert(tx.db, tx.workspace_id, entry)
    await entries.withdraw(tx.db, tx.workspace_id, [id], tx.now)
    await writes.believe(tx.db, tx.workspace_id, id, belief)
    await unmanaged_codes.note_removal(tx.db, tx.workspace_id, [c.id for c in found.codes], id)
    locks = {d.id: d for d in found.locks}
    told = (
        events.UnmanagedCodeDeleted(unmanaged_code_id=c.public_id, device_id=locks[c.device_id].public_id)
        for c in found.codes
    )
    await recorded.append(tx, actor, *told)
    await domains.hurry(tx.db, tx.workspace_id, [domain_id], tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", [domain_id], tx.now)


def _cannot_be_managed(why: str) -> Conflict:
    return Conflict(
        f"The code cannot become Lockstep's as it stands. {why}",
        code="cannot_be_managed",
        next_step="Leave it, or declare a code of your own.",
    )


_WHY: dict[Hindrance, str] = {
    Hindrance.NOT_SHOWN: "The lock does not show which codes are on it.",
    Hindrance.NOT_RECOGNISED: "Nothing tells it from another that may stand in its numbered place next.",
    Hindrance.OF_A_PERSON: "It is part of a person's record at the vendor.",
    Hindrance.ISSUED: "The vendor computes its codes.",
    Hindrance.NOT_REVOCABLE: "The vendor cannot take a code back.",
}
