"""A Lockstep and an emulated vendor in one process on a virtual clock, for figures that count rather than time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from bench.place import TOKEN, passing_folder
from lockstep.cli.settings import Settings, WorkSettings
from lockstep.cli.wiring import processes_of
from lockstep.emulation.clock import VirtualClock
from lockstep.kit.sealing import Sealer
from lockstep.model.permissions import Actor, system
from lockstep.operations import accounts, devices, grants, workspaces
from lockstep.operations.gate import Gate
from lockstep.storage.claims import Queue
from lockstep.storage.database import Database
from lockstep.storage.migrations import migrate
from lockstep.storage.server import EmbeddedServer
from lockstep.vendors import VENDORS
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world
from lockstep.workers.loop import LoopSettings, Process, claim_some, pass_time

BEGINS = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(slots=True)
class World:
    dsn: str
    gate: Gate
    actor: Actor
    clock: VirtualClock
    vendor: VirtualWorld
    processes: dict[Queue, Process]

    async def advance(self, until: datetime) -> None:
        """Let time pass, doing what falls due at its own moment."""
        await pass_time(self.gate, self.processes, until, self._move_to, most=10**9)

    async def _move_to(self, at: datetime) -> None:
        self.clock.set(at)

    async def work_off(self) -> None:
        """Do what is due now, several rows at a time: faster than in turn, in whatever order."""
        settings = LoopSettings()
        while claimed := [
            (queue, one)
            for queue in self.processes
            for one in await claim_some(self.gate, queue, settings.lease, settings.at_once)
        ]:
            await asyncio.gather(*(self.processes[queue](one) for queue, one in claimed))


@asynccontextmanager
async def world(locks: int, features: dict[str, Any]) -> AsyncIterator[World]:
    """An account with `locks` locks, connected."""
    clock = VirtualClock(BEGINS)
    vendor = create_world(clock, "plain", locks=locks, features=features)
    vendor.change_settings({"tokens": [TOKEN]})
    with passing_folder() as folder:
        server = EmbeddedServer(folder / "postgres", fast_and_unsafe=True)
        try:
            dsn = server.start()
            await migrate(dsn)
            database = await Database.open(dsn)
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(create_app(vendor))) as http:
                sealer = Sealer({1: b"m" * 32}, b"f" * 32)
                gate = Gate(database, clock, sealer, secrets.SystemRandom(), VENDORS, http)
                yield await _connected(dsn, gate, clock, vendor)
            await database.close()
        finally:
            server.stop()


async def declare(w: World, windows: Sequence[tuple[datetime, datetime]]) -> list[str]:
    """A grant for each window, on all locks; their public ids."""
    async with w.gate.reading(w.actor.workspace_id) as tx:
        locks = await devices.listed(tx, w.actor, None, 10_000)
    device_ids = tuple(d.public_id for d in locks)
    made = []
    for starts_at, ends_at in windows:
        async with w.gate.transaction(w.actor.workspace_id) as tx:
            command = grants.CreateGrant("Guest", starts_at, ends_at, device_ids=device_ids)
            made.append((await grants.create(tx, w.actor, command)).row.public_id)
    return made


async def _connected(dsn: str, gate: Gate, clock: VirtualClock, vendor: VirtualWorld) -> World:
    workspace_id = await workspaces.create(gate, "Bench")
    actor = system(workspace_id, "bench")
    # A reading of the whole account is shared at once: no time passes within a pass on a virtual clock.
    settings = Settings(work=WorkSettings(reading_pause_seconds=0.0))
    made = World(dsn, gate, actor, clock, vendor, processes_of(gate, settings, lambda *what: None))
    command = accounts.Connect("virtual", {"endpoint": "http://virtual.test", "token": TOKEN})
    await accounts.connect(gate, actor, command)
    await made.advance(clock.now() + timedelta(minutes=1))
    return made
