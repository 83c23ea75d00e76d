"""/devices/unmanaged: devices that Lockstep does not look after, in Seam's words."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET

from lockstep.http.seam import devices
from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Id, Metadata, Params
from lockstep.http.seam.present.ids import asked
from lockstep.operations import devices as operations
from lockstep.operations import managing
from lockstep.operations.devices import ChangeDevice
from lockstep.operations.gate import Tx


class Update(Params):
    device_id: Id
    is_managed: Literal[True] | None = None
    custom_metadata: Metadata | None = None


async def get(call: Asked, params: devices.Get) -> Answer:
    found = await devices.found_device(call, params, is_managed=False)
    return {"device": devices.shown_device(call, found)}


async def list_(call: Asked, params: devices.List) -> Answer:
    shown, pagination = await devices.listed(call, params, params.most(devices.MOST), is_managed=False)
    return {"devices": shown, "pagination": pagination}


async def update(call: Asked, params: Update) -> Answer:
    device_id = asked("lock", params.device_id)
    await devices.found_device(call, devices.Get(device_id=params.device_id), is_managed=False)

    async def change(tx: Tx) -> None:
        metadata = UNSET if params.custom_metadata is None else params.custom_metadata
        await operations.change(tx, call.actor, device_id, ChangeDevice(UNSET, metadata))
        if params.is_managed:
            await managing.manage(tx, call.actor, device_id)

    await call.change(change)
    return {}


PATHS: tuple[Path, ...] = (
    Path("/devices/unmanaged/get", devices.Get, get),
    Path("/devices/unmanaged/list", devices.List, list_),
    Path("/devices/unmanaged/update", Update, update),
)
