"""The gate that every call to an emulator passes: journal, pace and faults. Knows no vendor.

A lost reply must be a broken connection, not an answer. Over uvicorn the gate aborts the connection's
transport, so that the client reads a reset and no byte. Where there is no transport (`httpx2.ASGITransport`,
other servers) it announces one byte, sends none and raises `ConnectionCut`: in-process that error reaches the
client as the `httpx2.RemoteProtocolError` it is, and a server cuts the connection in the middle of the reply.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2
import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockstep.emulation.faults import Fault, FaultKind, Faults
from lockstep.emulation.journal import Call, Journal
from lockstep.emulation.pace import Pace
from lockstep.kit.clock import Clock

CONTROL = "/_emulator"
"""Paths below it belong to the control surface and are neither journalled nor disturbed."""

FAULT = "lockstep.fault"
CALL = "lockstep.call"
"""The names under which the vendor's application finds the fault and the journal's call in its scope."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ConnectionCut(httpx2.RemoteProtocolError):
    """The emulated vendor cut the connection before its reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply, kept until it is known whether it will be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Gated(Protocol):
    """What the gate needs of an emulated world."""

    @property
    def clock(self) -> Clock: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def pace(self) -> Pace: ...


def plain_error(status: int) -> Reply:
    """A proxy's error page."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return Reply(status, [(b"content-type", b"text/html")], body)


def by_method(method: str, path: str) -> bool:
    """Whether a call could change something, told by its method."""
    return method not in _READING


class Gate:
    """Wraps a vendor's application (ASGI)."""

    def __init__(
        self,
        app: ASGIApp,
        world: Gated,
        *,
        operation_of: Callable[[str, str], str | None] = lambda method, path: None,
        is_mutating: Callable[[str, str], bool] = by_method,
        too_fast: Callable[[], Reply] = lambda: plain_error(429),
        error: Callable[[int], Reply] = plain_error,
    ) -> None:
        self._app = app
        self._world = world
        self._operation_of = operation_of
        self._is_mutating = is_mutating
        self._too_fast = too_fast
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a call through, or not. The control surface and the lifespan pass untouched."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path == CONTROL or path.startswith(f"{CONTROL}/"):
            await self._app(scope, receive, send)
            return
        body = await _whole_body(receive)
        fault, call = self._enter(scope, body)
        reply = await self._reply(scope, body, fault, call)
        await asyncio.sleep(self._world.pace.latency_seconds)
        if reply is None:
            await _cut(receive, send)
        else:
            call.status = reply.status
            await _send(send, reply)

    def _enter(self, scope: Scope, body: bytes) -> tuple[Fault | None, Call]:
        world, method, path = self._world, scope["method"], scope["path"]
        operation, is_mutating = self._operation_of(method, path), self._is_mutating(method, path)
        query = scope["query_string"].decode("latin-1")
        call = world.journal.begin(
            world.clock.now(),
            method,
            path,
            query,
            _readable(body),
            operation=operation,
            is_mutating=is_mutating,
        )
        fault = world.faults.strike(method, path, operation, is_mutating)
        call.fault = fault.kind if fault else None
        return fault, call

    async def _reply(self, scope: Scope, body: bytes, fault: Fault | None, call: Call) -> Reply | None:
        now, kind = self._world.clock.now(), fault.kind if fault else None
        if fault is None:
            if not self._world.pace.takes(now):
                return self._too_fast()
            return await self._answer(scope, body, fault, call)
        if kind is FaultKind.REPLY_LOST_BEFORE:
            call.note(now, "reply lost, nothing done")
            return None
        if kind is FaultKind.ERROR_BEFORE:
            return self._error(fault.status)
        if kind is FaultKind.RATE_LIMITED:
            return self._too_fast()
        if kind is FaultKind.SLOW_BEFORE:
            await asyncio.sleep(fault.seconds)
        return await self._spoil(fault, await self._answer(scope, body, fault, call), call)

    async def _spoil(self, fault: Fault, reply: Reply, call: Call) -> Reply | None:
        """What becomes of an answer that was already given within."""
        if fault.kind is FaultKind.REPLY_LOST_AFTER:
            call.note(self._world.clock.now(), f"answered {reply.status}, reply lost")
            return None
        if fault.kind is FaultKind.ERROR_AFTER:
            call.note(self._world.clock.now(), f"answered {reply.status}, sent {fault.status}")
            return self._error(fault.status)
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
        if fault.kind is FaultKind.TRUNCATED:
            return Reply(reply.status, _without_length(reply.headers), reply.body[: len(reply.body) // 2])
        return reply

    async def _answer(self, scope: Scope, body: bytes, fault: Fault | None, call: Call) -> Reply:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        within: Mapping[str, Any] = {**scope, FAULT: fault, CALL: call}
        await self._app(dict(within), receive, send)
        start = sent[0]
        return Reply(
            start["status"], list(start["headers"]), b"".join(part.get("body", b"") for part in sent[1:])
        )


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _readable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Kept as a length only: text that is no JSON may hold digits where no field name tells of them.
        return f"<{len(body)} bytes that are not JSON>"


async def _send(send: Send, reply: Reply) -> None:
    headers = reply.headers
    if not any(name.lower() == b"content-length" for name, _ in headers) and reply.status != 204:
        headers = [*headers, (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _without_length(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]


async def _cut(receive: Receive, send: Send) -> None:
    # uvicorn's `send` is a method of its request cycle, which holds the transport (0.54, both parsers).
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
    raise ConnectionCut("The emulated vendor cut the connection before its reply.")
