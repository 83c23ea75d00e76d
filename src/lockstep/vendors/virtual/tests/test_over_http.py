"""The suite's troubles over a real connection on loopback, where a lost reply is a reset and not an exception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
import uvicorn

from lockstep.driver.conformance.cases.troubles import troubles
from lockstep.driver.conformance.cases.writing import writing
from lockstep.driver.conformance.suite import Case, applicable
from lockstep.emulation.clock import VirtualClock
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world
from lockstep.vendors.virtual.tests.worlds import BEGIN, VirtualTestWorld, traits_of


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.listening.set()


@asynccontextmanager
async def served(world: VirtualWorld) -> AsyncIterator[str]:
    """Serve a world on a free port; gives its address."""
    config = uvicorn.Config(create_app(world), host="127.0.0.1", port=0, log_level="error")
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    await asyncio.wait_for(server.listening.wait(), timeout=20)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize(
    "case", applicable([*writing.all, *troubles.all], traits_of("plain")), ids=lambda case: case.name
)
async def test_the_driver_conforms_over_http(case: Case) -> None:
    emulated = create_world(VirtualClock(BEGIN), "plain")
    async with served(emulated) as endpoint, httpx2.AsyncClient(timeout=10, verify=False) as http:
        world = VirtualTestWorld("plain", http, emulated)
        world.endpoint = endpoint
        await case(world)
