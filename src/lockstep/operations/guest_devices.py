"""What may be asked of the devices that a guest's own app reaches, apart from what stays and grants open."""

from __future__ import annotations

from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import events as recorded
from lockstep.operations.devices import known_device
from lockstep.operations.gate import Tx
from lockstep.operations.guests import known_guest, refuse_erased
from lockstep.storage import guest_devices


async def give(tx: Tx, actor: Actor, guest_id: str, device_id: str) -> None:
    """Let a guest's own app reach this device, apart from any stay. Again changes nothing."""
    require(actor, Scope.GUESTS_WRITE)
    require_whole_workspace(actor)
    guest = await known_guest(tx, actor, guest_id, locked=True)
    refuse_erased(guest)
    device = await known_device(tx, actor, device_id)
    if await guest_devices.give(tx.db, tx.workspace_id, guest.id, device.id, tx.now):
        given = events.GuestDeviceGiven(guest_id=guest.public_id, device_id=device.public_id)
        await recorded.append(tx, actor, given)


async def take(tx: Tx, actor: Actor, guest_id: str, device_id: str) -> None:
    """The other way. Codes of stays and grants are not touched."""
    require(actor, Scope.GUESTS_WRITE)
    require_whole_workspace(actor)
    guest = await known_guest(tx, actor, guest_id, locked=True)
    device = await known_device(tx, actor, device_id)
    if await guest_devices.take(tx.db, tx.workspace_id, guest.id, device.id):
        taken = events.GuestDeviceTaken(guest_id=guest.public_id, device_id=device.public_id)
        await recorded.append(tx, actor, taken)


async def reached_by(tx: Tx, actor: Actor, guest_id: str) -> tuple[str, ...]:
    """Ids of devices that the guest was given, or that a grant of theirs opens or is about to open."""
    require(actor, Scope.GUESTS_READ)
    require(actor, Scope.DEVICES_READ)
    guest = await known_guest(tx, actor, guest_id)
    return tuple(await guest_devices.reached_by(tx.db, tx.workspace_id, guest.id, tx.now))
