"""/v1/api_keys: who may use this API, and for what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import Instant, PathId, PublicId, Sent, Text
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import api_keys
from lockstep.operations.api_keys import ApiKey, CreateApiKey, NewApiKey

router = Router(prefix="/v1/api_keys", tags=["API keys"])


class ApiKeyCreation(Sent):
    """No key may do more than the one that makes it."""

    name: Annotated[Text, Field(examples=["Channel sync"])]
    scopes: Annotated[list[Text] | None, Field(max_length=50, examples=[["bookings:read", "codes:read"]])] = (
        None
    )
    """Left out: the usual ones, which neither show digits nor open doors."""
    property_ids: Annotated[list[PublicId] | None, Field(min_length=1, max_length=1000)] = None
    """Left out: all properties."""
    expires_at: Instant | None = None


@router.get("", response_model=Page[ApiKey])
async def list_api_keys(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List keys, revoked ones too, oldest first. Their secrets are not shown."""
    behind = call.place("api_keys", cursor)
    found = await call.read(lambda tx: api_keys.listed(tx, call.actor, behind, limit + 1))
    return call.page("api_keys", found, limit, lambda key: key.api_key_id)


@router.post("", response_model=NewApiKey, status_code=201)
async def create_api_key(call: Asked, body: ApiKeyCreation) -> Response:
    """Make a key. Its secret is in this answer and never shown again."""
    command = CreateApiKey(body.name, body.scopes, body.property_ids, body.expires_at)
    return await call.change(lambda tx: api_keys.create(tx, call.actor, command), lambda new: new, status=201)


@router.get("/{api_key_id}", response_model=ApiKey)
async def get_api_key(call: Asked, api_key_id: PathId) -> Response:
    """Show one key, without its secret."""
    return answer(await call.read(lambda tx: api_keys.get(tx, call.actor, api_key_id)))


@router.post("/{api_key_id}/revoke", response_model=ApiKey)
async def revoke_api_key(call: Asked, api_key_id: PathId) -> Response:
    """Revoke a key: it is refused from now on."""
    response = await call.change(lambda tx: api_keys.revoke(tx, call.actor, api_key_id), lambda key: key)
    call.keys_changed()
    return response
