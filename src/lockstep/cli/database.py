"""The database that Lockstep works on: one's own server, or the embedded one. Little is read in for it, so that
a process can read in the rest while the server comes up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from lockstep.cli.settings import Settings, own_folder
from lockstep.storage.server import EmbeddedServer


@asynccontextmanager
async def database_of(
    settings: Settings, *, is_passing: bool = False, meanwhile: Callable[[], object] = lambda: None
) -> AsyncIterator[str]:
    """The address of one's own server, or of the embedded one, which runs within. `meanwhile` is done while that comes
    up. `is_passing`: what is remembered is thrown away afterwards, so the disk need not be waited for."""
    if settings.storage.database_url is not None:
        meanwhile()
        yield settings.storage.database_url
        return
    server = EmbeddedServer(
        own_folder(settings) / "postgres", settings.storage.postgres_binaries, fast_and_unsafe=is_passing
    )
    try:
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        try:
            # The thread begins when this task pauses.
            await asyncio.sleep(0)
            meanwhile()
        finally:
            address = await starting
        yield address
    finally:
        server.stop()
