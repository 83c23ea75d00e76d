"""/action_attempts: what came of asked-for acts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Id, Ids, Listed, Params, Whole
from lockstep.http.seam.present.action_attempt import action_attempt
from lockstep.http.seam.present.ids import asked
from lockstep.operations import attempts
from lockstep.operations.attempts import ActionAttempt, ListAttempts

_MOST = 500


class Get(Params):
    action_attempt_id: Id


class List(Listed):
    limit: Annotated[Whole, Field(ge=1, le=_MOST)] | None = None
    action_attempt_ids: Ids | None = None
    device_id: Id | None = None


async def get(call: Asked, params: Get) -> Answer:
    attempt_id = asked("attempt", params.action_attempt_id)
    return {
        "action_attempt": action_attempt(await call.read(lambda tx: attempts.get(tx, call.actor, attempt_id)))
    }


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    wanted = ListAttempts(
        most + 1,
        call.place(params),
        None if params.device_id is None else asked("lock", params.device_id),
        None
        if params.action_attempt_ids is None
        else tuple(asked("attempt", id) for id in params.action_attempt_ids),
    )
    found = await call.read(lambda tx: attempts.listed(tx, call.actor, wanted))
    page = call.page(params, found, most, _place)
    return {"action_attempts": [action_attempt(it) for it in page.shown], "pagination": page.pagination}


def _place(it: ActionAttempt) -> str:
    return it.action_attempt_id


PATHS: tuple[Path, ...] = (
    Path("/action_attempts/get", Get, get),
    Path("/action_attempts/list", List, list_),
)
