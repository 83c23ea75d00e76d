"""/acs: access systems and their entrances, to be read and unlocked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.devices import GONE
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Ids, Listed, Params, Text, Whole
from lockstep.http.seam.present.acs import DOOR, acs_entrance, acs_system
from lockstep.http.seam.present.action_attempt import action_attempt
from lockstep.http.seam.present.ids import asked
from lockstep.operations import accounts, attempts, devices, requested_grants
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.attempts import ActionAttempt
from lockstep.operations.devices import Device, ListDevices
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.paces import Act
from lockstep.operations.requested_grants import RequestedGrant

_MOST = 900


class GetSystem(Params):
    acs_system_id: Id


class ListSystems(Params):
    connected_account_id: Id | None = None
    customer_key: Text | None = None
    search: Text | None = None


class GetEntrance(Params):
    acs_entrance_id: Id


class ListEntrances(Listed):
    limit: Annotated[Whole, Field(ge=1)] | None = None
    acs_entrance_ids: Ids | None = None
    acs_system_id: Id | None = None
    connected_account_id: Id | None = None
    access_method_id: Id | None = None
    acs_credential_id: Id | None = None
    space_id: Id | None = None
    location_id: Id | None = None
    customer_key: Text | None = None
    search: Text | None = None


class Unlock(Params):
    acs_entrance_id: Id
    acs_credential_id: Id


async def get_system(call: Asked, params: GetSystem) -> Answer:
    for it in await _systems(call):
        if it.connected_account_id == asked("account", params.acs_system_id):
            return {"acs_system": _shown_system(call, it)}
    raise NotFound("acs system", params.acs_system_id)


async def list_systems(call: Asked, params: ListSystems) -> Answer:
    found = await _systems(call)
    if params.connected_account_id is not None:
        account_id = asked("account", params.connected_account_id)
        found = [it for it in found if it.connected_account_id == account_id]
    if params.customer_key is not None:
        found = [it for it in found if it.customer_key == params.customer_key]
    if params.search is not None:
        found = [it for it in found if params.search.lower() in it.label.lower()]
    return {"acs_systems": [_shown_system(call, it) for it in found]}


async def get_entrance(call: Asked, params: GetEntrance) -> Answer:
    return {"acs_entrance": acs_entrance(await _entrance(call, params.acs_entrance_id))}


async def list_entrances(call: Asked, params: ListEntrances) -> Answer:
    most = params.most(_MOST)
    account_id = params.acs_system_id or params.connected_account_id
    space_id = params.space_id or params.location_id
    wanted = ListDevices(
        most + 1,
        call.place(params),
        None if account_id is None else asked("account", account_id),
        None if space_id is None else asked("space", space_id),
        device_ids=await _wanted(call, params),
        name_contains=params.search,
        kind=DOOR,
    )
    found = await call.read(lambda tx: devices.list_shown(tx, call.actor, wanted))
    page = call.page(params, found, most, lambda it: it.device_id)
    shown = [acs_entrance(it) for it in page.shown if it.account_state != GONE]
    return {"acs_entrances": shown, "pagination": page.pagination}


async def unlock(call: Asked, params: Unlock) -> Answer:
    entrance = await _entrance(call, params.acs_entrance_id)
    found = await _of_method(call, params.acs_credential_id)
    if entrance.device_id not in {code.row.device_public_id for code in found.codes}:
        raise invalid_input("The credential does not open this entrance.")

    async def open_now(tx: Tx) -> ActionAttempt:
        requested_grants.require_valid_now(tx, found)
        return await attempts.unlock(tx, call.actor, entrance.device_id)

    made = await call.change_paced(Act.UNLOCK, [entrance.device_id], open_now)
    return {"action_attempt": action_attempt(made)}


async def _entrance(call: Asked, entrance_id: str) -> Device:
    device_id = asked("lock", entrance_id)
    wanted = ListDevices(1, device_ids=(device_id,), kind=DOOR)
    found = await call.read(lambda tx: devices.list_shown(tx, call.actor, wanted))
    if not found or found[0].account_state == GONE:
        raise NotFound("acs entrance", entrance_id)
    return found[0]


async def _wanted(call: Asked, params: ListEntrances) -> tuple[str, ...] | None:
    ids = params.acs_entrance_ids
    wanted = None if ids is None else {asked("lock", id) for id in ids}
    method_id = params.access_method_id or params.acs_credential_id
    if method_id is not None:
        opened = await _opened_by(call, method_id)
        wanted = opened if wanted is None else wanted & opened
    return None if wanted is None else tuple(sorted(wanted))


async def _opened_by(call: Asked, method_id: str) -> set[str]:
    """The devices that an access method opens. Raises NotFound."""
    return {code.row.device_public_id for code in (await _of_method(call, method_id)).codes}


async def _of_method(call: Asked, method_id: str) -> RequestedGrant:
    ours = asked("method", method_id)
    return await call.read(lambda tx: requested_grants.of_method(tx, call.actor, ours))


async def _systems(call: Asked) -> list[ConnectedAccount]:
    """The accounts under which doors stand."""
    doors = await call.read(lambda tx: devices.list_shown(tx, call.actor, ListDevices(_MOST, kind=DOOR)))
    with_doors = {it.connected_account_id for it in doors if it.account_state != GONE}
    rows = await call.read(lambda tx: accounts.listed(tx, call.actor))
    return [accounts.shown(row) for row in rows if row.public_id in with_doors]


def _shown_system(call: Asked, it: ConnectedAccount) -> Answer:
    return acs_system(it, call.workspace_id, call.label_of(it.vendor))


PATHS: tuple[Path, ...] = (
    Path("/acs/systems/get", GetSystem, get_system),
    Path("/acs/systems/list", ListSystems, list_systems),
    Path("/acs/entrances/get", GetEntrance, get_entrance),
    Path("/acs/entrances/list", ListEntrances, list_entrances),
    Path("/acs/entrances/unlock", Unlock, unlock),
)
