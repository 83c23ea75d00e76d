"""(c) From the API's answer until the vendor is asked: nobody waits for a queue on an idle system."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

import httpx2

from bench.figure import Figure
from bench.place import api_key, connect, control, emulator, lockstep, passing_folder, serve
from lockstep.storage.devices import DeviceRow

LOCKS, SAMPLES = 20, 200
FEATURES = {
    "settling_seconds": 0.05,
    "late_seconds": 0.05,
    "calls_per_minute": 600_000,
    "lists_account": True,
}
QUIET_SECONDS = 0.6
"""Between two samples, and long enough for a write to be read back: each finds an idle system."""


async def measure() -> list[Figure]:
    with passing_folder() as folder:
        async with emulator("plain", LOCKS, FEATURES) as address, lockstep(folder) as (made, actor):
            locks = await connect(made, actor, address, LOCKS)
            key = await api_key(made, actor)
            async with (
                serve(folder) as served,
                httpx2.AsyncClient(
                    base_url=served.address, headers={"authorization": f"Bearer {key}"}
                ) as api,
            ):
                await asyncio.sleep(2)
                samples = await _samples(api, address, locks)
    samples.sort()
    p99 = samples[int(len(samples) * 0.99) - 1]
    return [
        Figure(
            "c",
            "API answer to first vendor write journalled, idle system, p99 of 200",
            p99,
            250,
            " ms",
            detail=f"median {median(samples):.1f} ms, longest {samples[-1]:.1f} ms",
        )
    ]


async def _samples(api: httpx2.AsyncClient, vendor: str, locks: Sequence[DeviceRow]) -> list[float]:
    """Milliseconds, each on the next lock in turn; below 0 where the vendor was asked before we had the answer."""
    found = []
    for number in range(SAMPLES):
        await control(vendor, "DELETE", "/journal")
        starts_at = datetime.now(UTC) + timedelta(hours=1 + number // LOCKS)
        body = {
            "name": "Guest",
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(days=1)).isoformat(),
            "device_ids": [locks[number % LOCKS].public_id],
        }
        answer = await api.post("/v1/access_grants", json=body)
        answered_at = time.time()
        answer.raise_for_status()
        found.append((await _written_at(vendor) - answered_at) * 1000)
        await asyncio.sleep(QUIET_SECONDS)
    return found


async def _written_at(vendor: str) -> float:
    """When the first mutating call arrived, as the vendor's journal has it; both clocks are this machine's."""
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        calls = (await control(vendor, "GET", "/journal"))["calls"]
        written = [c["at"] for c in calls if c["is_mutating"]]
        if written:
            return datetime.fromisoformat(written[0]).timestamp()
        await asyncio.sleep(0.02)
    raise RuntimeError("nothing was written within 30 s")
