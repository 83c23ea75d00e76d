"""Rows of /action_attempts."""

from __future__ import annotations

from tests.http.seam.rows.access_codes import of_lock
from tests.http.seam.walk import Body, Row, Walk


async def an_attempt(walk: Walk) -> Body:
    made = await walk.ask("/locks/unlock_door", device_id=await walk.lock())
    return {"action_attempt_id": made["action_attempt"]["action_attempt_id"]}


ROWS = {
    "/action_attempts/get": Row(
        an_attempt,
        bad=({"action_attempt_id": None},),
        missing=("action_attempt_id", "action_attempt_not_found"),
    ),
    "/action_attempts/list": Row(of_lock, bad=({"limit": "many"},)),
}
