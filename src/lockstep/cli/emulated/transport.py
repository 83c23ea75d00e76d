"""How drivers reach emulated worlds: an HTTP transport that stays within the process. They cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from lockstep.operations import emulated
from lockstep.operations.emulator import Call

if TYPE_CHECKING:
    from lockstep.operations.gate import Gate

_UNAUTHORIZED = b'{"error":"unauthorized","detail":"No such token."}'


class SandboxTransport(httpx2.AsyncBaseTransport):
    """Answers for the emulated vendor, by the row of the world whose token comes with the request."""

    def __init__(self) -> None:
        self.gate: Gate | None = None
        """Set by the wiring, which needs a client before it has a gate."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert self.gate is not None, "the wiring sets it"
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        call = Call(
            request.method, request.url.raw_path.decode(), dict(request.headers), await request.aread()
        )
        reply = await emulated.answer(self.gate, call, token)
        if reply is None:
            return httpx2.Response(401, content=_UNAUTHORIZED, request=request)
        return httpx2.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=request)
