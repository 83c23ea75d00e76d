"""Rows of /client_sessions."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk


async def for_somebody(walk: Walk) -> Body:
    account = (await walk.ask("/devices/get", device_id=await walk.lock()))["device"]["connected_account_id"]
    return {"user_identifier_key": f"person {walk.number()}", "connected_account_ids": [account]}


async def a_session(walk: Walk) -> Body:
    made = await walk.ask("/client_sessions/create", **await for_somebody(walk))
    return {"client_session_id": made["client_session"]["client_session_id"]}


async def granted(walk: Walk) -> Body:
    identity = await walk.ask("/user_identities/create", full_name="Anna")
    return {
        **await for_somebody(walk),
        **await a_session(walk),
        "user_identity_id": identity["user_identity"]["user_identity_id"],
    }


NO_SESSION = ("client_session_id", "client_session_not_found")
ROWS = {
    "/client_sessions/create": Row(
        for_somebody,
        bad=({"expires_at": "soon"}, {"expires_at": "2020-01-01T00:00:00Z"}, {"user_identity_ids": []}),
    ),
    "/client_sessions/get_or_create": Row(
        for_somebody, bad=({"user_identifier_key": ""}, {"connected_account_ids": "all"})
    ),
    "/client_sessions/grant_access": Row(granted, bad=({"client_session_id": 7},), missing=NO_SESSION),
    "/client_sessions/get": Row(a_session, bad=({"client_session_id": None},), missing=NO_SESSION),
    "/client_sessions/list": Row(a_session, bad=({"without_user_identifier_key": "no"},), missing=NO_SESSION),
    "/client_sessions/revoke": Row(a_session, bad=({"client_session_id": None},), missing=NO_SESSION),
    "/client_sessions/delete": Row(a_session, bad=({"client_session_id": None},), missing=NO_SESSION),
}
