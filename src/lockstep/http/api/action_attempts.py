"""/v1/action_attempts: what came of asked-for acts."""

from __future__ import annotations

from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import PathId, QueryId, QueryIds
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import attempts
from lockstep.operations.attempts import ActionAttempt, ListAttempts

router = Router(prefix="/v1/action_attempts", tags=["Action attempts"])


@router.get("", response_model=Page[ActionAttempt])
async def list_action_attempts(
    call: Asked,
    limit: Limit = 50,
    cursor: Cursor = None,
    device_id: QueryId = None,
    action_attempt_id: QueryIds = None,
) -> Response:
    """List attempts, newest first; of one device, or those that are named."""
    named = None if action_attempt_id is None else tuple(sorted(set(action_attempt_id)))
    of = f"action_attempts {device_id} {named}"
    command = ListAttempts(limit + 1, call.place(of, cursor), device_id, named)
    found = await call.read(lambda tx: attempts.listed(tx, call.actor, command))
    return call.page(of, found, limit, lambda attempt: attempt.action_attempt_id)


@router.get("/{action_attempt_id}", response_model=ActionAttempt)
async def get_action_attempt(call: Asked, action_attempt_id: PathId) -> Response:
    """Show one attempt: `pending`, `success`, or `error` with the reason."""
    return answer(await call.read(lambda tx: attempts.get(tx, call.actor, action_attempt_id)))
