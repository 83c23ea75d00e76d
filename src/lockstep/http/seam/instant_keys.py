"""/instant_keys: links that open a guest's session on their own device."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Params, Whole
from lockstep.http.seam.present.ids import asked
from lockstep.http.seam.present.instant_key import instant_key
from lockstep.operations import instant_keys
from lockstep.operations.instant_keys import MOST_USES, CreateInstantKey, InstantKey


class Generate(Params):
    user_identity_id: Id
    max_use_count: Annotated[Whole, Field(ge=1, le=MOST_USES)] = 1
    customization_profile_id: Id | None = None


class Get(Params):
    instant_key_id: Id | None = None
    instant_key_url: Annotated[str, Field(max_length=2000)] | None = None


class List(Params):
    user_identity_id: Id | None = None


class One(Params):
    instant_key_id: Id


async def generate(call: Asked, params: Generate) -> Answer:
    command = CreateInstantKey(asked("guest", params.user_identity_id), params.max_use_count)
    return {
        "instant_key": _shown(
            call, await call.change(lambda tx: instant_keys.create(tx, call.actor, command))
        )
    }


async def get(call: Asked, params: Get) -> Answer:
    if params.instant_key_id is not None:
        key_id = asked("instant", params.instant_key_id)
        found = await call.read(lambda tx: instant_keys.get(tx, call.actor, key_id))
    elif params.instant_key_url is not None:
        url = params.instant_key_url
        found = await call.read(lambda tx: instant_keys.of_path(tx, call.actor, url))
    else:
        raise invalid_input("Must specify instant_key_id or instant_key_url")
    return {"instant_key": _shown(call, found)}


async def list_(call: Asked, params: List) -> Answer:
    guest_id = None if params.user_identity_id is None else asked("guest", params.user_identity_id)
    found = await call.read(lambda tx: instant_keys.listed(tx, call.actor, guest_id))
    return {"instant_keys": [_shown(call, it) for it in found]}


async def delete(call: Asked, params: One) -> Answer:
    key_id = asked("instant", params.instant_key_id)
    await call.change(lambda tx: instant_keys.delete(tx, call.actor, key_id))
    return {}


def _shown(call: Asked, it: InstantKey) -> dict[str, Any]:
    return instant_key(it, call.workspace_id, call.link(it.path))


PATHS: tuple[Path, ...] = (
    Path("/user_identities/generate_instant_key", Generate, generate),
    Path("/instant_keys/get", Get, get),
    Path("/instant_keys/list", List, list_),
    Path("/instant_keys/delete", One, delete),
)
