"""(f) The API over one bare Starlette and asyncpg insert or select, each in turn on the same machine and database."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import asyncpg

from bench.figure import Figure
from bench.load import answers_per_second, http_request
from bench.place import api_key, connect, emulator, line_of, lockstep, passing_folder, process, serve
from bench.serve_bare import TABLE
from lockstep.model.permissions import DEFAULT_SCOPES

LOCKS, ROUNDS, SECONDS = 200, 5, 2.0
FEATURES = {"calls_per_minute": 600_000, "lists_account": True}
NO_PACE = {"LOCKSTEP_REQUESTS_PER_SECOND": "1000000", "LOCKSTEP_BURST": "1000000000"}

Rates = dict[str, list[float]]


async def measure() -> list[Figure]:
    with passing_folder() as folder:
        async with emulator("plain", LOCKS, FEATURES) as vendor, lockstep(folder) as (made, actor):
            locks = [d.public_id for d in await connect(made, actor, vendor, LOCKS)]
            key = await api_key(made, actor, DEFAULT_SCOPES)
            rates = await _rates(folder, made.dsn, key, locks)
    return [
        _figure("creating a grant with one code", "insert", rates, 0.25),
        _figure("listing 50 grants", "select", rates, 0.5),
    ]


async def _rates(folder: Path, dsn: str, key: str, locks: Sequence[str]) -> Rates:
    """Answers a second of each round; the four take turns, so that what else the machine does strikes all alike."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    await connection.close()
    creation = _creations(locks)
    async with (
        process(["-m", "bench.serve_bare", dsn]) as bare_process,
        # The workers of a busy Lockstep run in processes of their own.
        serve(folder, "--workers", "none", **NO_PACE) as ours,
    ):
        bare = await line_of(bare_process)
        asked: dict[str, tuple[str, Callable[[], bytes]]] = {
            "bare insert": (bare, lambda: http_request("POST", "/", body=creation())),
            "our insert": (ours.address, lambda: http_request("POST", "/v1/access_grants", key, creation())),
            "bare select": (bare, lambda: http_request("GET", "/")),
            "our select": (ours.address, lambda: http_request("GET", "/v1/access_grants?limit=50", key)),
        }
        rates: Rates = {name: [] for name in asked}
        for number in range(ROUNDS + 1):
            for name, (address, request) in asked.items():
                rate = await answers_per_second(address, request, seconds=SECONDS)
                if number:  # the first round warms up
                    rates[name].append(rate)
    return rates


def _creations(locks: Sequence[str]) -> Callable[[], bytes]:
    """Bodies of requests for grants: each lock in turn, windows all over a year."""
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    numbers = itertools.count()

    def body() -> bytes:
        number = next(numbers)
        starts_at = begins + timedelta(hours=number * 7 % 8000)
        sent = {
            "name": f"Guest {number}",
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(days=3)).isoformat(),
            "device_ids": [locks[number % len(locks)]],
        }
        return json.dumps(sent).encode()

    return body


def _figure(what: str, kind: str, rates: Rates, limit: float) -> Figure:
    ours, bare = rates[f"our {kind}"], rates[f"bare {kind}"]
    ratios = [o / b for o, b in zip(ours, bare, strict=True)]
    return Figure(
        "f",
        f"API at concurrency 16, {what}, over one bare {kind}",
        median(ratios),
        limit,
        at_least=True,
        detail=f"{median(ours):.0f} over {median(bare):.0f} a second; "
        f"median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f}",
    )
