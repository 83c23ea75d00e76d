"""What every request passes before its route: request id, key, pace, size. Bare ASGI: it runs for each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockstep.http.api.call import SCOPE, Call
from lockstep.http.api.plain import PlainRoutes
from lockstep.http.api.problems import OurFault, TooLarge, TooManyRequests, problem_response
from lockstep.http.cursors import Cursors
from lockstep.http.doorman import Doorman
from lockstep.http.rate_limit import RateLimit, headers
from lockstep.kit.ids import new_id, public_id
from lockstep.operations import again
from lockstep.operations.errors import NotSignedIn, Problem
from lockstep.operations.gate import Gate

log = structlog.get_logger()

REQUEST_ID = "lockstep.request_id"
"""Where the request's id stands within the ASGI scope."""

_GIVEN_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


@dataclass(frozen=True, slots=True)
class FrontParts:
    """Made once for the whole API."""

    gate: Gate
    doorman: Doorman
    cursors: Cursors
    of_keys: RateLimit
    of_strangers: RateLimit
    """For callers without a valid key, by their address."""
    most_body_bytes: int
    is_open: Callable[[str], bool]
    """Whether a path needs no key."""
    plain_routes: PlainRoutes


class Front:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, parts: FrontParts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = dict(scope["headers"])
        request_id = _request_id(received.get(b"x-request-id"))
        scope[REQUEST_ID] = request_id
        sending = _Sending(send, [(b"x-request-id", request_id.encode())])
        try:
            await self._admit(scope, received, sending)
            receiving = self._within_size(received, receive)
            left = await self._parts.plain_routes.answered(scope, receiving, sending)
            if left is not None:
                await self._app(scope, left, sending)
        except Problem as problem:
            await problem_response(problem, request_id)(scope, receive, sending)
        except Exception:
            log.exception("request_failed", request_id=request_id, method=scope["method"])
            if sending.has_begun:
                raise
            fault = OurFault(str(OurFault.__doc__))
            await problem_response(fault, request_id)(scope, receive, sending)

    async def _admit(self, scope: Scope, received: dict[bytes, bytes], sending: _Sending) -> None:
        parts = self._parts
        if parts.is_open(scope["path"]):
            return
        try:
            authorization = received.get(b"authorization", b"").decode("latin-1")
            actor = await again.look_up(lambda: parts.doorman.actor_of(authorization))
        except NotSignedIn:
            # Counted only when refused: whoever has a key is not held up by others behind the same address.
            _count(parts.of_strangers, _address(scope), sending)
            raise
        _count(parts.of_keys, actor.name, sending)
        scope[SCOPE] = Call(parts.gate, actor, scope[REQUEST_ID], parts.cursors, parts.doorman.forget)

    def _within_size(self, received: dict[bytes, bytes], receive: Receive) -> Receive:
        most = self._parts.most_body_bytes
        announced = received.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            raise TooLarge(str(TooLarge.__doc__))
        came = 0

        async def receive_within() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                # What reads the body lets this one kind of error through.
                raise HTTPException(413)
            return message

        return receive_within


class _Sending:
    """Adds header lines to the answer."""

    __slots__ = ("_send", "has_begun", "lines")

    def __init__(self, send: Send, lines: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self.lines = lines
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            message["headers"] = [*message["headers"], *self.lines]
        await self._send(message)


def _count(limit: RateLimit, caller: str, sending: _Sending) -> None:
    allowance = limit.take(caller)
    sending.lines += headers(limit, allowance)
    if allowance.retry_after is not None:
        raise TooManyRequests(str(TooManyRequests.__doc__))


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _request_id(given: bytes | None) -> str:
    if given is not None:
        text = given.decode("latin-1")
        if _GIVEN_REQUEST_ID.fullmatch(text):
            return text
    return public_id("req", new_id())
