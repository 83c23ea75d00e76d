"""/client_sessions: what a person's app may reach."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Ids, Instant, Params
from lockstep.http.seam.present.client_session import client_session
from lockstep.http.seam.present.ids import asked
from lockstep.model.permissions import ActorKind
from lockstep.operations import client_sessions
from lockstep.operations.client_sessions import AskedSession, ClientSession, ListSessions

Key = Annotated[str, Field(min_length=1, max_length=200)]
Identities = Annotated[list[Id], Field(min_length=1, max_length=1)]


class Given(Params):
    """What a session is to be given."""

    user_identifier_key: Key | None = None
    connected_account_ids: Ids | None = None
    connect_webview_ids: Ids | None = None
    user_identity_id: Id | None = None
    user_identity_ids: Identities | None = None
    customer_key: Key | None = None
    expires_at: Instant | None = None


class GrantAccess(Given):
    client_session_id: Id | None = None


class Get(Params):
    client_session_id: Id | None = None
    user_identifier_key: Key | None = None


class List(Params):
    client_session_id: Id | None = None
    user_identifier_key: Key | None = None
    without_user_identifier_key: bool | None = None
    user_identity_id: Id | None = None
    connect_webview_id: Id | None = None


class One(Params):
    client_session_id: Id


async def create(call: Asked, params: Given) -> Answer:
    """By PUT, which SDKs send again when they have no answer, a person's session is found instead of made twice."""
    make = (
        client_sessions.get_or_create
        if call.verb == "PUT" and params.user_identifier_key
        else client_sessions.create
    )
    wanted = _asked(params)
    return _answer(call, await call.change(lambda tx: make(tx, call.actor, wanted)))


async def get_or_create(call: Asked, params: Given) -> Answer:
    wanted = _asked(params)
    return _answer(call, await call.change(lambda tx: client_sessions.get_or_create(tx, call.actor, wanted)))


async def grant_access(call: Asked, params: GrantAccess) -> Answer:
    session_id = _id(params.client_session_id)
    if session_id is None and params.user_identifier_key is None:
        raise invalid_input("Must specify client_session_id or user_identifier_key")
    wanted = _asked(params)
    return _answer(
        call, await call.change(lambda tx: client_sessions.grant_access(tx, call.actor, session_id, wanted))
    )


async def get(call: Asked, params: Get) -> Answer:
    session_id, key = _id(params.client_session_id), params.user_identifier_key
    if session_id is None and key is None and call.actor.kind is not ActorKind.CLIENT_SESSION:
        raise invalid_input("Must specify client_session_id or user_identifier_key")
    return _answer(call, await call.read(lambda tx: client_sessions.get(tx, call.actor, session_id, key)))


async def list_(call: Asked, params: List) -> Answer:
    wanted = ListSessions(
        _id(params.client_session_id),
        params.user_identifier_key,
        bool(params.without_user_identifier_key),
        None if params.user_identity_id is None else asked("guest", params.user_identity_id),
        None if params.connect_webview_id is None else asked("webview", params.connect_webview_id),
    )
    found = await call.read(lambda tx: client_sessions.listed(tx, call.actor, wanted))
    return {"client_sessions": [client_session(it, call.workspace_id) for it in found]}


async def revoke(call: Asked, params: One) -> Answer:
    session_id = asked("session", params.client_session_id)
    await call.change(lambda tx: client_sessions.revoke(tx, call.actor, session_id))
    return {}


async def delete(call: Asked, params: One) -> Answer:
    session_id = asked("session", params.client_session_id)
    await call.change(lambda tx: client_sessions.delete(tx, call.actor, session_id))
    return {}


def _answer(call: Asked, session: ClientSession) -> Answer:
    return {"client_session": client_session(session, call.workspace_id)}


def _asked(params: Given) -> AskedSession:
    identity = params.user_identity_id or next(iter(params.user_identity_ids or []), None)
    return AskedSession(
        params.user_identifier_key,
        params.customer_key,
        [asked("account", id) for id in params.connected_account_ids or []],
        [asked("webview", id) for id in params.connect_webview_ids or []],
        None if identity is None else asked("guest", identity),
        params.expires_at,
    )


def _id(client_session_id: str | None) -> str | None:
    return None if client_session_id is None else asked("session", client_session_id)


PATHS: tuple[Path, ...] = (
    Path("/client_sessions/create", Given, create, is_public=True),
    Path("/client_sessions/get_or_create", Given, get_or_create, is_public=True),
    Path("/client_sessions/grant_access", GrantAccess, grant_access),
    Path("/client_sessions/get", Get, get),
    Path("/client_sessions/list", List, list_),
    Path("/client_sessions/revoke", One, revoke),
    Path("/client_sessions/delete", One, delete),
)
