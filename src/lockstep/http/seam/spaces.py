"""/spaces: places that hold devices, in Seam's words."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any, Literal

from msgspec import UNSET, UnsetType
from pydantic import BeforeValidator, Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.devices import shown_device
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Ids, Keys, Listed, Params, Text
from lockstep.http.seam.present.ids import asked
from lockstep.http.seam.present.space import space
from lockstep.operations import devices, spaces
from lockstep.operations.devices import ListDevices
from lockstep.operations.spaces import (
    AddDevices,
    ChangeSpace,
    CreateSpace,
    GetSpace,
    ListSpaces,
    RemoveDevices,
    RemoveSpace,
    Space,
)

_MOST = 500
TIME_ZONE = "UTC"
"""Of a space for which none is given: Seam asks for none, and a stay's dates need one."""


def _hour(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("Expected string")  # noqa: TRY004 -- pydantic takes a ValueError for a fault of the value
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise ValueError("Invalid time, expected HH:mm") from None


Hour = Annotated[time, BeforeValidator(_hour)]


class OfCustomer(Params):
    address: Annotated[str, Field(max_length=500)] | None = None
    time_zone: Text | None = None
    default_checkin_time: Hour | None = None
    default_checkout_time: Hour | None = None


class Create(Params):
    name: Text
    space_key: Text | None = None
    customer_key: Text | None = None
    customer_data: OfCustomer | None = None
    device_ids: Ids | None = None
    acs_entrance_ids: Ids | None = None
    connected_account_ids: Ids | None = None


class Update(Params):
    space_id: Id | None = None
    space_key: Text | None = None
    name: Text | None = None
    parent_space_id: Id | None = None
    parent_space_key: Text | None = None
    customer_data: OfCustomer | None = None
    device_ids: Ids | None = None
    acs_entrance_ids: Ids | None = None


class Get(Params):
    space_id: Id | None = None
    space_key: Text | None = None


class List(Listed):
    space_key: Text | None = None
    parent_space_id: Id | None = None
    parent_space_key: Text | None = None
    customer_key: Text | None = None
    connected_account_id: Id | None = None
    search: Text | None = None


class Delete(Params):
    space_id: Id


class OfDevices(Params):
    space_id: Id
    device_ids: Ids


class OfEntrances(Params):
    space_id: Id
    acs_entrance_ids: Ids


class OfAccount(Params):
    space_id: Id
    connected_account_id: Id


Part = Literal["spaces", "devices", "acs_entrances", "connected_accounts", "acs_systems", "access_methods"]


class GetRelated(Params):
    space_ids: Ids | None = None
    space_keys: Keys | None = None
    include: list[Part] | None = None
    exclude: list[Part] | None = None


async def create(call: Asked, params: Create) -> Answer:
    of = params.customer_data or OfCustomer()
    command = CreateSpace(
        params.name,
        space_key=params.space_key,
        address=of.address,
        time_zone=of.time_zone or TIME_ZONE,
        check_in=of.default_checkin_time,
        check_out=of.default_checkout_time,
        device_ids=_devices([*(params.device_ids or []), *(params.acs_entrance_ids or [])]),
        customer_key=params.customer_key,
        connected_account_ids=tuple(asked("account", id) for id in params.connected_account_ids or []),
    )
    return {"space": _shown(call, await call.change(lambda tx: spaces.create(tx, call.actor, command)))}


async def get(call: Asked, params: Get) -> Answer:
    return {"space": _shown(call, await _found(call, params.space_id, params.space_key))}


async def update(call: Asked, params: Update) -> Answer:
    if params.parent_space_id is not None or params.parent_space_key is not None:
        raise invalid_input("A space stays where it lies: make a new one in the other space.")
    found = await _found(call, params.space_id, params.space_key)
    of = params.customer_data or OfCustomer()
    command = ChangeSpace(
        found.space_id,
        UNSET if params.name is None else params.name,
        _given(of, "address"),
        of.time_zone or UNSET,
        of.default_checkin_time or UNSET,
        of.default_checkout_time or UNSET,
        UNSET if params.space_id is None or params.space_key is None else params.space_key,
    )
    given = None
    if params.device_ids is not None or params.acs_entrance_ids is not None:
        given = _devices([*(params.device_ids or []), *(params.acs_entrance_ids or [])])
    changed = await call.change(lambda tx: spaces.change_with_devices(tx, call.actor, command, given))
    return {"space": _shown(call, changed)}


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    parent = None
    if params.parent_space_id is not None or params.parent_space_key is not None:
        parent = await _found(call, params.parent_space_id, params.parent_space_key)
    account_id = params.connected_account_id
    wanted = ListSpaces(
        most + 1,
        call.place(params),
        None if parent is None else parent.space_id,
        space_keys=None if params.space_key is None else (params.space_key,),
        customer_key=params.customer_key,
        name_contains=params.search,
        connected_account_id=None if account_id is None else asked("account", account_id),
    )
    found = await call.read(lambda tx: spaces.listed(tx, call.actor, wanted))
    page = call.page(params, found, most, lambda it: it.space_id)
    return {"spaces": [_shown(call, it) for it in page.shown], "pagination": page.pagination}


async def delete(call: Asked, params: Delete) -> Answer:
    space_id = asked("space", params.space_id)
    await call.change(lambda tx: spaces.remove(tx, call.actor, RemoveSpace(space_id)))
    return {}


async def add_devices(call: Asked, params: OfDevices) -> Answer:
    return await _add(call, params.space_id, params.device_ids)


async def add_acs_entrances(call: Asked, params: OfEntrances) -> Answer:
    return await _add(call, params.space_id, params.acs_entrance_ids)


async def remove_devices(call: Asked, params: OfDevices) -> Answer:
    return await _remove(call, params.space_id, params.device_ids)


async def remove_acs_entrances(call: Asked, params: OfEntrances) -> Answer:
    return await _remove(call, params.space_id, params.acs_entrance_ids)


async def add_connected_account(call: Asked, params: OfAccount) -> Answer:
    space_id, account_id = asked("space", params.space_id), asked("account", params.connected_account_id)
    await call.change(lambda tx: spaces.keep_account(tx, call.actor, space_id, account_id))
    return {}


async def remove_connected_account(call: Asked, params: OfAccount) -> Answer:
    space_id, account_id = asked("space", params.space_id), asked("account", params.connected_account_id)
    await call.change(lambda tx: spaces.leave_account(tx, call.actor, space_id, account_id))
    return {}


async def get_related(call: Asked, params: GetRelated) -> Answer:
    ids, keys = params.space_ids, params.space_keys
    if ids is None and keys is None:
        raise invalid_input("Must specify space_ids or space_keys")
    wanted = ListSpaces(
        _MOST,
        space_ids=None if ids is None else tuple(asked("space", id) for id in ids),
        space_keys=None if keys is None else tuple(keys),
    )
    found = await call.read(lambda tx: spaces.listed(tx, call.actor, wanted))
    batch: dict[str, Any] = {}
    if is_part(params, "spaces"):
        batch["spaces"] = [_shown(call, it) for it in found]
    if is_part(params, "devices"):
        batch["devices"] = await devices_of(call, [id for it in found for id in it.device_ids])
    return {"batch": batch}


async def devices_of(call: Asked, device_ids: list[str]) -> list[dict[str, Any]]:
    """These devices in Seam's shape, by our ids."""
    listed = ListDevices(_MOST, device_ids=tuple(dict.fromkeys(device_ids)))
    return [
        shown_device(call, it)
        for it in await call.read(lambda tx: devices.list_shown(tx, call.actor, listed))
    ]


async def spaces_of(call: Asked, space_ids: list[str]) -> list[dict[str, Any]]:
    """These spaces in Seam's shape, by our ids."""
    wanted = ListSpaces(_MOST, space_ids=tuple(dict.fromkeys(space_ids)))
    return [_shown(call, it) for it in await call.read(lambda tx: spaces.listed(tx, call.actor, wanted))]


def is_part(params: Any, part: str) -> bool:
    """Whether a batch is to have this part, by its `include` and `exclude`."""
    return (params.include is None or part in params.include) and part not in (params.exclude or [])


def shown_space(call: Asked, it: Space) -> dict[str, Any]:
    return space(it, call.workspace_id)


_shown = shown_space


async def _found(call: Asked, space_id: str | None, space_key: str | None) -> Space:
    if space_id is not None:
        return await call.read(lambda tx: spaces.get(tx, call.actor, GetSpace(asked("space", space_id))))
    if space_key is not None:
        return await call.read(lambda tx: spaces.of_key(tx, call.actor, space_key))
    raise invalid_input("Must specify space_id or space_key")


async def _add(call: Asked, space_id: str, device_ids: Ids) -> Answer:
    command = AddDevices(asked("space", space_id), _devices(device_ids))
    await call.change(lambda tx: spaces.add_devices(tx, call.actor, command))
    return {}


async def _remove(call: Asked, space_id: str, device_ids: Ids) -> Answer:
    command = RemoveDevices(asked("space", space_id), _devices(device_ids))
    await call.change(lambda tx: spaces.remove_devices(tx, call.actor, command))
    return {}


def _devices(ids: Ids) -> tuple[str, ...]:
    return tuple(asked("lock", id) for id in dict.fromkeys(ids))


def _given(of: OfCustomer, name: str) -> str | UnsetType | None:
    return getattr(of, name) if of.was_given(name) else UNSET


PATHS: tuple[Path, ...] = (
    Path("/spaces/create", Create, create),
    Path("/spaces/get", Get, get),
    Path("/spaces/update", Update, update),
    Path("/spaces/list", List, list_),
    Path("/spaces/delete", Delete, delete),
    Path("/spaces/add_devices", OfDevices, add_devices),
    Path("/spaces/add_acs_entrances", OfEntrances, add_acs_entrances),
    Path("/spaces/remove_devices", OfDevices, remove_devices),
    Path("/spaces/remove_acs_entrances", OfEntrances, remove_acs_entrances),
    Path("/spaces/add_connected_account", OfAccount, add_connected_account),
    Path("/spaces/remove_connected_account", OfAccount, remove_connected_account),
    Path("/spaces/get_related", GetRelated, get_related),
)
