"""/v1/access_grants: this guest, these spaces or devices, this window."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query
from pydantic import Field, StrictBool, StrictStr
from starlette.responses import Response

from lockstep.http.api.call import Asked, Call, answer
from lockstep.http.api.fields import Instant, PathId, PublicId, QueryId, Sent, Text
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.plain import PlainRoute, plain_body, plain_limit
from lockstep.http.api.routing import Router
from lockstep.operations import grants
from lockstep.operations.gate import Tx
from lockstep.operations.grants import AccessGrant, ChangeGrant, CreateGrant, Grant, ListGrants

router = Router(prefix="/v1/access_grants", tags=["Access grants"])

Name = Annotated[Text, Field(examples=["Anna Berg"])]
Code = Annotated[StrictStr, Field(min_length=1, max_length=20, examples=["482913"])]
Ids = Annotated[tuple[PublicId, ...], Field(max_length=100)]
EndsAt = Annotated[Instant | None, Field(examples=["2026-06-05T11:00:00Z"])]


class GrantCreation(Sent):
    """What it reaches is told by `space_ids` (all devices of these, and of what lies around and within), `device_ids`,
    or both."""

    name: Name
    """It stands on locks beside the code, as far as they keep names."""
    starts_at: Instant
    ends_at: EndsAt = None
    """Left out: until cancelled."""
    space_ids: Ids = ()
    device_ids: Annotated[Ids, Field(examples=[["lock_01jzx4vb3ce7mtq0c6bd0qwj8r"]])] = ()
    guest_id: PublicId | None = None
    access_grant_key: Annotated[Text | None, Field(examples=["cleaning-42"])] = None
    """Your own id for it."""
    code: Code | None = None
    """Digits that suit every lock, or it is refused. Left out: Lockstep chooses. Needs the scope `codes:write`."""
    uses_backup_pool: StrictBool = False
    """True: its locks are to have backup codes from now on, as far as they can hold such."""
    honours_edits: StrictBool = False
    """True: what somebody changes in the vendor's app becomes the declaration. False: it is put right at once."""


class GrantChange(Sent):
    """What is left out stays. The digits stay too, unless others are given or a lock forbids them."""

    name: Name | None = None
    starts_at: Instant | None = None
    ends_at: EndsAt = None
    """Null: until cancelled."""
    code: Code | None = None
    honours_edits: StrictBool | None = None
    """False: codes that were taken off a lock come back; what else was honoured stays."""


class GrantCancellation(Sent):
    """`is_compromised`: somebody else knows the digits, so their removal goes before everything else."""

    is_compromised: StrictBool = False


@router.get("", response_model=Page[AccessGrant])
async def list_access_grants(
    call: Asked,
    limit: Limit = 50,
    cursor: Cursor = None,
    guest_id: QueryId = None,
    booking_id: QueryId = None,
    only_living: Annotated[bool, Query(description="Leave out those that are cancelled or over.")] = False,
) -> Response:
    """List grants, oldest first; those of a booking or of a guest."""
    of = f"access_grants {guest_id} {booking_id} {only_living}"
    command = ListGrants(limit + 1, call.place(of, cursor), guest_id, booking_id, only_living)
    found = await call.read(lambda tx: grants.listed(tx, call.actor, command))
    return call.page(of, found, limit, lambda grant: grant.access_grant_id)


@router.post("", response_model=AccessGrant, status_code=201)
async def create_access_grant(call: Asked, body: GrantCreation) -> Response:
    """Create a grant: let somebody in.

    The codes are on their way when this answers; `GET /v1/access_codes?access_grant_id=` tells, lock by lock, when
    they are proven to be there.
    """
    command = CreateGrant(
        body.name,
        body.starts_at,
        body.ends_at,
        body.space_ids,
        body.device_ids,
        body.guest_id,
        body.access_grant_key,
        body.code,
        uses_backup_pool=body.uses_backup_pool,
        honours_edits=body.honours_edits,
    )
    return await call.change(
        lambda tx: grants.create_shown(tx, call.actor, command),
        lambda grant: grant,
        status=201,
        at_once=True,
    )


@router.get("/{access_grant_id}", response_model=AccessGrant)
async def get_access_grant(call: Asked, access_grant_id: PathId) -> Response:
    """Show one grant."""

    async def get(tx: Tx) -> AccessGrant:
        return await _shown(call, tx, await grants.get(tx, call.actor, access_grant_id))

    return answer(await call.read(get))


@router.patch("/{access_grant_id}", response_model=AccessGrant)
async def change_access_grant(call: Asked, access_grant_id: PathId, body: GrantChange) -> Response:
    """Change a grant: move it, rename it, or give it other digits. That of a booking is moved by its booking alone."""
    is_ongoing = "ends_at" in body.model_fields_set and body.ends_at is None
    command = ChangeGrant(body.name, body.starts_at, body.ends_at, is_ongoing, body.code, body.honours_edits)

    async def change(tx: Tx) -> AccessGrant:
        return await _shown(call, tx, await grants.change(tx, call.actor, access_grant_id, command))

    return await call.change(change, lambda grant: grant)


@router.post("/{access_grant_id}/cancel", response_model=AccessGrant)
async def cancel_access_grant(
    call: Asked, access_grant_id: PathId, body: Annotated[GrantCancellation | None, Body()] = None
) -> Response:
    """Cancel a grant: its codes are withdrawn at once, and taken off every lock."""
    is_compromised = body is not None and body.is_compromised

    async def cancel(tx: Tx) -> AccessGrant:
        cancelled = await grants.cancel(tx, call.actor, access_grant_id, is_compromised=is_compromised)
        return await _shown(call, tx, cancelled)

    return await call.change(cancel, lambda grant: grant)


async def _list_plainly(call: Call) -> Response | None:
    limit = plain_limit(call, 50)
    return None if limit is None else await list_access_grants(call, limit)


async def _create_plainly(call: Call) -> Response | None:
    body = await plain_body(call, GrantCreation)
    return None if body is None else await create_access_grant(call, body)


PLAIN_ROUTES = (
    PlainRoute("GET", "/v1/access_grants", _list_plainly),
    PlainRoute("POST", "/v1/access_grants", _create_plainly),
)


async def _shown(call: Call, tx: Tx, grant: Grant) -> AccessGrant:
    (shown,) = await grants.shown(tx, call.actor, [grant.row.id])
    return shown
