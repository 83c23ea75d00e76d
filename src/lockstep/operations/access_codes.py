"""Access codes as the ways in show them: one on each lock, with status, evidence, last attempt and next look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.access_code import (
    Failure,
    Standing,
    Status,
    as_known,
    is_arrival_late,
    is_gone,
    is_removal_late,
    rank,
    standing,
    status,
)
from lockstep.model.capabilities import Capabilities, Evidence
from lockstep.model.declared import ABSENT, OTHER, effective_window
from lockstep.model.edit import Edit
from lockstep.model.pending import PendingChange, name_on_lock, pending_changes
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.window import Window
from lockstep.operations import grants
from lockstep.operations.backup_pools import ready_of
from lockstep.operations.chosen_digits import has_unknown_digits
from lockstep.operations.confinement import confinement, given
from lockstep.operations.devices import known_device
from lockstep.operations.errors import NotFound
from lockstep.operations.failures import REFUSED, Reach
from lockstep.operations.gate import Tx
from lockstep.operations.grants import Created
from lockstep.storage import access_codes, devices, unmanaged_codes
from lockstep.storage.access_codes import AccessCodeRow, CodeFilter
from lockstep.storage.accounts import LEAVING
from lockstep.storage.entries import EntryRow
from lockstep.storage.unmanaged_codes import UnmanagedFilter

DUPLICATE_DIGITS = "duplicate_digits"
"""Of a failure: its digits are taken on the lock."""


@dataclass(frozen=True, slots=True)
class AccessCode:
    """One code on one lock. `digits` None where the actor may not see them, or the vendor has not computed them."""

    row: AccessCodeRow
    status: Status
    standing: Standing
    window: Window
    effective: Window
    """When it really opens, where that is wider."""
    evidence: Evidence
    failure: dict[str, Any] | None
    digits: str | None = field(repr=False)
    has_digits: bool = False
    former_digits: str | None = field(default=None, repr=False)
    """Other digits that it has, or may have, on the lock, since they were declared before; None also where the actor
    may not see them."""
    pending: tuple[PendingChange, ...] = ()
    """What is declared and not proven yet."""
    name_on_lock: str = field(default="", repr=False)
    """The exact name in the vendor's app: as the newest reading shows it, else as it is written."""
    is_arrival_late: bool = False
    """The guest arrives soon, or is inside, and it is not proven."""
    is_removal_late: bool = False
    """It should long be gone, and may still be there."""
    is_backup_available: bool = False
    """Its lock has a backup code that may be pulled in its place now."""
    opens_as_backup: bool = False
    """It was pulled, and its name or its window is on the way to the lock: as it stands there, it opens as well."""
    is_set_as_last_read: bool = False
    """It is set or, where nobody can look at its lock for now, was when somebody could: whoever has it may try it."""
    in_the_way: str | None = None
    """The unmanaged code that has its digits on the lock, where that keeps it from being set."""

    @property
    def has_unknown_digits(self) -> bool:
        """Somebody else gave it its digits, and the lock does not show them."""
        return has_unknown_digits(self.row.entry, self.row.capabilities)

    @property
    def edit(self) -> Edit | None:
        """What somebody else changed: it conflicts until the declared state is proven again; or it is honoured, and
        stands until the next declaration, or until edits are honoured no more: then it is ours as anything else."""
        edit, declared = self.row.entry.belief.edit, self.row.entry.declared
        if edit is None:
            return None
        if edit.is_honoured:
            return edit if declared.honours_edits else None
        is_at_an_end = declared.is_withdrawn or self.standing is Standing.GONE
        return None if is_at_an_end else edit

    @property
    def proven_at(self) -> datetime | None:
        return self.row.entry.belief.proven_at if self.standing is Standing.PROVEN else None

    @property
    def next_look_at(self) -> datetime | None:
        is_looked_at = self.row.disconnected_at is None and self.row.account_state != REFUSED
        return self.row.domain_due_at if is_looked_at else None


@dataclass(frozen=True, slots=True)
class ListCodes:
    """In the order of creation, behind the code `after`."""

    most: int = 50
    after: str | None = None
    device_id: str | None = None
    access_grant_id: str | None = None
    access_code_ids: tuple[str, ...] | None = None
    common_code_key: str | None = None
    name_contains: str | None = field(default=None, repr=False)
    forgotten: bool = True
    """Those too that were cancelled and are proven gone."""
    is_left: bool = True
    """Those too of accounts that were disconnected, which nobody looks after any more."""
    fingerprint: UUID | None = None
    """Of the digits that they have."""
    access_method_id: str | None = None
    access_grant_key: str | None = None
    customer_key: str | None = None
    guest_key: str | None = field(default=None, repr=False)


async def get(tx: Tx, actor: Actor, access_code_public_id: str) -> AccessCode:
    """Raises NotFound, NotAllowed where its grant reaches more than the actor may."""
    require(actor, Scope.GRANTS_READ)
    row = await known(tx, actor, access_code_public_id)
    return (await _presented(tx, actor, [row]))[0]


async def listed(
    tx: Tx, actor: Actor, after: UUID | None, most: int, device_public_id: str | None = None
) -> list[AccessCode]:
    require(actor, Scope.GRANTS_READ)
    device = await known_device(tx, actor, device_public_id) if device_public_id else None
    wanted = CodeFilter(device.id if device else None, property_ids=confinement(actor), besides=given(actor))
    rows = await access_codes.listed(tx.db, tx.workspace_id, wanted, after, most)
    return await _presented(tx, actor, rows)


async def list_shown(tx: Tx, actor: Actor, command: ListCodes) -> list[AccessCode]:
    """Raises NotFound where the device or the grant is not there."""
    require(actor, Scope.GRANTS_READ)
    after = await known(tx, actor, command.after) if command.after else None
    device = await known_device(tx, actor, command.device_id) if command.device_id else None
    grant = await grants.known_grant(tx, actor, command.access_grant_id) if command.access_grant_id else None
    wanted = CodeFilter(
        device.id if device else None,
        grant.id if grant else None,
        command.access_method_id,
        command.access_grant_key,
        command.customer_key,
        command.guest_key,
        public_ids=None if command.access_code_ids is None else list(command.access_code_ids),
        common_code_key=command.common_code_key,
        name_contains=command.name_contains,
        property_ids=confinement(actor),
        besides=given(actor),
        forgotten=command.forgotten,
        is_left=command.is_left,
        fingerprint=command.fingerprint,
    )
    rows = await access_codes.listed(
        tx.db, tx.workspace_id, wanted, after.id if after else None, command.most
    )
    return await _presented(tx, actor, rows)


async def of_grants(tx: Tx, actor: Actor, grant_ids: list[UUID]) -> dict[UUID, list[AccessCode]]:
    """Codes of several grants, by grant."""
    require(actor, Scope.GRANTS_READ)
    found: dict[UUID, list[AccessCode]] = {i: [] for i in grant_ids}
    rows = await access_codes.of_grants(tx.db, tx.workspace_id, grant_ids)
    for code in await _presented(tx, actor, rows):
        found[code.row.grant_id].append(code)
    return found


async def created(tx: Tx, actor: Actor, made: Created) -> AccessCode:
    """The code of a new grant on one lock, made of what was just stored."""
    require(actor, Scope.GRANTS_READ)
    (code,), (reached,) = made.new.codes, made.reached
    grant, lock = made.new.grant, reached.device
    (entry,) = (e for e in made.new.entries if e.id == code.entry_id)
    due_at = made.new.due[lock.domain_id]
    row = AccessCodeRow(
        id=code.id,
        public_id=code.public_id,
        device_id=lock.id,
        device_public_id=lock.public_id,
        device_name=lock.name,
        device_state=lock.state,
        device_is_online=lock.is_online,
        unlisted_since=lock.missed_since,
        account_public_id=reached.account_public_id,
        account_label=reached.account_label,
        account_state=reached.account_state,
        account_failure=None,
        disconnected_at=reached.disconnected_at,
        grant_id=grant.id,
        grant_public_id=grant.public_id,
        grant_name=grant.name,
        grant_form=grant.form,
        common_code_key=grant.common_code_key,
        cancelled_at=None,
        created_at=grant.created_at,
        withdrawn_at=None,
        left_off_at=None,
        capabilities=lock.capabilities,
        actual_starts_at=None,
        actual_ends_at=None,
        domain_failure=reached.domain_failure,
        domain_due_at=min(due_at, reached.domain_due_at or due_at),
        last_intent_at=None,
        last_intent_outcome=None,
        used_at=None,
        lock_read_at=reached.read_at,
        is_backup=False,
        pulled_backup_id=None,
        pulled_backup_public_id=None,
        is_put_away=False,
        has_pool=lock.backup_pool_size is not None,
        entry=entry,
        carried=None,
    )
    return (await _presented(tx, actor, [row]))[0]


async def _presented(tx: Tx, actor: Actor, rows: Sequence[AccessCodeRow]) -> list[AccessCode]:
    """With what stands beside them: nothing more is asked where no lock has a pool of backup codes."""
    replaceable = {r.device_id for r in rows if _may_be_replaced(r, tx.now)}
    ready: set[UUID] = set()
    if replaceable:
        found = await devices.get_many(tx.db, tx.workspace_id, sorted(replaceable))
        ready = {id for id, codes in (await ready_of(tx, found)).items() if codes}
    shown = [
        present(tx, actor, r, has_backup=r.device_id in ready and _may_be_replaced(r, tx.now)) for r in rows
    ]
    return [await _with_what_is_in_the_way(tx, code) for code in shown]


async def _with_what_is_in_the_way(tx: Tx, code: AccessCode) -> AccessCode:
    fingerprint = code.row.entry.declared.spec.fingerprint
    if code.failure is None or code.failure["code"] != DUPLICATE_DIGITS or fingerprint is None:
        return code
    wanted = UnmanagedFilter([code.row.device_id], fingerprint=fingerprint)
    found = await unmanaged_codes.listed(tx.db, tx.workspace_id, None, 1, wanted)
    return replace(code, in_the_way=found[0].public_id) if found else code


def _may_be_replaced(row: AccessCodeRow, now: datetime) -> bool:
    ends_at = row.entry.declared.spec.window.ends_at
    is_living = row.withdrawn_at is None and ends_at is not None and ends_at > now
    return row.has_pool and is_living and row.account_state not in LEAVING


def present(tx: Tx, actor: Actor, row: AccessCodeRow, *, has_backup: bool = False) -> AccessCode:
    """Everything derived now from declaration, belief, last failure and the clock; nothing of it is stored."""
    entry, capabilities = row.entry, row.capabilities
    reach = Reach(
        row.device_public_id,
        row.device_name,
        row.domain_failure,
        row.unlisted_since,
        row.account_label,
        row.account_state,
        row.account_failure,
        row.disconnected_at,
    )
    stands, failure = standing_of(entry, capabilities, reach, tx.now)
    digits = None
    if entry.digits is not None and actor.may(Scope.CODES_READ):
        digits = tx.open(entry.digits, "entries", "digits", entry.id)
    shown = _status(entry, capabilities, reach, tx.now)
    as_last_read = shown if reach.is_read else _status(entry, capabilities, reach, tx.now, as_last_read=True)
    belief = as_known(entry.belief, row.unlisted_since, tx.now)
    return AccessCode(
        row,
        Status.REMOVED if _is_over(entry) else shown,
        stands,
        entry.declared.spec.window,
        opening_of(entry, capabilities, row.actual_starts_at, row.actual_ends_at),
        rank(entry.belief, row.used_at),
        _document(failure),
        digits,
        entry.digits is not None,
        _former_digits(tx, actor, row),
        ()
        if _is_over(entry)
        else pending_changes(entry.declared, entry.belief, row.carried, capabilities, tx.now),
        name_on_lock(entry.declared, entry.belief, row.carried),
        reach.is_connected and is_arrival_late(entry.declared, belief, capabilities, tx.now),
        reach.is_connected and is_removal_late(entry.declared, belief, capabilities, tx.now),
        has_backup,
        row.is_backup and _opens_as_it_stands(row, tx.now),
        is_set_as_last_read=as_last_read is Status.SET and not _is_over(entry),
    )


def _status(
    entry: EntryRow, capabilities: Capabilities, reach: Reach, now: datetime, *, as_last_read: bool = False
) -> Status:
    return status(
        entry.declared,
        entry.belief,
        capabilities,
        now,
        is_listed=reach.is_listed,
        is_connected=reach.is_connected,
        is_read=reach.is_read or as_last_read,
    )


def _opens_as_it_stands(row: AccessCodeRow, now: datetime) -> bool:
    declared, belief, carried = row.entry.declared, row.entry.belief, row.carried
    if carried is None or declared.is_withdrawn or carried.fingerprint != declared.spec.fingerprint:
        return False
    is_there = belief.proven_at is not None and not belief.possible & {ABSENT, OTHER}
    return is_there and effective_window(carried.window, row.capabilities).contains(now)


def _former_digits(tx: Tx, actor: Actor, row: AccessCodeRow) -> str | None:
    former, carried = row.entry.former, row.carried
    if former is None or carried is None or not actor.may(Scope.CODES_READ):
        return None
    if carried.fingerprint != former.fingerprint or former.fingerprint == row.entry.declared.spec.fingerprint:
        return None
    return tx.open(former.digits, "entries", "former_digits", row.entry.id)


def is_forgotten(it: AccessCode) -> bool:
    """Cancelled, and proven gone: nothing of it can appear any more. What a backup code replaces is kept."""
    row = it.row
    is_kept = row.pulled_backup_id is not None and not row.is_put_away and row.cancelled_at is None
    return row.withdrawn_at is not None and it.status is Status.REMOVED and not is_kept


def standing_of(
    entry: EntryRow, capabilities: Capabilities, reach: Reach, now: datetime
) -> tuple[Standing, Failure | None]:
    """How a code stands now, and what went wrong last with it, or else with its lock.

    A lock that cannot be asked for the moment, or whose account's credentials are refused, makes a code unconfirmed;
    failed it is when refused, or late, or where nobody can look at the lock: its vendor does not list it, or its
    account is disconnected.
    """
    own = entry.failure if reach.is_listed and reach.is_connected else None
    failure = _failure(own or reach.failure)
    if _is_over(entry):
        return Standing.GONE, failure
    stands = standing(
        entry.declared,
        entry.belief,
        capabilities,
        now,
        failure if own else None,
        is_listed=reach.is_listed,
        is_connected=reach.is_connected,
        is_read=reach.is_read,
    )
    return stands, failure


def opening_of(
    entry: EntryRow, capabilities: Capabilities, actual_from: datetime | None, actual_until: datetime | None
) -> Window:
    """When a code really opens: as the vendor gave it, else as the lock must round it."""
    if actual_from is not None:
        return Window(actual_from, actual_until)
    return effective_window(entry.declared.spec.window, capabilities)


async def known(tx: Tx, actor: Actor, access_code_public_id: str) -> AccessCodeRow:
    """For other operations. Raises NotFound, NotAllowed."""
    row = await access_codes.by_public_id(tx.db, tx.workspace_id, access_code_public_id)
    if row is None:
        raise NotFound("access code", access_code_public_id)
    await grants.known_grant(tx, actor, row.grant_public_id)
    return row


def _is_over(entry: EntryRow) -> bool:
    """Settled, and not because its lock was given up: then nothing is proven."""
    return entry.settled_at is not None and is_gone(entry.belief)


def _document(failure: Failure | None) -> dict[str, Any] | None:
    return None if failure is None else {**asdict(failure), "at": failure.at.isoformat()}


def _failure(document: Mapping[str, Any] | None) -> Failure | None:
    if document is None:
        return None
    at = datetime.fromisoformat(document["at"])
    return Failure(document["code"], document["cause"], document["next_step"], at)
