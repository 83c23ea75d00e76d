"""A backup code in place of one that does not work: pulled from its lock's pool, given to the same grant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import backup_pool, events
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.window import Window
from lockstep.operations import access_codes as presented
from lockstep.operations import events as recorded
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.backup_pools import ready_of
from lockstep.operations.chosen_digits import Wish
from lockstep.operations.declaring import declare_grant
from lockstep.operations.devices import Device, known_device, shown
from lockstep.operations.errors import AccountInError, Conflict, Invalid
from lockstep.operations.gate import Tx
from lockstep.storage import access_codes, backup_pools, devices, domains, entries, grants
from lockstep.storage.access_codes import AccessCodeRow
from lockstep.storage.accounts import LEAVING
from lockstep.storage.entries import EntryRow
from lockstep.storage.grants import GrantRow, MethodRow


@dataclass(frozen=True, slots=True)
class Pulled:
    """`replaced` is withdrawn, and `backup` stands in its place."""

    replaced: AccessCode
    backup: AccessCode


@dataclass(frozen=True, slots=True)
class SetPool:
    """`size` None: as it is, or else the usual one; 0: no pool. `without_schedule` None: as it is."""

    device_id: str
    size: int | None = None
    without_schedule: bool | None = None


async def pull(tx: Tx, actor: Actor, access_code_public_id: str) -> Pulled:
    """A backup code for this code: the same one each time. It is on the lock already; from now on it has the guest,
    the name and the window of the code that it replaces, and goes with its grant.

    Raises NotFound; Invalid for a code without an end; Conflict where the code is over, or no backup code is there."""
    require(actor, Scope.GRANTS_WRITE)
    code = await presented.known(tx, actor, access_code_public_id)
    # In the order of all who change these: the grant, its device, the domain. Then read what others did meanwhile.
    await grants.by_public_id(tx.db, tx.workspace_id, code.grant_public_id, locked=True)
    await backup_pools.hold(tx.db, tx.workspace_id, code.device_id)
    await domains.lock(tx.db, tx.workspace_id, [code.entry.domain_id])
    code = await presented.known(tx, actor, access_code_public_id)
    if code.pulled_backup_id is None:
        grant = await grants.get(tx.db, tx.workspace_id, code.grant_id)
        assert grant is not None, "a code has a grant"
        _require_replaceable(tx, code, grant)
        await _replace(tx, actor, code, grant, await _free_one(tx, code, grant))
        code = await presented.known(tx, actor, access_code_public_id)
    assert code.pulled_backup_public_id is not None, "it was pulled just now, or before"
    return Pulled(
        await presented.get(tx, actor, code.public_id),
        await presented.get(tx, actor, code.pulled_backup_public_id),
    )


async def put_away(tx: Tx, actor: Actor, code: AccessCodeRow) -> None:
    """A code that was replaced is not to be seen any more; the backup code goes on in its place."""
    require(actor, Scope.GRANTS_WRITE)
    await backup_pools.put_away(tx.db, tx.workspace_id, code.id)


async def set_pool(tx: Tx, actor: Actor, command: SetPool) -> Device:
    """How many backup codes are to stand on a device. Raises NotFound, and Invalid where it can have none."""
    require(actor, Scope.GRANTS_WRITE)
    device = await known_device(tx, actor, command.device_id)
    size = command.size if command.size is not None else device.backup_pool_size or backup_pool.USUAL_SIZE
    if not 0 <= size <= backup_pool.MOST:
        raise Invalid(
            f"A pool holds at most {backup_pool.MOST} backup codes.",
            code="backup_pool_size",
            next_step=f"Give a size from 0 to {backup_pool.MOST}.",
            field="size",
        )
    if size and not backup_pool.supports(device.capabilities):
        raise Invalid(
            f"The device {device.public_id} cannot hold backup codes.",
            code="backup_pool_not_supported",
            next_step="Choose a lock that takes and gives back digits which are given.",
            field="size",
        )
    is_consented = device.backups_without_schedule
    if command.without_schedule is not None:
        is_consented = command.without_schedule
    if (size or None, is_consented) != (device.backup_pool_size, device.backups_without_schedule):
        await backup_pools.set_size(tx.db, tx.workspace_id, device.id, size or None, is_consented, tx.now)
        told = events.DeviceBackupPoolChanged(
            device_id=device.public_id, size=size, is_allowed_without_schedule=is_consented
        )
        await recorded.append(tx, actor, told)
    return await shown(tx, actor, device.public_id)


def _require_replaceable(tx: Tx, code: AccessCodeRow, grant: GrantRow) -> None:
    if grant.ends_at is None:
        raise Invalid(
            "Only a code with an end can be replaced by a backup code.",
            code="backup_needs_end",
            next_step="Give its grant an end first.",
        )
    if code.withdrawn_at is not None or grant.cancelled_at is not None or grant.ends_at <= tx.now:
        raise Conflict(
            f"The access code {code.public_id} is over.",
            code="access_code_over",
            next_step="Make a new grant.",
        )
    if code.account_state in LEAVING:
        raise AccountInError(f"The connected account {code.account_public_id} is {code.account_state}.")


async def _free_one(tx: Tx, code: AccessCodeRow, grant: GrantRow) -> EntryRow:
    """One whose digits are nobody else's for as long as the grant lasts."""
    found = await devices.get_many(tx.db, tx.workspace_id, [code.device_id])
    ready = (await ready_of(tx, found))[code.device_id]
    taken = await _taken(tx, ready, code, Window(grant.starts_at, grant.ends_at))
    free = [e for e in ready if e.declared.spec.fingerprint not in taken]
    if not free:
        raise Conflict(
            f"There is no backup code on the lock {code.device_name} ({code.device_public_id}) now.",
            code="no_backup_code",
            next_step="See backup_pool of the device: whether it has a pool, and what is wrong with it.",
        )
    # Should the lock be offline, it opens for this one until the window ends that the lock knows.
    return max(free, key=_lasts_until)


def _lasts_until(spare: EntryRow) -> datetime:
    ends_at = spare.declared.spec.window.ends_at
    assert ends_at is not None, "a backup code always ends"
    return ends_at


async def _taken(tx: Tx, ready: Sequence[EntryRow], code: AccessCodeRow, window: Window) -> set[UUID]:
    stock = await entries.open_of_domain(tx.db, tx.workspace_id, code.entry.domain_id)
    mine = {e.id for e in ready}
    others = [e for e in stock if e.id not in mine and e.declared.spec.window.overlaps(window)]
    specs = await entries.specs_of(tx.db, tx.workspace_id, [e.id for e in others])
    found = {s.fingerprint for revisions in specs.values() for s in revisions.values()}
    return {f for f in found if f is not None}


async def _replace(tx: Tx, actor: Actor, code: AccessCodeRow, grant: GrantRow, spare: EntryRow) -> None:
    method_id, id = new_id(), new_id()
    assert spare.digits is not None, "we chose them"
    digits = tx.open(spare.digits, "entries", "digits", spare.id)
    method = MethodRow(
        method_id,
        public_id("method", method_id),
        grant.id,
        "code",
        tx.seal(digits, "access_methods", "digits", method_id),
        spare.declared.spec.fingerprint,
        created_at=tx.now,
    )
    await grants.insert_method(tx.db, tx.workspace_id, method)
    await backup_pools.take(tx.db, tx.workspace_id, spare.id, method_id)
    backup_id = public_id("code", id)
    await access_codes.insert(
        tx.db, tx.workspace_id, id, backup_id, code.device_id, spare.id, grant.id, tx.now
    )
    await entries.withdraw(tx.db, tx.workspace_id, [code.entry.id], tx.now)
    await access_codes.withdraw(tx.db, tx.workspace_id, [code.id], tx.now)
    await backup_pools.set_pulled(tx.db, tx.workspace_id, code.id, id)
    about: dict[str, Any] = {"device_id": code.device_public_id, "access_grant_id": grant.public_id}
    await recorded.append(
        tx,
        actor,
        events.AccessCodeCreated(access_code_id=backup_id, **about),
        events.AccessCodeBackupPulled(
            access_code_id=code.public_id, backup_access_code_id=backup_id, **about
        ),
    )
    await declare_grant(tx, actor, grant, None, Wish())
    await backup_pools.look_at(tx.db, tx.workspace_id, code.device_id, tx.now)
