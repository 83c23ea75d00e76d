"""A receiver of webhooks on loopback that answers as told and keeps what came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import Receive, Scope, Send


@dataclass
class Message:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An ASGI app; `status` is what it answers."""

    status: int = 204
    url: str = ""
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        self.messages.append(Message(headers, body))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body"})


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens on a free port of 127.0.0.1."""
    receiver = Receiver()
    config = uvicorn.Config(receiver, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- the server offers nothing to wait for
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}/hook?token=secret-path"
    try:
        yield receiver
    finally:
        server.should_exit = True
        await serving
