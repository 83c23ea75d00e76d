"""/access_grants: this person, these places, this time, in Seam's words."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Digits, Id, Ids, Instant, Keys, Listed, Params, Text, Whole
from lockstep.http.seam.present.access_grant import access_grant, access_method
from lockstep.http.seam.present.ids import asked, asked_or_none
from lockstep.http.seam.spaces import devices_of, is_part, spaces_of
from lockstep.operations import requested_grants, spaces
from lockstep.operations.grants import ChangeGrant, CreateGrant
from lockstep.operations.guests import CreateGuest
from lockstep.operations.requested_grants import ListRequested, RequestedGrant, RequestGrant

_MOST = 500
_NAME = "Guest"
Mode = Literal["code", "card", "mobile_key", "cloud_key"]


class Method(Params):
    mode: Mode
    code: Digits | None = None
    instant_key_max_use_count: Annotated[Whole, Field(ge=1)] | None = None


class Person(Params):
    full_name: Annotated[str, Field(max_length=200)] | None = None
    email_address: Annotated[str, Field(max_length=200)] | None = None
    phone_number: Annotated[str, Field(max_length=40)] | None = None
    user_identity_key: Text | None = None


class Location(Params):
    name: Text | None = None
    device_ids: Ids | None = None
    acs_entrance_ids: Ids | None = None


class Create(Params):
    user_identity_id: Id | None = None
    user_identity: Person | None = None
    access_grant_key: Text | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    device_ids: Ids | None = None
    acs_entrance_ids: Ids | None = None
    space_ids: Ids | None = None
    space_keys: Keys | None = None
    location: Location | None = None
    location_ids: Ids | None = None
    requested_access_methods: Annotated[list[Method], Field(min_length=1)]
    reservation_key: Text | None = None
    customer_key: Text | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class Get(Params):
    access_grant_id: Id | None = None
    access_grant_key: Text | None = None


class Update(Get):
    name: Annotated[str, Field(max_length=200)] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class Delete(Params):
    access_grant_id: Id


class RequestMethods(Params):
    access_grant_id: Id
    requested_access_methods: Annotated[list[Method], Field(min_length=1)]


class List(Listed):
    access_grant_ids: Ids | None = None
    access_grant_key: Text | None = None
    user_identity_id: Id | None = None
    device_id: Id | None = None
    acs_entrance_id: Id | None = None
    acs_system_id: Id | None = None
    space_id: Id | None = None
    location_id: Id | None = None
    access_code_id: Id | None = None
    reservation_key: Text | None = None
    customer_key: Text | None = None


Part = Literal[
    "spaces",
    "devices",
    "acs_entrances",
    "connected_accounts",
    "acs_systems",
    "user_identities",
    "acs_access_groups",
    "access_methods",
]


class GetRelated(Params):
    access_grant_ids: Ids | None = None
    access_grant_keys: Keys | None = None
    include: list[Part] | None = None
    exclude: list[Part] | None = None


async def create(call: Asked, params: Create) -> Answer:
    if (params.user_identity_id is None) == (params.user_identity is None):
        raise invalid_input("Must specify either user_identity_id or user_identity")
    command = await _command(call, params)
    made = await call.change(lambda tx: requested_grants.create(tx, call.actor, command))
    return {"access_grant": _shown(call, made)}


async def get(call: Asked, params: Get) -> Answer:
    return {"access_grant": _shown(call, await _found(call, params))}


async def update(call: Asked, params: Update) -> Answer:
    found = await _found(call, params)
    change = ChangeGrant(
        params.name,
        params.starts_at,
        params.ends_at,
        is_ongoing=params.was_given("ends_at") and params.ends_at is None,
    )
    grant_id = found.grant.access_grant_id
    await call.change(lambda tx: requested_grants.change(tx, call.actor, grant_id, change))
    return {}


async def delete(call: Asked, params: Delete) -> Answer:
    grant_id = asked("grant", params.access_grant_id)
    await call.change(lambda tx: requested_grants.cancel(tx, call.actor, grant_id))
    return {}


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    wanted = ListRequested(
        most + 1,
        call.place(params),
        None
        if params.access_grant_ids is None
        else tuple(asked("grant", id) for id in params.access_grant_ids),
        params.access_grant_key,
        asked_or_none("guest", params.user_identity_id),
        asked_or_none("lock", params.device_id or params.acs_entrance_id),
        asked_or_none("space", params.space_id or params.location_id),
        asked_or_none("code", params.access_code_id),
        params.reservation_key,
        params.customer_key,
    )
    found = await call.read(lambda tx: requested_grants.listed(tx, call.actor, wanted))
    page = call.page(params, found, most, lambda it: it.grant.access_grant_id)
    return {"access_grants": [_shown(call, it) for it in page.shown], "pagination": page.pagination}


async def request_access_methods(call: Asked, params: RequestMethods) -> Answer:
    modes = _modes(params.requested_access_methods)
    grant_id = asked("grant", params.access_grant_id)
    found = await call.change(lambda tx: requested_grants.request_more(tx, call.actor, grant_id, modes))
    return {"access_grant": _shown(call, found)}


async def get_related(call: Asked, params: GetRelated) -> Answer:
    found = await _named(call, params)
    batch: dict[str, Any] = {}
    if is_part(params, "access_methods"):
        batch["access_methods"] = [
            access_method(it, call.workspace_id) for it in found if it.access_method_id
        ]
    if is_part(params, "spaces"):
        batch["spaces"] = await spaces_of(call, [id for it in found for id in it.grant.space_ids])
    if is_part(params, "devices"):
        ids = [code.row.device_public_id for it in found for code in it.codes]
        batch["devices"] = await devices_of(call, ids)
    return {"batch": batch}


async def _named(call: Asked, params: GetRelated) -> list[RequestedGrant]:
    ids, keys = params.access_grant_ids, params.access_grant_keys
    if ids is None and keys is None:
        raise invalid_input("Must specify access_grant_ids or access_grant_keys")
    asked_for = [
        *(Get(access_grant_key=key) for key in keys or []),
        *(Get(access_grant_id=id) for id in ids or []),
    ]
    return [await _found(call, one) for one in asked_for]


async def _found(call: Asked, params: Get) -> RequestedGrant:
    grant_id, key = params.access_grant_id, params.access_grant_key
    if grant_id is not None:
        ours = asked("grant", grant_id)
        return await call.read(lambda tx: requested_grants.get(tx, call.actor, ours))
    if key is not None:
        return await call.read(lambda tx: requested_grants.of_key(tx, call.actor, key))
    raise invalid_input("Must specify access_grant_id or access_grant_key")


async def _command(call: Asked, params: Create) -> RequestGrant:
    modes = _modes(params.requested_access_methods)
    at = params.location or Location()
    of_keys = [
        (await call.read(functools.partial(spaces.of_key, actor=call.actor, space_key=key))).space_id
        for key in params.space_keys or []
    ]
    locks = [*(params.device_ids or []), *(params.acs_entrance_ids or [])]
    locks += [*(at.device_ids or []), *(at.acs_entrance_ids or [])]
    places = [*(params.space_ids or []), *(params.location_ids or [])]
    wanted = next((one.code for one in params.requested_access_methods if one.code), None)
    person = params.user_identity
    grant = CreateGrant(
        name=params.name or (person.full_name if person else None) or _NAME,
        starts_at=params.starts_at or call.gate.clock.now(),
        ends_at=params.ends_at,
        space_ids=(*dict.fromkeys(asked("space", id) for id in places), *of_keys),
        device_ids=tuple(dict.fromkeys(asked("lock", id) for id in locks)),
        guest_id=asked_or_none("guest", params.user_identity_id),
        grant_key=params.access_grant_key,
        wanted_code=wanted,
    )
    return RequestGrant(
        grant,
        None if person is None else _guest(person),
        params.reservation_key,
        params.customer_key,
        modes,
    )


def _guest(person: Person) -> CreateGuest:
    return CreateGuest(
        person.full_name, person.email_address, person.phone_number, guest_key=person.user_identity_key
    )


def _modes(methods: list[Method]) -> tuple[str, ...]:
    """Raises SeamFault for what no lock here can be opened with."""
    modes = tuple(dict.fromkeys(one.mode for one in methods))
    if modes != ("code",):
        raise invalid_input(
            "The locks of this workspace are opened by codes: request the mode `code` alone. "
            "For a key on the phone, make an instant key of the person (/user_identities/generate_instant_key)."
        )
    return modes


def _shown(call: Asked, it: RequestedGrant) -> Answer:
    return access_grant(it, call.workspace_id)


PATHS: tuple[Path, ...] = (
    Path("/access_grants/create", Create, create),
    Path("/access_grants/get", Get, get),
    Path("/access_grants/update", Update, update),
    Path("/access_grants/delete", Delete, delete),
    Path("/access_grants/list", List, list_),
    Path("/access_grants/request_access_methods", RequestMethods, request_access_methods),
    Path("/access_grants/get_related", GetRelated, get_related),
)
