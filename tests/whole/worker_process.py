"""A worker as a process of its own, on the real clock, for tests that kill it."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from datetime import timedelta

import httpx2
from tests.whole.house import SEALER

from lockstep.kit.clock import SystemClock
from lockstep.operations.gate import Gate
from lockstep.storage.database import Database
from lockstep.vendors import VENDORS
from lockstep.workers.loop import Loop, LoopSettings
from lockstep.workers.reconciler.drivers import Drivers
from lockstep.workers.reconciler.reconcile import Reconciler, ReconcileSettings
from lockstep.workers.reconciler.writing import WriteSettings

LEASE = timedelta(seconds=1)
CALL_TIMEOUT = timedelta(milliseconds=500)
_TLS = ssl.create_default_context()
"""Once, before processes are made of this one: it takes longer than all else that they begin with."""


def work(database_url: str) -> None:
    """Until it is killed."""
    asyncio.run(_work(database_url))


async def _work(database_url: str) -> None:
    database = await Database.open(database_url)
    async with httpx2.AsyncClient(timeout=5, verify=_TLS) as http:
        gate = Gate(database, SystemClock(), SEALER, secrets.SystemRandom(), VENDORS, http)
        settings = ReconcileSettings(WriteSettings(CALL_TIMEOUT, LEASE), timedelta(0))
        reconciler = Reconciler(gate, Drivers(gate), settings, lambda vendor, kind: None)
        await Loop(gate, {"domains": reconciler.process}, LoopSettings(LEASE, 4)).run()
