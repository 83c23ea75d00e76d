"""/access_grants/unmanaged and /access_methods/unmanaged: who may enter the doors of an access system without Lockstep
having said so. A credential that a door has is one grant, met by one method; both have its number."""

from __future__ import annotations

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Id, Listed, Params, Text
from lockstep.http.seam.present.acs import DOOR
from lockstep.http.seam.present.ids import asked
from lockstep.http.seam.present.unmanaged_access import unmanaged_access_grant, unmanaged_access_method
from lockstep.operations import adopting, unmanaged_codes
from lockstep.operations.adopting import AdoptCode
from lockstep.operations.errors import NotFound
from lockstep.operations.unmanaged_codes import ListUnmanagedCodes, UnmanagedCode

_MOST = 500


class GetGrant(Params):
    access_grant_id: Id


class ListGrants(Listed):
    acs_entrance_id: Id | None = None
    acs_system_id: Id | None = None
    reservation_key: Text | None = None
    user_identity_id: Id | None = None


class UpdateGrant(Params):
    access_grant_id: Id
    is_managed: bool
    access_grant_key: Text | None = None


class GetMethod(Params):
    access_method_id: Id


class ListMethods(Params):
    access_grant_id: Id
    acs_entrance_id: Id | None = None
    device_id: Id | None = None
    space_id: Id | None = None


async def get_grant(call: Asked, params: GetGrant) -> Answer:
    found = await _found(call, params.access_grant_id, "access grant")
    return {"access_grant": unmanaged_access_grant(found, call.workspace_id)}


async def list_grants(call: Asked, params: ListGrants) -> Answer:
    most = params.most(_MOST)
    wanted = ListUnmanagedCodes(
        most + 1,
        call.place(params),
        None if params.acs_entrance_id is None else asked("lock", params.acs_entrance_id),
        device_kind=DOOR,
    )
    found = await call.read(lambda tx: unmanaged_codes.listed(tx, call.actor, wanted))
    if params.reservation_key is not None or params.user_identity_id is not None:
        # Nothing that an access system tells says so.
        found = []
    page = call.page(params, found, most, lambda it: it.unmanaged_code_id)
    return {
        "access_grants": [unmanaged_access_grant(it, call.workspace_id) for it in page.shown],
        "pagination": page.pagination,
    }


async def update_grant(call: Asked, params: UpdateGrant) -> Answer:
    found = await _found(call, params.access_grant_id, "access grant")
    if params.is_managed:
        command = AdoptCode(found.unmanaged_code_id)
        await call.change(lambda tx: adopting.adopt(tx, call.actor, command))
    return {}


async def get_method(call: Asked, params: GetMethod) -> Answer:
    found = await _found(call, params.access_method_id, "access method")
    return {"access_method": unmanaged_access_method(found, call.workspace_id)}


async def list_methods(call: Asked, params: ListMethods) -> Answer:
    found = await _found(call, params.access_grant_id, "access grant")
    device_id = params.device_id or params.acs_entrance_id
    shown = [] if device_id is not None and asked("lock", device_id) != found.device_id else [found]
    return {"access_methods": [unmanaged_access_method(it, call.workspace_id) for it in shown]}


async def _found(call: Asked, id: str, noun: str) -> UnmanagedCode:
    code_id = asked("code", id)
    try:
        return await call.read(lambda tx: unmanaged_codes.get(tx, call.actor, code_id))
    except NotFound:
        raise NotFound(noun, id) from None


PATHS: tuple[Path, ...] = (
    Path("/access_grants/unmanaged/get", GetGrant, get_grant),
    Path("/access_grants/unmanaged/list", ListGrants, list_grants),
    Path("/access_grants/unmanaged/update", UpdateGrant, update_grant),
    Path("/access_methods/unmanaged/get", GetMethod, get_method),
    Path("/access_methods/unmanaged/list", ListMethods, list_methods),
)
