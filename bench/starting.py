"""(g) From nothing running to ready; the memory that Lockstep takes with 10,000 codes on 200 locks; the whole demo."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

import httpx2
import psutil

from bench.figure import Figure
from bench.place import Served, api_key, connect, emulator, lockstep, passing_folder, serve
from lockstep.cli.wiring import Built
from lockstep.model.permissions import Actor
from lockstep.operations import grants

LOCKS, CODES_EACH, LOCKS_EACH, STARTS = 200, 50, 20, 5
FEATURES = {"calls_per_minute": 600_000, "settling_seconds": 2, "late_seconds": 2, "lists_account": True}
SETTINGS = {"LOCKSTEP_REQUESTS_PER_SECOND": "1000000", "LOCKSTEP_BURST": "1000000"}
LISTS = ("access_codes", "access_grants", "arrivals", "devices", "events", "guests", "audit")
MB = 1_000_000
COMMAND = Path(__file__).parents[1] / "lockstep"


async def measure() -> list[Figure]:
    with passing_folder() as empty:
        first = await _start(empty)
    with passing_folder() as folder:
        memory, detail = await _memory(folder)
        starts = [await _start(folder) for _ in range(STARTS)]
    seconds, processor = [s for s, _ in starts], median(p for _, p in starts)
    return [
        Figure(
            "g",
            "cold start to ready, PostgreSQL included, on the data of 10,000 codes",
            median(seconds),
            3,
            " s",
            detail=f"median of {STARTS}, {min(seconds):.2f} to {max(seconds):.2f} s, "
            f"{processor:.2f} s of processor time in Lockstep itself; "
            f"the very first start, which makes the database, {first[0]:.2f} s",
        ),
        Figure("g", "memory with 10,000 codes on 200 locks", memory, 250, " MB", detail=detail),
        await asyncio.to_thread(_demo),
    ]


async def _start(folder: Path) -> tuple[float, float]:
    """Seconds until /health says that all is well, and seconds of the process's own processor time until then."""
    assert not (folder / "postgres" / "data" / "postmaster.pid").exists(), "the database runs already"
    async with serve(folder) as served:
        used = psutil.Process(served.process_id).cpu_times()
        return served.seconds_to_ready, used.user + used.system


def _demo() -> Figure:
    """The whole command as it is typed, once; what it is made from was installed and compiled before."""
    begun, used = time.perf_counter(), _processor_seconds()
    told = subprocess.run([COMMAND, "demo", "--once"], capture_output=True, text=True, check=False)
    seconds, used = time.perf_counter() - begun, _processor_seconds() - used
    if told.returncode:
        raise RuntimeError(f"the demo ended with {told.returncode}: {(told.stdout + told.stderr)[-2000:]}")
    summary = told.stdout.splitlines()[-1].rstrip(".")
    return Figure(
        "g",
        "`demo --once` from its start to its end, set up before",
        seconds,
        30,
        " s",
        detail=f"{summary}; {used:.2f} s of processor time in Lockstep itself",
    )


def _processor_seconds() -> float:
    """Of all processes that this one began and that have ended; the database goes its own way and is not among them."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


async def _memory(folder: Path) -> tuple[float, str]:
    """Resident megabytes of one Lockstep that wrote all the codes and was asked for all its lists; and how it came."""
    async with emulator("plain", LOCKS, FEATURES) as vendor, lockstep(folder) as (made, actor):
        await _declare(made, actor, [d.public_id for d in await connect(made, actor, vendor, LOCKS)])
        key = await api_key(made, actor)
        async with serve(folder, **SETTINGS) as served:
            process = psutil.Process(served.process_id)
            at_first = process.memory_info().rss
            await _until_proven(made, actor)
            await _ask(served, key)
            now = process.memory_full_info()
            return now.rss / MB, (
                f"RSS; PSS {now.pss / MB:.0f} MB, at most {_highest(process) / MB:.0f} MB at any time, "
                f"{at_first / MB:.0f} MB when it was ready; PostgreSQL beside it {_postgres(folder) / MB:.0f} MB (PSS)"
            )


async def _declare(made: Built, actor: Actor, device_ids: list[str]) -> None:
    """Grants that begin within the next two days, so that all of their codes are written ahead."""
    now = made.gate.clock.now()
    for begin in range(0, LOCKS, LOCKS_EACH):
        for number in range(CODES_EACH):
            starts_at = now + timedelta(hours=2, minutes=45 * number)
            command = grants.CreateGrant(
                f"Guest {begin} {number}",
                starts_at,
                starts_at + timedelta(days=7),
                device_ids=tuple(device_ids[begin : begin + LOCKS_EACH]),
            )
            async with made.gate.transaction(actor.workspace_id) as tx:
                await grants.create(tx, actor, command)


async def _until_proven(made: Built, actor: Actor) -> None:
    while True:
        async with made.gate.database.reading(actor.workspace_id) as db:
            left = await db.fetchval(
                "select count(*) from entries where proven_at is null or proven_at < last_write_at"
            )
        if not left:
            return
        await asyncio.sleep(1)


async def _ask(served: Served, key: str) -> None:
    """Every list from its beginning to its end, and the page of the day's arrivals."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=served.address, headers=headers, timeout=60) as api:
        for name in LISTS:
            cursor: dict[str, str] = {}
            while True:
                answer = await api.get(f"/v1/{name}", params={"limit": "100", **cursor})
                answer.raise_for_status()
                page = answer.json()
                if not page["has_more"]:
                    break
                cursor = {"cursor": page["next_cursor"]}


def _highest(process: psutil.Process) -> int:
    """The most that was ever resident, in bytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _postgres(folder: Path) -> int:
    """All processes of the embedded server together, shared pages counted once, in bytes."""
    first = int((folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
    server = psutil.Process(first)
    return sum(p.memory_full_info().pss for p in (server, *server.children(recursive=True)))
