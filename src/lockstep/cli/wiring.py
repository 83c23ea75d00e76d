"""Builds everything once, and takes it down again: database, keys, gate, workers, HTTP. The only place that knows
vendors by name."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from lockstep.cli.database import database_of
from lockstep.cli.emulated.emulator import ORIGIN, VirtualEmulator
from lockstep.cli.emulated.transport import SandboxTransport
from lockstep.cli.keyring import sealer_of
from lockstep.cli.settings import Settings, own_folder
from lockstep.cli.vendor_http import outbound_policy, vendor_client
from lockstep.driver.contract import Vendor
from lockstep.driver.measured import measured
from lockstep.http.seam.form import SeamForm
from lockstep.kit.clock import Clock, SystemClock
from lockstep.operations.forms import SEAM
from lockstep.operations.gate import Gate
from lockstep.storage import workspaces
from lockstep.storage.claims import Claim, Queue
from lockstep.storage.database import Database
from lockstep.storage.inspection import reach
from lockstep.storage.migrations import migrate
from lockstep.vendors import VENDORS
from lockstep.workers.accounts.describe import Describer
from lockstep.workers.attempts.perform import Performer
from lockstep.workers.deliveries.deliver import Deliverer
from lockstep.workers.loop import Loop, LoopSettings, Process
from lockstep.workers.reconciler.drivers import Drivers
from lockstep.workers.reconciler.reconcile import Reconciler, ReconcileSettings
from lockstep.workers.reconciler.writing import WriteSettings
from lockstep.workers.sweeps.running import Sweeps


@dataclass(frozen=True, slots=True)
class Built:
    """One process's Lockstep."""

    settings: Settings
    gate: Gate
    dsn: str
    processes: Mapping[Queue, Process]

    def loop(self) -> Loop:
        """This process's share of the work; the caller runs and stops it."""
        work = self.settings.work
        return Loop(self.gate, self.processes, LoopSettings(work.lease, work.at_once))

    def sweeps(self) -> Sweeps:
        """The sequencer and retention; the caller runs and stops them."""
        return Sweeps(self.gate)


@asynccontextmanager
async def built(
    settings: Settings,
    *,
    clock: Clock | None = None,
    vendors: Mapping[str, Vendor] = VENDORS,
    made: Callable[[str, str], None] = lambda vendor, kind: None,
    is_passing: bool = False,
) -> AsyncIterator[Built]:
    """Start or adopt the embedded server (or use one's own), migrate, connect; all is closed at the end.

    `is_passing`: what is remembered is thrown away afterwards, so the disk need not be waited for.
    """
    async with database_of(settings, is_passing=is_passing) as dsn:
        await make_ready(dsn)
        async with built_on(dsn, settings, clock=clock, vendors=vendors, made=made) as lockstep:
            yield lockstep


async def make_ready(dsn: str) -> None:
    """Wait until a server that was started can be asked, and bring the database to this version's schema."""
    await reach(dsn)
    await migrate(dsn)


@asynccontextmanager
async def built_on(
    dsn: str,
    settings: Settings,
    *,
    clock: Clock | None = None,
    vendors: Mapping[str, Vendor] = VENDORS,
    made: Callable[[str, str], None] = lambda vendor, kind: None,
) -> AsyncIterator[Built]:
    """The same, on a database that has this version's schema."""
    database = await Database.open(dsn, most_connections=settings.storage.database_connections)
    try:
        async with database.reading(None) as db:
            is_new = not await workspaces.every(db)
        sandboxes = SandboxTransport()
        async with vendor_client(settings.outbound, {ORIGIN: sandboxes}) as http:
            gate = Gate(
                database,
                clock or SystemClock(),
                sealer_of(settings.sealing, own_folder(settings), is_new=is_new),
                secrets.SystemRandom(),
                {name: measured(vendor) for name, vendor in vendors.items()},
                http,
                outbound_policy(settings.outbound),
                settings.http.callback_origin,
                forms={SEAM: SeamForm()},
                emulator=VirtualEmulator(),
            )
            sandboxes.gate = gate
            yield Built(settings, gate, dsn, processes_of(gate, settings, made))
    finally:
        await database.close()


def processes_of(gate: Gate, settings: Settings, made: Callable[[str, str], None]) -> dict[Queue, Process]:
    """What is done with a claim of each queue."""
    work = settings.work
    drivers = Drivers(gate)
    reconcile = ReconcileSettings(
        WriteSettings(work.call_timeout, work.lease), timedelta(seconds=work.reading_pause_seconds)
    )
    return {
        "accounts": Describer(gate, drivers).process,
        "domains": Reconciler(gate, drivers, reconcile, made).process,
        "attempts": Performer(gate, drivers).process,
        "calendars": _calendars_of(gate),
        "deliveries": Deliverer(gate, random.random).process,
    }


def _calendars_of(gate: Gate) -> Process:
    """The one who pulls calendars is read in when the first is due: iCal takes a tenth of all that is read in."""
    puller: list[Process] = []

    async def process(claim: Claim) -> None:
        if not puller:
            from lockstep.workers.calendars.pull import Puller

            puller.append(Puller(gate).process)
        await puller[0](claim)

    return process
