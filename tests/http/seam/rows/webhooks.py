"""Rows of /webhooks."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk, nothing

from lockstep.kit.outbound import OutboundPolicy


async def a_webhook_to_make(walk: Walk) -> Body:
    walk.home.house.gate.outbound = OutboundPolicy(allow_private=True)
    return {"url": f"http://127.0.0.1:9/hook/{walk.number()}"}


async def a_webhook(walk: Walk) -> Body:
    made = await walk.ask("/webhooks/create", **await a_webhook_to_make(walk))
    return {"webhook_id": made["webhook"]["webhook_id"]}


async def a_change(walk: Walk) -> Body:
    return {**await a_webhook(walk), "event_types": ["access_code.set_on_device"]}


NOT_FOUND = ("webhook_id", "webhook_not_found")
ROWS = {
    "/webhooks/create": Row(
        a_webhook_to_make, bad=({"url": None}, {"url": "not a url"}, {"event_types": "*"})
    ),
    "/webhooks/delete": Row(a_webhook, bad=({"webhook_id": None},), missing=NOT_FOUND),
    "/webhooks/get": Row(a_webhook, bad=({"webhook_id": None},), missing=NOT_FOUND),
    "/webhooks/list": Row(nothing),
    "/webhooks/update": Row(a_change, bad=({"event_types": None},), missing=NOT_FOUND),
}
