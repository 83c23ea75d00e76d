"""Which devices Lockstep looks after: of the others it reads nothing, and it writes nothing to them."""

from __future__ import annotations

from collections.abc import Sequence

from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import events as recorded
from lockstep.operations import releasing
from lockstep.operations.chosen_digits import Wish
from lockstep.operations.declaring import declare_grant, redeclare_space
from lockstep.operations.devices import Device, known_device, shown
from lockstep.operations.errors import Conflict
from lockstep.operations.gate import Tx
from lockstep.storage import backup_pools, claims, devices, domains, entries, grants, spaces
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import EntryRow


async def manage(tx: Tx, actor: Actor, device_id: str) -> Device:
    """Look after it again: it is read now, and every living grant that reaches it is declared on it. What such a grant
    had there before is its own again; other codes that are on it stay unmanaged until somebody adopts them."""
    device = await _known(tx, actor, device_id)
    if not device.is_managed:
        await devices.set_managed(tx.db, tx.workspace_id, device.id, is_managed=True)
        await recorded.append(tx, actor, events.DeviceManaged(device_id=device.public_id))
        for space_id in await spaces.spaces_of_device(tx.db, tx.workspace_id, device.id):
            await redeclare_space(tx, actor, space_id)
        for grant in await grants.living_of_device(tx.db, tx.workspace_id, device.id, tx.now):
            await declare_grant(tx, actor, grant, None, Wish())
        await domains.look_now(tx.db, tx.workspace_id, [device.domain_id], tx.now)
        await claims.wake(tx.db, tx.workspace_id, "domains", [device.domain_id], tx.now)
    return await shown(tx, actor, device_id)


async def unmanage(tx: Tx, actor: Actor, device_id: str) -> Device:
    """Look after it no more. The codes on it stay there; Lockstep's own become unmanaged codes of the same ids.

    Backup codes end by themselves. Raises Conflict where credentials on it open other doors as well, which Lockstep
    still looks after, and where backup codes would open for ever."""
    device = await _known(tx, actor, device_id)
    if device.is_managed:
        # In the order of all who change these: the grants that end with their code here, the device, its domain.
        await grants.hold_of_lock(tx.db, tx.workspace_id, device.id)
        await backup_pools.hold(tx.db, tx.workspace_id, device.id)
        await domains.lock(tx.db, tx.workspace_id, [device.domain_id])
        living = await entries.open_of_domain(tx.db, tx.workspace_id, device.domain_id)
        mine = [e for e in living if device.reference in e.declared.spec.targets]
        _require_can_be_left(device, mine)
        await releasing.let_go(tx, actor, mine)
        await backup_pools.set_size(
            tx.db, tx.workspace_id, device.id, None, device.backups_without_schedule, tx.now
        )
        await devices.set_managed(tx.db, tx.workspace_id, device.id, is_managed=False)
        await recorded.append(tx, actor, events.DeviceUnmanaged(device_id=device.public_id))
        await claims.wake(tx.db, tx.workspace_id, "domains", [device.domain_id], tx.now)
    return await shown(tx, actor, device_id)


async def _known(tx: Tx, actor: Actor, device_id: str) -> DeviceRow:
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)
    return await known_device(tx, actor, device_id)


def _require_can_be_left(device: DeviceRow, living: Sequence[EntryRow]) -> None:
    if any(e.declared.spec.targets != {device.reference} for e in living):
        raise Conflict(
            f"Credentials on the device {device.name} ({device.public_id}) open other doors as well.",
            code="device_shares_credentials",
            next_step="Cancel the grants that reach this device first.",
        )
    are_spare = [e for e in living if e.declared.is_spare and e.belief.may_be_present]
    if are_spare and not device.capabilities.schedule.is_own:
        raise Conflict(
            f"Backup codes on the device {device.name} ({device.public_id}) would open for ever.",
            code="device_has_backup_codes",
            next_step="Switch its pool of backup codes off first, and wait until they are gone.",
        )
