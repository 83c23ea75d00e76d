"""Serves an ASGI application within this event loop. Signals and logs are the process's own business."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

GRACE_SECONDS = 5
"""What is being answered gets so long at the end; pages that listen for changes never end by themselves."""


class _Whole:
    """A connection to which head and body of an answer are written at once: uvloop makes a call to the system of each
    write, a quarter of what the HTTP server takes for an answer, and whoever reads it is woken twice."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, part: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(part)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        parts, self._waiting = self._waiting, []
        # Whoever asked may have gone since.
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, _Whole(cast(asyncio.Transport, transport))))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    app: Any,
    host: str = "127.0.0.1",
    port: int = 0,
    trusted_proxies: Sequence[str] = (),
    *,
    ending: Callable[[], None] = lambda: None,
    shares_port: bool = False,
) -> AsyncIterator[str]:
    """Listen on `host` and `port` (0: a free one); yields the address. Raises OSError where it is taken, other than by
    processes which share it too: the system deals out callers among these.

    Only `trusted_proxies` are believed when they say for whom they ask. `ending` is called first at the end, to end
    answers that would not end by themselves.
    """
    taken = _listen(host, port, is_shared=shares_port)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="auto",
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([taken]))
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            raise RuntimeError("the HTTP server ended before it began")
        yield f"http://{_for_address(host)}:{taken.getsockname()[1]}"
    finally:
        ready.cancel()
        ending()
        server.should_exit = True
        await task
        taken.close()


def _listen(host: str, port: int, *, is_shared: bool) -> socket.socket:
    # The protocol must be named: asyncio turns Nagle's algorithm off only for sockets that say they are TCP.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind((host, port))
    except BaseException:
        taken.close()
        raise
    return taken


def _for_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
