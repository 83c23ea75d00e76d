"""Asks one server over and over on several connections at once, as cheaply as can be, and counts its answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import cast
from urllib.parse import urlsplit


async def answers_per_second(
    address: str, request: Callable[[], bytes], *, at_once: int = 16, seconds: float = 2.0
) -> float:
    """Each connection sends what `request` makes as soon as it has its answer. Raises where one is not a success."""
    place = urlsplit(address)
    assert place.hostname is not None
    assert place.port is not None
    begun = time.perf_counter()
    until = begun + seconds
    ended = [asyncio.get_running_loop().create_future() for _ in range(at_once)]
    asking = []
    for future in ended:
        _, one = await asyncio.get_running_loop().create_connection(
            partial(_Asking, request, until, future), place.hostname, place.port
        )
        asking.append(one)
    await asyncio.gather(*ended)
    return sum(one.answers for one in asking) / (time.perf_counter() - begun)


def http_request(method: str, path: str, key: str | None = None, body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: bench"]
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Asking(asyncio.Protocol):
    """One connection that stays."""

    def __init__(self, request: Callable[[], bytes], until: float, ended: asyncio.Future[None]) -> None:
        self.answers = 0
        self._request = request
        self._until = until
        self._ended = ended
        self._came = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request())

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 2"):
            self._end(RuntimeError(f"a measured server answered {bytes(self._came).decode()}"))
            return
        self._came.clear()
        self.answers += 1
        if time.perf_counter() < self._until:
            self._transport.write(self._request())
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("a measured server hung up"))

    def _end(self, fault: Exception | None) -> None:
        if self._ended.done():
            return
        if fault is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(fault)
        self._transport.close()


def _length(head: bytes | bytearray) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise RuntimeError("a measured server did not say how long its answer is")
