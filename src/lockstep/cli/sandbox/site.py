"""What a seeded sandbox serves: Seam's door and the fake's at once; pages and the native API when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from lockstep.cli.crew import Crew, working
from lockstep.cli.sandbox.passing import settings_of_sandbox
from lockstep.cli.sandbox.seed import NAMES
from lockstep.cli.serving import serving
from lockstep.cli.stopping import stopping_signals
from lockstep.cli.wiring import Built, built_on
from lockstep.http.fake.app import FakeDoor
from lockstep.http.seam.app import Seam
from lockstep.http.seam.catalogue import first_part, namespaces
from lockstep.http.seam.present.device import device
from lockstep.kit.logging import set_up_logging
from lockstep.model.permissions import system
from lockstep.operations import devices, vendors
from lockstep.operations.devices import ListDevices
from lockstep.storage import workspaces

_LOOPBACK = "127.0.0.1"
_MANY = 1_000_000
"""Programs under test are not held up."""


async def serve_seeded(address: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve, and work, until a signal comes; `tell` is told where."""
    settings = settings_of_sandbox()
    set_up_logging("warning", settings.log.log_format)
    with stopping_signals() as asked:
        async with built_on(address, settings) as lockstep:
            crew = Crew(lockstep)
            site = _Site(lockstep, crew)
            door = FakeDoor(site, lockstep.gate, NAMES, lambda: _devices(lockstep))
            async with working(crew), serving(door, _LOOPBACK, port, ending=site.stop) as at:
                tell(at)
                await asked.wait()
                crew.stop()


class _Site:
    """Seam's namespaces at once; the rest, as `lockstep serve` has it, is read in when somebody asks for it."""

    def __init__(self, built: Built, crew: Crew) -> None:
        self._built = built
        self._crew = crew
        self._seam = Seam(built.gate, _MANY, _MANY, built.settings.api.most_body_bytes, trusts_console=True)
        self._names = namespaces()
        self._rest: Any = None
        self._one = asyncio.Lock()

    def stop(self) -> None:
        if self._rest is not None:
            self._rest.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        is_seams = first_part(scope["path"]) in self._names
        app: ASGIApp = self._seam if is_seams else await self._others()
        await app(scope, receive, send)

    async def _others(self) -> ASGIApp:
        async with self._one:
            if self._rest is None:
                self._rest = await asyncio.to_thread(_read_in_site, self._built, self._crew)
            app: ASGIApp = self._rest
            return app


def _read_in_site(built: Built, crew: Crew) -> Any:
    from lockstep.cli.site import Site

    return Site(built, crew)


async def _devices(lockstep: Built) -> list[dict[str, Any]]:
    """Of all workspaces, in Seam's shape."""
    gate = lockstep.gate
    async with gate.database.reading(None) as db:
        every = await workspaces.every(db)
    found = []
    for one in every:
        async with gate.reading(one.id) as tx:
            listed = await devices.list_shown(tx, system(one.id, "sandbox"), ListDevices(most=5000))
        found += [
            device(it, one.public_id, vendors.label_of(gate, it.vendor), is_emulated=True) for it in listed
        ]
    return found
