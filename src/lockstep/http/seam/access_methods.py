"""/access_methods: how a grant is met. Here by one set of digits for all of its doors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Ids, Listed, Params, Text, Whole
from lockstep.http.seam.present.access_grant import access_grant, access_method
from lockstep.http.seam.present.action_attempt import action_attempt
from lockstep.http.seam.present.ids import asked, asked_or_none
from lockstep.http.seam.spaces import devices_of, is_part, spaces_of
from lockstep.operations import attempts, requested_grants
from lockstep.operations.attempts import ActionAttempt
from lockstep.operations.gate import Tx
from lockstep.operations.paces import Act
from lockstep.operations.requested_grants import ListRequested, RequestedGrant

_MOST = 500


class Get(Params):
    access_method_id: Id


class Delete(Params):
    access_method_id: Id | None = None
    access_grant_id: Id | None = None
    reservation_key: Text | None = None


class List(Listed):
    limit: Annotated[Whole, Field(ge=1)] | None = None
    access_grant_id: Id | None = None
    access_grant_key: Text | None = None
    access_code_id: Id | None = None
    device_id: Id | None = None
    acs_entrance_id: Id | None = None
    space_id: Id | None = None


class UnlockDoor(Params):
    access_method_id: Id
    acs_entrance_id: Id


Part = Literal[
    "spaces",
    "devices",
    "acs_entrances",
    "access_grants",
    "access_methods",
    "instant_keys",
    "client_sessions",
    "acs_credentials",
]


class GetRelated(Params):
    access_method_ids: Ids
    include: list[Part] | None = None
    exclude: list[Part] | None = None


async def get(call: Asked, params: Get) -> Answer:
    return {"access_method": _shown(call, await _of(call, params.access_method_id))}


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    wanted = ListRequested(
        most + 1,
        call.place(params),
        None if params.access_grant_id is None else (asked("grant", params.access_grant_id),),
        params.access_grant_key,
        device_id=asked_or_none("lock", params.device_id or params.acs_entrance_id),
        space_id=asked_or_none("space", params.space_id),
        access_code_id=asked_or_none("code", params.access_code_id),
    )
    found = await call.read(lambda tx: requested_grants.listed(tx, call.actor, wanted))
    page = call.page(params, found, most, lambda it: it.grant.access_grant_id)
    return {
        "access_methods": [_shown(call, it) for it in page.shown if it.access_method_id],
        "pagination": page.pagination,
    }


async def delete(call: Asked, params: Delete) -> Answer:
    """A grant without a code opens nothing, so that the grant ends with it."""
    method_id, grant_id, reservation = (
        params.access_method_id,
        params.access_grant_id,
        params.reservation_key,
    )
    if reservation is not None:
        await call.change(lambda tx: requested_grants.cancel_reservation(tx, call.actor, reservation))
    elif grant_id is not None:
        ours = asked("grant", grant_id)
        await call.change(lambda tx: requested_grants.cancel(tx, call.actor, ours))
    elif method_id is not None:
        of = (await _of(call, method_id)).grant.access_grant_id
        await call.change(lambda tx: requested_grants.cancel(tx, call.actor, of))
    else:
        raise invalid_input("Must specify access_method_id, access_grant_id or reservation_key")
    return {}


async def unlock_door(call: Asked, params: UnlockDoor) -> Answer:
    found = await _of(call, params.access_method_id)
    device_id = asked("lock", params.acs_entrance_id)
    if device_id not in {code.row.device_public_id for code in found.codes}:
        raise invalid_input("The access method does not open this entrance.")

    async def open_now(tx: Tx) -> ActionAttempt:
        requested_grants.require_valid_now(tx, found)
        return await attempts.unlock(tx, call.actor, device_id)

    made = await call.change_paced(Act.UNLOCK, [device_id], open_now)
    return {"action_attempt": action_attempt(made)}


async def get_related(call: Asked, params: GetRelated) -> Answer:
    found = [await _of(call, id) for id in params.access_method_ids]
    batch: dict[str, Any] = {}
    if is_part(params, "access_methods"):
        batch["access_methods"] = [_shown(call, it) for it in found]
    if is_part(params, "access_grants"):
        batch["access_grants"] = [access_grant(it, call.workspace_id) for it in found]
    if is_part(params, "spaces"):
        batch["spaces"] = await spaces_of(call, [id for it in found for id in it.grant.space_ids])
    if is_part(params, "devices"):
        ids = [code.row.device_public_id for it in found for code in it.codes]
        batch["devices"] = await devices_of(call, ids)
    return {"batch": batch}


async def _of(call: Asked, method_id: str) -> RequestedGrant:
    ours = asked("method", method_id)
    return await call.read(lambda tx: requested_grants.of_method(tx, call.actor, ours))


def _shown(call: Asked, it: RequestedGrant) -> Answer:
    return access_method(it, call.workspace_id)


PATHS: tuple[Path, ...] = (
    Path("/access_methods/get", Get, get),
    Path("/access_methods/list", List, list_),
    Path("/access_methods/delete", Delete, delete),
    Path("/access_methods/unlock_door", UnlockDoor, unlock_door),
    Path("/access_methods/get_related", GetRelated, get_related),
)
