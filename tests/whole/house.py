"""A whole Lockstep in one process, on a real database, with emulated vendors as the world and a virtual clock."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from tests.connections import connected_to

from lockstep.cli.emulated.emulator import ORIGIN, VirtualEmulator
from lockstep.cli.emulated.transport import SandboxTransport
from lockstep.emulation.clock import VirtualClock
from lockstep.http.seam.form import SeamForm
from lockstep.kit.ids import new_id, public_id
from lockstep.kit.sealing import Sealer
from lockstep.model.permissions import Actor, system
from lockstep.operations import accounts
from lockstep.operations.forms import SEAM
from lockstep.operations.gate import Gate
from lockstep.storage import claims, workspaces
from lockstep.storage.claims import Queue
from lockstep.storage.database import Database
from lockstep.vendors import VENDORS
from lockstep.workers.accounts.describe import Describer
from lockstep.workers.attempts.perform import Performer
from lockstep.workers.loop import LoopSettings, Process, claim_some, drain, pass_time
from lockstep.workers.reconciler.drivers import Drivers
from lockstep.workers.reconciler.reconcile import Reconciler, ReconcileSettings

SEALER = Sealer({1: b"m" * 32}, b"f" * 32)


class House:
    """What a test needs of Lockstep: the gate, an actor who may do everything, and passes by hand."""

    def __init__(
        self, gate: Gate, actor: Actor, clock: VirtualClock, settings: ReconcileSettings | None = None
    ) -> None:
        self.gate = gate
        self.actor = actor
        self.clock = clock
        self._settings = settings or ReconcileSettings(between_readings=timedelta(0))
        self.written: list[tuple[str, str]] = []
        self.processes: dict[Queue, Process] = {}
        self.restart()

    def restart(self) -> None:
        """A new process takes the place of the old one: it knows what the database knows, and nothing else."""
        drivers = Drivers(self.gate)
        reconciler = Reconciler(self.gate, drivers, self._settings, lambda *what: self.written.append(what))
        self.processes = {
            "accounts": Describer(self.gate, drivers).process,
            "domains": reconciler.process,
            "attempts": Performer(self.gate, drivers).process,
        }

    async def work_alone(self) -> None:
        """The same, one row at a time, so that others who work at once find some."""
        claimed = True
        while claimed:
            claimed = False
            for queue, process in self.processes.items():
                for claim in await claim_some(self.gate, queue, LoopSettings().lease, 1):
                    await process(claim)
                    claimed = True

    def beside(self, database: Database) -> House:
        """Another process of the same house, on connections of its own."""
        return House(self.gate_on(database), self.actor, self.clock, self._settings)

    def gate_on(self, database: Database) -> Gate:
        gate = self.gate
        return Gate(
            database,
            gate.clock,
            gate.sealer,
            gate.random,
            gate.vendors,
            gate.vendor_http,
            gate.outbound,
            gate.callback_origin,
            gate.forms,
        )

    async def work(self) -> int:
        """Do all that is due now."""
        return await drain(self.gate, self.processes, most=500)

    async def advance(self, until: datetime) -> None:
        """Let time pass, doing what falls due in its order."""
        await pass_time(self.gate, self.processes, until, self._move_to, most=2_000)

    async def _move_to(self, at: datetime) -> None:
        self.clock.set(at)

    async def next_due(self) -> datetime | None:
        """When the next thing falls due that nobody is at."""
        async with self.gate.database.reading(None) as db:
            moments = await claims.next_due_of_each(db, self.processes)
        return min(moments.values(), default=None)

    async def connect(self, vendor: str, credentials: Mapping[str, str]) -> accounts.Connected:
        return await accounts.connect(self.gate, self.actor, accounts.Connect(vendor, credentials))


class Nowhere(httpx2.AsyncBaseTransport):
    """The rest of the world: no test calls it."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError(f"no world has the host {request.url.host}", request=request)


@asynccontextmanager
async def build_house(
    database_url: str,
    clock: VirtualClock,
    worlds: Mapping[str, Any],
    workspace_id: UUID | None = None,
    callback_origin: str | None = None,
    warm: Database | None = None,
    is_sandbox: bool = False,
) -> AsyncIterator[House]:
    """`worlds`: host name -> ASGI app of an emulator, reached in-process. `workspace_id`: one that is there already.
    `warm`: connections of somebody who closes them."""
    sandboxes = SandboxTransport()
    mounts: dict[str, httpx2.AsyncBaseTransport] = {ORIGIN: sandboxes}
    mounts |= {f"http://{host}": httpx2.ASGITransport(app) for host, app in worlds.items()}
    async with (
        connected_to(database_url, 8) if warm is None else nullcontext(warm) as database,
        httpx2.AsyncClient(transport=Nowhere(), mounts=mounts, timeout=10) as http,
    ):
        gate = Gate(
            database,
            clock,
            SEALER,
            secrets.SystemRandom(),
            VENDORS,
            http,
            callback_origin=callback_origin,
            forms={SEAM: SeamForm()},
            emulator=VirtualEmulator(),
        )
        sandboxes.gate = gate
        if workspace_id is None:
            workspace_id = new_id()
            async with database.transaction(None) as db:
                await workspaces.insert(
                    db,
                    workspace_id,
                    public_id("ws", workspace_id),
                    "Test",
                    b"salt" * 4,
                    clock.now(),
                    publishable_key=f"seam_pk1_{workspace_id.hex}",
                    is_sandbox=is_sandbox,
                )
        yield House(gate, system(workspace_id, "test"), clock)
