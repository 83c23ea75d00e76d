"""A receiver of webhooks on loopback that answers as told and keeps what came."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send
from tests.serving import serving


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
    async with serving(receiver) as address:
        receiver.url = f"{address}/hook?token=secret-path"
        yield receiver
