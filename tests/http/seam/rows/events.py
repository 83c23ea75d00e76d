"""Rows of /events."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk

from lockstep.workers.sweeps.sequencer import sequence_all


async def an_event(walk: Walk) -> Body:
    await walk.code()
    await sequence_all(walk.home.house.gate)
    (event, *_) = (await walk.ask("/events/list", event_type="access_code.created"))["events"]
    return {"event_id": event["event_id"]}


async def since_long_ago(walk: Walk) -> Body:
    await an_event(walk)
    return {"since": "2020-01-01T00:00:00.000Z", "limit": 500}


ROWS = {
    "/events/get": Row(an_event, bad=({"event_id": None},), missing=("event_id", "event_not_found")),
    "/events/list": Row(
        since_long_ago,
        bad=(
            {"since": "yesterday"},
            {"between": ["2020-01-01T00:00:00.000Z"]},
            {"event_type": "access_code.invented"},
            {"limit": 501},
        ),
    ),
}
