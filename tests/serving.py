"""An ASGI app served over real HTTP on a free port of 127.0.0.1, for whoever cannot call it in-process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def serving(app: ASGIApp, *, waits: bool = True) -> AsyncIterator[str]:
    """Its address, without a slash at the end. `waits`: in the end, until whoever has asked is answered. Otherwise they
    are cut off, and nothing is logged of any request: not the addresses, nor how they ended."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        log_level=None if waits else "critical",
        lifespan="off",
        ws="none",
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    # The date that answers carry.
    await server.on_tick(0)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await _end(server, waits=waits)


async def _end(server: uvicorn.Server, *, waits: bool) -> None:
    """What the server's own ending does, without its pauses: they are a sixth of a second for each test."""
    for listening in server.servers:
        listening.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    for task in () if waits else list(state.tasks):
        task.cancel()
    while state.connections or state.tasks:  # noqa: ASYNC110 -- nobody tells when the last one has gone
        await asyncio.sleep(0.002)
