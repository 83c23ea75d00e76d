"""/v1/devices: locks and doors under connected accounts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import PathId, QueryId, Sent
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.model.backup_pool import MOST, USUAL_SIZE
from lockstep.operations import attempts, backup_codes, devices, unmanaged_codes
from lockstep.operations.attempts import ActionAttempt, AutoLock
from lockstep.operations.backup_codes import SetPool
from lockstep.operations.devices import Device, ListDevices
from lockstep.operations.unmanaged_codes import ListUnmanagedCodes, UnmanagedCode

router = Router(prefix="/v1/devices", tags=["Devices"])


class AutoLockWanted(Sent):
    """Whether a device shall lock by itself."""

    is_enabled: StrictBool
    delay_seconds: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] | None = None
    """From 1 to 3600; left out, it stays as it is. Some vendors keep whole seconds and round up."""


class BackupPoolSetting(Sent):
    """What is left out, or null, stays as it is."""

    size: Annotated[StrictInt | None, Field(ge=0, le=MOST, examples=[USUAL_SIZE])] = None
    """How many backup codes are to stand on it; 0: it has no pool. At first 3, unless it is said."""
    is_allowed_without_schedule: StrictBool | None = None
    """A lock without a schedule opens for its backup codes at any time: true says that it may have such."""


@router.get("", response_model=Page[Device])
async def list_devices(
    call: Asked,
    limit: Limit = 50,
    cursor: Cursor = None,
    connected_account_id: QueryId = None,
    space_id: QueryId = None,
) -> Response:
    """List devices with their health: online, battery, last seen; of one account, or of one space."""
    of = f"devices {connected_account_id} {space_id}"
    command = ListDevices(limit + 1, call.place(of, cursor), connected_account_id, space_id)
    found = await call.read(lambda tx: devices.list_shown(tx, call.actor, command))
    return call.page(of, found, limit, lambda device: device.device_id)


@router.get("/{device_id}", response_model=Device)
async def get_device(call: Asked, device_id: PathId) -> Response:
    """Show one device."""
    return answer(await call.read(lambda tx: devices.shown(tx, call.actor, device_id)))


@router.post("/{device_id}/look", response_model=Device)
async def look_at_device(call: Asked, device_id: PathId) -> Response:
    """Look at a device now: read it, and try again what was given up for the moment."""
    return await call.change(lambda tx: devices.look_now(tx, call.actor, device_id), lambda device: device)


@router.post("/{device_id}/unlock", response_model=ActionAttempt, status_code=202)
async def unlock_device(call: Asked, device_id: PathId) -> Response:
    """Unlock a device now, from afar; needs the scope `devices:unlock`.

    What came of it is told by the action attempt. It is sent once: without a clear answer it ends in `error`.
    """
    return await call.change(
        lambda tx: attempts.unlock(tx, call.actor, device_id), lambda attempt: attempt, status=202
    )


@router.post("/{device_id}/lock", response_model=ActionAttempt, status_code=202)
async def lock_device(call: Asked, device_id: PathId) -> Response:
    """Lock a device now, from afar; needs the scope `devices:lock`.

    What came of it is told by the action attempt, as of unlocking.
    """
    return await call.change(
        lambda tx: attempts.lock(tx, call.actor, device_id), lambda attempt: attempt, status=202
    )


@router.post("/{device_id}/auto_lock", response_model=ActionAttempt, status_code=202)
async def configure_auto_lock(call: Asked, device_id: PathId, body: AutoLockWanted) -> Response:
    """Say whether a device locks by itself some time after it was opened; needs the scope `devices:lock`.

    What came of it is told by the action attempt; the device shows it once it was read again.
    """
    command = AutoLock(body.is_enabled, body.delay_seconds)
    return await call.change(
        lambda tx: attempts.configure_auto_lock(tx, call.actor, device_id, command),
        lambda attempt: attempt,
        status=202,
    )


@router.put("/{device_id}/backup_pool", response_model=Device)
async def set_backup_pool(call: Asked, device_id: PathId, body: BackupPoolSetting) -> Response:
    """Set how many backup codes are to stand on a device: codes that belong to nobody until one is pulled.

    They fill up by themselves and are renewed every few days; `backup_pool` tells how many are ready and what is wrong.
    """
    command = SetPool(device_id, body.size, body.is_allowed_without_schedule)
    return await call.change(lambda tx: backup_codes.set_pool(tx, call.actor, command), lambda device: device)


@router.post("/{device_id}/give_up", response_model=Device)
async def give_up_device(call: Asked, device_id: PathId) -> Response:
    """Say that a device which its vendor does not list is gone for good.

    Its codes are given up without proof, alarms about them end, and it stands in no space any more. As long as nobody
    says so, Lockstep waits for it. Should the vendor list it again, it is a device as any other, and codes of Lockstep
    that are still on it are removed.
    """
    return await call.change(lambda tx: devices.give_up(tx, call.actor, device_id), lambda device: device)


@router.get("/{device_id}/unmanaged_codes", response_model=Page[UnmanagedCode])
async def list_unmanaged_codes(
    call: Asked, device_id: PathId, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """List the codes on this lock that are not Lockstep's, as last seen. They are never touched unasked."""
    of = f"unmanaged codes {device_id}"
    command = ListUnmanagedCodes(limit + 1, call.place(of, cursor), device_id)
    found = await call.read(lambda tx: unmanaged_codes.listed(tx, call.actor, command))
    return call.page(of, found, limit, lambda code: code.unmanaged_code_id)
