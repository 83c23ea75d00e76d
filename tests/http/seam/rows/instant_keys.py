"""Rows of /instant_keys, and of the path that makes one."""

from __future__ import annotations

from tests.http.seam.rows.user_identities import NOBODY, known
from tests.http.seam.walk import Body, Row, Walk


async def for_somebody(walk: Walk) -> Body:
    return {**await known(walk), "max_use_count": 2}


async def made(walk: Walk) -> Body:
    answer = await walk.ask("/user_identities/generate_instant_key", **await for_somebody(walk))
    return {"instant_key_id": answer["instant_key"]["instant_key_id"]}


NO_KEY = ("instant_key_id", "instant_key_not_found")
ROWS = {
    "/user_identities/generate_instant_key": Row(for_somebody, bad=({"max_use_count": 0},), missing=NOBODY),
    "/instant_keys/get": Row(made, bad=({"instant_key_id": None},), missing=NO_KEY),
    "/instant_keys/list": Row(known, bad=({"user_identity_id": 7},), missing=NOBODY),
    "/instant_keys/delete": Row(made, bad=({"instant_key_id": None},), missing=NO_KEY),
}
