"""/v1/events: what happened, in the order of positions, which never changes and has no gaps."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import PathId
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import events
from lockstep.operations.events import RecordedEvent

router = Router(prefix="/v1/events", tags=["Events"])

Types = Annotated[
    list[str] | None,
    Query(
        alias="type",
        max_length=50,
        description="Only these types; may be repeated.",
        examples=[["booking.created"]],
    ),
]


@router.get("", response_model=Page[RecordedEvent])
async def list_events(call: Asked, limit: Limit = 50, cursor: Cursor = None, types: Types = None) -> Response:
    """List events, oldest first.

    Keep `next_cursor`, which is never null here, and ask with it again later: nothing is missed or told twice.
    """
    of = f"events {','.join(types or ())}"
    after = call.place(of, cursor) or 0
    found = await call.read(lambda tx: events.read(tx, call.actor, after, limit + 1, types))
    shown = found[:limit]
    last = shown[-1].position if shown else after
    return answer(Page(shown, call.cursor(of, last), len(found) > limit))


@router.get("/{event_id}", response_model=RecordedEvent)
async def get_event(call: Asked, event_id: PathId) -> Response:
    """Show one event."""
    return answer(await call.read(lambda tx: events.get(tx, call.actor, event_id)))
