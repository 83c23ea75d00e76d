"""(b) Time until the last of 1,000 codes on 200 locks is proven, over the ideal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from bench.figure import Figure
from bench.place import connect, control, emulator, lockstep, passing_folder
from lockstep.cli.wiring import Built
from lockstep.model.permissions import Actor
from lockstep.operations import grants
from lockstep.storage.devices import DeviceRow

LOCKS, CODES_EACH, CALL_SECONDS, AT_ONCE = 200, 5, 0.05, 8
FEATURES = {
    "settling_seconds": 0.02,
    "late_seconds": 0.02,
    "calls_per_minute": 600_000,
    "calls_at_once": AT_ONCE,
    "lists_account": True,
}


async def measure() -> list[Figure]:
    ideal = (LOCKS * CODES_EACH + 2) * CALL_SECONDS / AT_ONCE
    with passing_folder() as folder:
        async with (
            emulator("plain", LOCKS, FEATURES) as address,
            lockstep(folder) as (made, actor),
        ):
            await _declare(made, actor, await connect(made, actor, address, LOCKS))
            await control(address, "PATCH", "/settings", {"latency_seconds": CALL_SECONDS})
            await control(address, "DELETE", "/journal")
            seconds = await _until_proven(made, actor)
            calls = (await control(address, "GET", "/journal"))["calls"]
    writes = sum(c["is_mutating"] for c in calls)
    return [
        Figure(
            "b",
            "until the last of 1,000 codes on 200 locks is proven, over the ideal",
            seconds / ideal,
            1.25,
            detail=f"{seconds:.2f} s, ideal {ideal:.2f} s; {writes} writes, {len(calls) - writes} readings",
        )
    ]


async def _declare(made: Built, actor: Actor, locks: Sequence[DeviceRow]) -> None:
    now = made.gate.clock.now()
    for lock in locks:
        async with made.gate.transaction(actor.workspace_id) as tx:
            for number in range(CODES_EACH):
                starts_at = now + timedelta(hours=1 + number)
                ends_at = starts_at + timedelta(days=2)
                command = grants.CreateGrant("Guest", starts_at, ends_at, device_ids=(lock.public_id,))
                await grants.create(tx, actor, command)


async def _until_proven(made: Built, actor: Actor) -> float:
    loop = made.loop()
    begun = time.perf_counter()
    task = asyncio.create_task(loop.run())
    while await _is_unproven(made, actor):
        await asyncio.sleep(0.05)
    seconds = time.perf_counter() - begun
    loop.stop()
    await task
    return seconds


async def _is_unproven(made: Built, actor: Actor) -> bool:
    async with made.gate.database.reading(actor.workspace_id) as db:
        return bool(
            await db.fetchval(
                "select exists (select from entries where proven_at is null or proven_at < last_write_at)"
            )
        )
