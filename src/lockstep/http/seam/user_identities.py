"""/user_identities: guests, in Seam's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET, UnsetType
from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.devices import GONE, shown_device
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Ids, Instant, Listed, Params, Text, Whole
from lockstep.http.seam.present.acs import DOOR, acs_entrance
from lockstep.http.seam.present.ids import asked
from lockstep.http.seam.present.user_identity import user_identity
from lockstep.model.permissions import ActorKind
from lockstep.operations import devices, guest_devices, guest_identity, guests
from lockstep.operations.devices import Device, ListDevices
from lockstep.operations.errors import NotFound
from lockstep.operations.guests import ChangeGuest, CreateGuest, GetGuest, Guest, ListGuests

_MOST = 500
Limit = Annotated[Whole, Field(ge=1, le=_MOST)]
Merged = Annotated[list[Id], Field(min_length=1, max_length=20)]


class Create(Params):
    user_identity_key: Text | None = None
    full_name: Text | None = None
    email_address: Text | None = None
    phone_number: Text | None = None
    acs_system_ids: Ids | None = None


class Update(Params):
    user_identity_id: Id
    user_identity_key: Text | None = None
    full_name: Text | None = None
    email_address: Text | None = None
    phone_number: Text | None = None


class Get(Params):
    user_identity_id: Id | None = None
    user_identity_key: Text | None = None


class One(Params):
    user_identity_id: Id


class List(Listed):
    limit: Limit | None = None
    user_identity_ids: Ids | None = None
    search: Text | None = None
    created_before: Instant | None = None
    credential_manager_acs_system_id: Id | None = None


class ListUnmanaged(Listed):
    limit: Limit | None = None
    search: Text | None = None
    created_before: Instant | None = None


class TakeIn(Params):
    user_identity_id: Id
    is_managed: Literal[True]
    user_identity_key: Text | None = None


class OfDevice(Params):
    user_identity_id: Id
    device_id: Id


class Merge(Params):
    user_identity_id: Id | None = None
    merged_user_identity_ids: Merged | None = None
    user_identity_key: Text | None = None
    merged_user_identity_keys: Merged | None = None


async def create(call: Asked, params: Create) -> Answer:
    command = CreateGuest(
        params.full_name,
        params.email_address,
        params.phone_number,
        guest_key=params.user_identity_key,
        is_alone=True,
    )
    made = await call.change(lambda tx: guests.create(tx, call.actor, command))
    return {"user_identity": user_identity(made, (), call.workspace_id)}


async def update(call: Asked, params: Update) -> Answer:
    guest_id = (await _present(call, asked("guest", params.user_identity_id))).guest_id

    def told(name: str) -> str | UnsetType | None:
        return getattr(params, name) if params.was_given(name) else UNSET

    command = ChangeGuest(
        guest_id,
        told("full_name"),
        told("email_address"),
        told("phone_number"),
        guest_key=told("user_identity_key"),
        is_alone=True,
    )
    await call.change(lambda tx: guests.change(tx, call.actor, command))
    return {}


async def get(call: Asked, params: Get) -> Answer:
    return {"user_identity": (await _shown(call, [await _found(call, params)]))[0]}


async def list_(call: Asked, params: List) -> Answer:
    ids = params.user_identity_ids
    most = params.most(_MOST)
    command = ListGuests(
        most + 1,
        call.place(params),
        None if ids is None else tuple(asked("guest", id) for id in ids),
        params.search,
        params.created_before,
        is_managed=True,
        only_present=True,
    )
    return await _listed(call, params, command, most)


async def delete(call: Asked, params: One) -> Answer:
    guest_id = asked("guest", params.user_identity_id)
    await call.change(lambda tx: guest_identity.remove(tx, call.actor, guest_id))
    return {}


async def merge(call: Asked, params: Merge) -> Answer:
    if params.user_identity_id is not None and params.merged_user_identity_ids is not None:
        survivor = asked("guest", params.user_identity_id)
        merged = [asked("guest", id) for id in params.merged_user_identity_ids]
    elif params.user_identity_key is not None and params.merged_user_identity_keys is not None:
        keys = [params.user_identity_key, *params.merged_user_identity_keys]
        survivor, *merged = [(await _found(call, Get(user_identity_key=key))).guest_id for key in keys]
    else:
        raise invalid_input("Must specify ids, of one identity and of those to merge into it, or their keys")
    await call.change(lambda tx: guest_identity.merge(tx, call.actor, survivor, merged))
    return {}


async def grant_access_to_device(call: Asked, params: OfDevice) -> Answer:
    guest_id, device_id = asked("guest", params.user_identity_id), asked("lock", params.device_id)
    await call.change(lambda tx: guest_devices.give(tx, call.actor, guest_id, device_id))
    return {}


async def revoke_access_to_device(call: Asked, params: OfDevice) -> Answer:
    guest_id, device_id = asked("guest", params.user_identity_id), asked("lock", params.device_id)
    await call.change(lambda tx: guest_devices.take(tx, call.actor, guest_id, device_id))
    return {}


async def list_accessible_devices(call: Asked, params: One) -> Answer:
    """Those that they were given, and those that their grants open."""
    shown = [shown_device(call, it) for it in await _reached(call, params)]
    return {"devices": shown, "accessible_devices": shown}


async def list_accessible_entrances(call: Asked, params: One) -> Answer:
    """The same of the doors of access systems."""
    return {"acs_entrances": [acs_entrance(it) for it in await _reached(call, params, DOOR)]}


async def get_unmanaged(call: Asked, params: One) -> Answer:
    guest_id = asked("guest", params.user_identity_id)
    found = await _present(call, guest_id)
    if found.is_managed:
        raise NotFound("guest", guest_id)
    return {"user_identity": (await _shown(call, [found]))[0]}


async def list_unmanaged(call: Asked, params: ListUnmanaged) -> Answer:
    most = params.most(_MOST)
    command = ListGuests(
        most + 1,
        call.place(params),
        None,
        params.search,
        params.created_before,
        is_managed=False,
        only_present=True,
    )
    return await _listed(call, params, command, most)


async def take_in(call: Asked, params: TakeIn) -> Answer:
    guest_id, key = asked("guest", params.user_identity_id), params.user_identity_key
    await call.change(lambda tx: guest_identity.take_in(tx, call.actor, guest_id, key))
    return {}


async def _reached(call: Asked, params: One, kind: str | None = None) -> list[Device]:
    guest_id = (await _present(call, asked("guest", params.user_identity_id))).guest_id
    ids = await call.read(lambda tx: guest_devices.reached_by(tx, call.actor, guest_id))
    wanted = ListDevices(len(ids), device_ids=ids, kind=kind)
    found = await call.read(lambda tx: devices.list_shown(tx, call.actor, wanted)) if ids else []
    return [it for it in found if it.account_state != GONE]


async def _listed(call: Asked, params: Listed, command: ListGuests, most: int) -> Answer:
    """A session sees the identity that it is of, and no other."""
    if call.actor.kind is ActorKind.CLIENT_SESSION:
        own = await call.read(lambda tx: guests.own(tx, call.actor))
        found = tuple(it for it in own if it.is_managed == command.is_managed)
    else:
        found = await call.read(lambda tx: guests.listed(tx, call.actor, command))
    page = call.page(params, found, most, lambda it: it.guest_id)
    return {"user_identities": await _shown(call, page.shown), "pagination": page.pagination}


async def _found(call: Asked, params: Get) -> Guest:
    """By its id or its key. Raises SeamFault, NotFound."""
    if params.user_identity_id is not None:
        return await _present(call, asked("guest", params.user_identity_id))
    if params.user_identity_key is None:
        raise invalid_input("Must specify user_identity_id or user_identity_key")
    key = params.user_identity_key
    return await call.read(lambda tx: guests.of_key(tx, call.actor, key))


async def _present(call: Asked, guest_id: str) -> Guest:
    """Whoever was forgotten is not there any more. Raises NotFound."""
    found = await call.read(lambda tx: guests.get(tx, call.actor, GetGuest(guest_id)))
    if found.erased_at is not None:
        raise NotFound("guest", guest_id)
    return found


async def _shown(call: Asked, found: Sequence[Guest]) -> list[dict[str, Any]]:
    merged = await call.read(lambda tx: guests.merged_into(tx, call.actor, [it.guest_id for it in found]))
    return [user_identity(it, merged.get(it.guest_id, ()), call.workspace_id) for it in found]


PATHS: tuple[Path, ...] = (
    Path("/user_identities/create", Create, create),
    Path("/user_identities/update", Update, update),
    Path("/user_identities/get", Get, get),
    Path("/user_identities/list", List, list_),
    Path("/user_identities/delete", One, delete),
    Path("/user_identities/merge", Merge, merge),
    Path("/user_identities/grant_access_to_device", OfDevice, grant_access_to_device),
    Path("/user_identities/revoke_access_to_device", OfDevice, revoke_access_to_device),
    Path("/user_identities/list_accessible_devices", One, list_accessible_devices),
    Path("/user_identities/list_accessible_entrances", One, list_accessible_entrances),
    Path("/user_identities/unmanaged/get", One, get_unmanaged),
    Path("/user_identities/unmanaged/list", ListUnmanaged, list_unmanaged),
    Path("/user_identities/unmanaged/update", TakeIn, take_in),
)
