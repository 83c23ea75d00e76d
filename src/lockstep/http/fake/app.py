"""/health and /_fake/*: the seed, what there is, attempts that end as told, outages. It asks nobody who they are, so it
is mounted in a seeded sandbox on loopback alone, before the application that it disturbs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from lockstep.kit.ids import new_id, public_id
from lockstep.operations import api_keys, client_sessions, simulating
from lockstep.operations.errors import Problem
from lockstep.operations.gate import Gate
from lockstep.operations.simulating import ForcedOutcome

_HEALTH, _FAKE = "/health", "/_fake/"
_READ, _WRITE = frozenset({"GET", "POST"}), frozenset({"POST", "PATCH", "PUT"})


class _Error(msgspec.Struct, frozen=True):
    type: str
    message: str


class _UpdateAttempt(msgspec.Struct, frozen=True):
    action_attempt_id: str
    status: Literal["pending", "success", "error"]
    error: _Error | None = None
    result: Any = None


class _Outage(msgspec.Struct, frozen=True):
    workspace_id: str
    routes: tuple[str, ...]


class _Refused(Exception):
    def __init__(self, status: int, type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.type = type


class FakeDoor:
    """ASGI. `names`: the seed; `devices`: what there is, in Seam's shape; `app`: everything else."""

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        names: Mapping[str, str],
        devices: Callable[[], Awaitable[list[dict[str, Any]]]],
    ) -> None:
        self._app = app
        self._gate = gate
        self._names = names
        self._devices = devices
        self._outages: dict[str, frozenset[str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == _HEALTH or path.startswith(_FAKE):
            await _send(send, *await self._answered(scope, path, receive))
        elif await self._is_out(scope, path):
            await _send(send, HTTPStatus.SERVICE_UNAVAILABLE, None)
        else:
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, path: str, receive: Receive) -> tuple[int, Any]:
        try:
            return HTTPStatus.OK, {**await self._answer(scope["method"], path, receive), "ok": True}
        except _Refused as refused:
            return refused.status, _error(refused.type, str(refused))
        except Problem as problem:
            return HTTPStatus.NOT_FOUND, _error(problem.code, problem.cause)
        except msgspec.DecodeError as fault:
            return HTTPStatus.BAD_REQUEST, _error("invalid_input", str(fault))

    async def _answer(self, method: str, path: str, receive: Receive) -> dict[str, Any]:
        allowed = (
            _WRITE
            if path in (f"{_FAKE}update_action_attempt", f"{_FAKE}simulate_workspace_outage")
            else _READ
        )
        if method not in allowed:
            raise _Refused(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "method_not_allowed",
                f"{path} takes {', '.join(sorted(allowed))}.",
            )
        match path.removeprefix(_FAKE):
            case "/health":
                return {"msg": "Lockstep's sandbox is up.", "service_health_statuses": []}
            case "default_seed":
                return dict(self._names)
            case "database":
                return {"devices": await self._devices()}
            case "update_action_attempt":
                await self._update_attempt(msgspec.json.decode(await _body(receive), type=_UpdateAttempt))
                return {}
            case "simulate_workspace_outage":
                outage = msgspec.json.decode(await _body(receive), type=_Outage)
                self._outages[outage.workspace_id] = frozenset(outage.routes)
                return {}
        raise _Refused(HTTPStatus.NOT_FOUND, "not_found", f"There is no path {path} here.")

    async def _update_attempt(self, asked: _UpdateAttempt) -> None:
        error = asked.error
        outcome = ForcedOutcome(
            asked.status, error.type if error else None, error.message if error else None, asked.result
        )
        await simulating.force_attempt(self._gate, _attempt_id(asked.action_attempt_id), outcome)

    async def _is_out(self, scope: Scope, path: str) -> bool:
        out = [workspace for workspace, routes in self._outages.items() if path in routes]
        return bool(out) and await self._workspace_of(dict(scope["headers"])) in out

    async def _workspace_of(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The public id of the workspace that a request is for."""
        named = headers.get(b"seam-workspace")
        if named is not None:
            return named.decode("latin-1")
        secret = headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        signed_in = await api_keys.authenticate(self._gate, secret)
        actor = signed_in.actor if signed_in else await client_sessions.authenticate(self._gate, secret)
        return None if actor is None else await self._gate.public_id_of(actor.workspace_id)


def _attempt_id(theirs: str) -> str:
    """At Seam's door ids are the UUIDs that ours write."""
    try:
        return public_id("attempt", UUID(theirs))
    except ValueError:
        return theirs


def _error(type: str, message: str) -> dict[str, Any]:
    return {"error": {"type": type, "message": message}, "ok": False}


async def _body(receive: Receive) -> bytes:
    came = b""
    while True:
        message = await receive()
        came += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return came


async def _send(send: Send, status: int, value: Any) -> None:
    body = b"" if value is None else msgspec.json.encode(value)
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"seam-request-id", public_id("request", new_id()).encode()),
    ]
    if body:
        headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
