"""Answers all of Seam's paths, on bare ASGI: verbs, credentials, parameters, envelopes and errors as Seam has them.

To add a path, write a function in the file of its namespace and name it in that file's PATHS."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from lockstep.http.cursors import Cursors
from lockstep.http.rate_limit import RateLimit, headers
from lockstep.http.seam import (
    access_codes,
    access_codes_unmanaged,
    access_grants,
    access_grants_unmanaged,
    access_methods,
    acs,
    action_attempts,
    client_sessions,
    connect_webviews,
    connected_accounts,
    customers,
    devices,
    devices_unmanaged,
    events,
    instant_keys,
    locks,
    simulating,
    spaces,
    user_identities,
    webhooks,
    workspaces,
)
from lockstep.http.seam.asked import Asked, Path
from lockstep.http.seam.catalogue import OTHERS, KnownPath, first_part, known_paths
from lockstep.http.seam.cors import lines_before, lines_for, may_ask
from lockstep.http.seam.credentials import Asker, Credentials, require_kind
from lockstep.http.seam.faults import SeamFault, fault_of
from lockstep.http.seam.params import read_params
from lockstep.kit.ids import new_id, public_id
from lockstep.kit.sealing import derive
from lockstep.model import permissions
from lockstep.model.permissions import ActorKind
from lockstep.operations import again
from lockstep.operations.errors import NotSignedIn, Problem
from lockstep.operations.gate import Gate

log = structlog.get_logger()

_NAMESPACES: tuple[Any, ...] = (
    access_codes,
    access_codes_unmanaged,
    access_grants,
    access_grants_unmanaged,
    access_methods,
    acs,
    action_attempts,
    client_sessions,
    connect_webviews,
    connected_accounts,
    customers,
    devices,
    devices_unmanaged,
    events,
    instant_keys,
    locks,
    simulating,
    spaces,
    user_identities,
    webhooks,
    workspaces,
)
PATHS: dict[str, Path] = {path.path: path for namespace in _NAMESPACES for path in namespace.PATHS}
"""Those that are built."""

_encode = msgspec.json.Encoder().encode
_OUR_FAULT = SeamFault(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal_error",
    "Lockstep failed. See what is there before you ask again. The log tells more, at the id in `seam-request-id`.",
)


class Seam:
    """The ASGI application. Mount it at the root for the namespaces of the catalogue."""

    def __init__(
        self,
        gate: Gate,
        requests_per_second: float,
        burst: int,
        most_body_bytes: int,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        trusts_console: bool = False,
        public_url: str | None = None,
    ) -> None:
        """`trusts_console`: see `Credentials`. `public_url`: how the world reaches Lockstep, for links; without it, as
        the caller did."""
        self._gate = gate
        self._public_url = (public_url or "").rstrip("/") or None
        self._credentials = Credentials(gate, trusts_console)
        self._cursors = Cursors(derive(gate.sealer.fingerprint_key, "cursors of the seam api"))
        self._of_keys = RateLimit(requests_per_second, burst, monotonic)
        self._of_strangers = RateLimit(requests_per_second, burst, monotonic)
        self._most_body_bytes = most_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = public_id("request", new_id())
        received = dict(scope["headers"])
        status, lines = HTTPStatus.OK.value, [(b"seam-request-id", request_id.encode())]
        origin = received.get(b"origin")
        if origin is not None and not may_ask(origin, only_this_machine=self._credentials.trusts_console):
            origin = None
        lines += lines_for(origin)
        known = known_paths().get(scope["path"])
        if known is not None and scope["method"] == "OPTIONS" and origin is not None:
            lines += lines_before(known.verbs)
            await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": lines})
            await send({"type": "http.response.body", "body": b""})
            return
        try:
            answer = await self._answered(scope, received, receive, lines)
        except (SeamFault, Problem, permissions.NotAllowed) as raised:
            fault = raised if isinstance(raised, SeamFault) else fault_of(raised)
            status, answer = fault.status, fault.document()
            lines += [(name.encode(), value.encode()) for name, value in fault.headers.items()]
        except Exception:
            log.exception("request_failed", request_id=request_id, method=scope["method"])
            status, answer = _OUR_FAULT.status, _OUR_FAULT.document()
        body = _encode(answer)
        lines += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})

    async def _answered(
        self,
        scope: Scope,
        received: dict[bytes, bytes],
        receive: Receive,
        lines: list[tuple[bytes, bytes]],
    ) -> dict[str, Any]:
        path = _path_of(scope)
        asker = await self._asker(path, received, scope, lines)
        body = await self._body(receive)
        params = read_params(
            path.params, scope["query_string"].decode("latin-1"), body, _text(received, b"content-type")
        )
        here = f"{scope.get('scheme', 'http')}://{_text(received, b'host') or ''}"
        url = f"{self._public_url or here}{path.path}"
        actor = asker.actor
        workspace_id, is_sandbox = "", False
        if asker.is_within_workspace:
            workspace_id = await self._gate.public_id_of(actor.workspace_id)
            is_sandbox = await self._gate.is_sandbox(actor.workspace_id)
        asked = Asked(
            self._gate,
            actor,
            workspace_id,
            self._cursors,
            scope["method"],
            path.path,
            url,
            asker.operator,
            asker.is_paced,
            is_sandbox,
        )
        return {**await path.answer(asked, params), "ok": True}

    async def _asker(
        self, path: Path, received: dict[bytes, bytes], scope: Scope, lines: list[tuple[bytes, bytes]]
    ) -> Asker:
        address = str((scope.get("client") or ("",))[0])
        try:
            asker = await again.look_up(lambda: self._credentials.asker_of(received, address))
            require_kind(path, asker)
        except NotSignedIn:
            # Counted only when refused: whoever has a key is not held up by others behind the same address.
            _count(self._of_strangers, address, lines)
            raise
        if asker.actor.kind is ActorKind.PUBLISHABLE_KEY:
            # Everybody has this key: one of them holds up nobody else.
            _count(self._of_strangers, address, lines)
            return asker
        _count(self._of_keys, f"{asker.actor.workspace_id} {asker.actor.name}", lines)
        return asker

    async def _body(self, receive: Receive) -> bytes:
        came = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise SeamFault(HTTPStatus.BAD_REQUEST, "invalid_input", "The request was cut off.")
            came += message.get("body", b"")
            if len(came) > self._most_body_bytes:
                raise SeamFault(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload_too_large", "The request is too large."
                )
            if not message.get("more_body", False):
                return bytes(came)


def _path_of(scope: Scope) -> Path:
    """Raises SeamFault where there is no such path, verb, or not yet."""
    asked_for = scope["path"]
    known = known_paths().get(asked_for)
    if known is None and first_part(asked_for) in OTHERS:
        raise _not_here(asked_for)
    if known is None:
        raise SeamFault(HTTPStatus.NOT_FOUND, "not_found", f"There is no path {asked_for} in Seam's API.")
    _require_verb(known, scope["method"])
    if asked_for not in PATHS:
        raise _not_here(asked_for)
    return PATHS[asked_for]


def _not_here(path: str) -> SeamFault:
    return SeamFault(
        HTTPStatus.NOT_IMPLEMENTED,
        "not_implemented",
        f"Lockstep does not have {path}. The guide for Seam's SDKs lists what it has.",
    )


def _require_verb(known: KnownPath, verb: str) -> None:
    if verb not in known.verbs:
        allowed = ", ".join(sorted(known.verbs))
        raise SeamFault(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "method_not_allowed",
            f"{known.path} takes {allowed}, not {verb}.",
            headers={"allow": allowed},
        )


def _count(limit: RateLimit, caller: str, lines: list[tuple[bytes, bytes]]) -> None:
    allowance = limit.take(caller)
    lines += headers(limit, allowance)
    if allowance.retry_after is not None:
        raise SeamFault(
            HTTPStatus.TOO_MANY_REQUESTS,
            "rate_limit_exceeded",
            "Too many requests. Wait as long as `retry-after` says.",
        )


def _text(received: dict[bytes, bytes], name: bytes) -> str | None:
    value = received.get(name)
    return None if value is None else value.decode("latin-1")
