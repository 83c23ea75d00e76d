"""Real processes on the real clock: a worker killed in the midst of its work, twenty times; and many at once."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
import uvicorn
from tests.conftest import TLS
from tests.forked import CONTEXT
from tests.whole import worker_process
from tests.whole.house import SEALER, House
from tests.whole.stage import Let, Stage, VirtualSite, connected

from lockstep.kit.clock import SystemClock
from lockstep.kit.ids import new_id, public_id
from lockstep.model.permissions import system
from lockstep.operations.gate import Gate
from lockstep.storage import workspaces
from lockstep.storage.database import Database
from lockstep.vendors import VENDORS

KILLS = 20
SEED = 7
HOUR = timedelta(hours=1)
PATIENCE_SECONDS = 60.0
RIGHT_WITHIN_SECONDS = 30.0
"""From a kill until all is right, a new process's start included: a net for what hangs, many times what it takes."""


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The app on a port of loopback, in a thread of this process; gives its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@asynccontextmanager
async def real_stage(database_url: str, locks: int) -> AsyncIterator[Stage]:
    """Quick locks, a served emulator, and a house that declares but does not work."""
    clock: Any = SystemClock()
    features = {
        "settling_seconds": 0.3,
        "late_seconds": 1.0,
        "calls_per_minute": 60_000,
        # The call of a dead worker counts as under way until its permit expires, and here one dies every two seconds.
        "calls_at_once": 64,
    }
    site = VirtualSite(clock, "plain", locks, features)
    database = await Database.open(database_url)
    with served(site.app) as address:
        site.credentials = {"token": "virtual-token", "endpoint": address}
        async with httpx2.AsyncClient(verify=TLS) as http:
            gate = Gate(database, clock, SEALER, secrets.SystemRandom(), VENDORS, http)
            workspace_id = new_id()
            async with database.transaction(None) as db:
                await workspaces.insert(
                    db, workspace_id, public_id("ws", workspace_id), "Test", b"salt" * 4, clock.now()
                )
            yield await connected(House(gate, system(workspace_id, "test"), clock), site)
    await database.close()


@pytest.fixture
def start(database_url: str) -> Iterator[Callable[[], Any]]:
    """Starts a worker process; those still alive at the end are killed."""
    started: list[Any] = []

    def one() -> Any:
        process = CONTEXT.Process(target=worker_process.work, args=(database_url,), daemon=True)
        process.start()
        started.append(process)
        return process

    yield one
    for process in started:
        process.kill()
        process.join(10)


async def eventually(holds: Callable[[], Any], what: str, within: float = PATIENCE_SECONDS) -> None:
    """Wait until `holds()` is true."""
    end = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < end, f"not within {within:.0f} s: {what}"
        await asyncio.sleep(0.02)


async def _is_right(stage: Stage, let: Let, is_cancelled: bool) -> bool:
    (code,) = (await stage.shown(let)).values()
    if is_cancelled:
        return not code.row.entry.belief.may_be_present
    belief, revision = code.row.entry.belief, code.row.entry.declared.revision
    return code.standing.value == "proven" and belief.only == str(revision)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What lies in the database of work that somebody has taken up: the last lease, held ones, open intents."""

    epoch: int
    leases: int
    intents: int


async def _under_way(stage: Stage) -> UnderWay:
    async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
        row = await db.fetchrow(
            """select coalesce(sum(lease_epoch), 0)::bigint as epoch,
                 count(*) filter (where leased_until > clock_timestamp()) as leases,
                 (select count(*) from intents where outcome is null) as intents
               from domains"""
        )
    assert row is not None
    return UnderWay(row["epoch"], row["leases"], row["intents"])


async def _declare(stage: Stage, errand: str, let: Let | None) -> Let:
    if errand == "create" or let is None:
        return await stage.let(stage.site.locks[0], HOUR, 24 * HOUR)
    if errand == "change":
        await stage.change(let, ends_at=(let.ends_at or stage.clock.now()) + HOUR)
    else:
        await stage.cancel(let)
    return let


async def _at_work(stage: Stage, epoch: int, *, is_writing: bool) -> None:
    """Return when a worker has taken the errand up, or at its write; also where it was too quick to be seen at it."""
    writes = stage.writes()
    while True:
        now = await _under_way(stage)
        if now.intents or (now.epoch > epoch and not is_writing) or stage.writes() > writes:
            return
        # Shorter than any step that it is to be met at, and not so short that it has a core to itself.
        await asyncio.sleep(0.002)


@pytest.mark.timeout(300)
async def test_twenty_workers_killed_by_the_system_leave_nothing_undone_or_doubled(
    database_url: str, start: Callable[[], Any], record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(SEED)
    met = Counter[str]()
    longest = 0.0
    async with real_stage(database_url, 1) as stage:
        # A call takes as long as one does: that is when most of a worker's life is at stake.
        stage.site.cloud().change_settings({"latency_seconds": 0.05})
        (lock,) = stage.site.locks
        let: Let | None = None
        worker = start()
        for kill in range(KILLS):
            errand = ("create", "change", "remove")[kill % 3]
            writes, epoch = stage.writes(), (await _under_way(stage)).epoch
            let = await _declare(stage, errand, let)
            is_writing = kill % 2 == 1
            await asyncio.wait_for(_at_work(stage, epoch, is_writing=is_writing), PATIENCE_SECONDS)
            if not is_writing:
                await asyncio.sleep(chance.uniform(0, 0.15))
            worker.kill()
            killed_at = time.monotonic()
            worker.join(10)
            left = await _under_way(stage)
            met.update({"leases": left.leases > 0, "intents": left.intents > 0})
            met["work under way"] += left.leases > 0 or left.intents > 0
            worker = start()
            is_gone = errand == "remove"
            await eventually(
                partial(_is_right, stage, let, is_gone), f"{errand}, kill {kill + 1}", RIGHT_WITHIN_SECONDS
            )
            longest = max(longest, time.monotonic() - killed_at)
            assert stage.site.held(lock) == ([] if is_gone else [let.code])
            assert stage.writes() - writes <= 2, f"{errand}, kill {kill + 1}"
    record_property(
        "told",
        f"{KILLS} processes killed, of these with {dict(met)}; the longest from a kill until right: "
        f"{longest:.1f} s; seed {SEED}",
    )
    assert met["leases"]
    assert met["intents"]


@pytest.mark.timeout(300)
async def test_many_workers_at_once_lose_nothing_and_double_nothing(
    database_url: str, start: Callable[[], Any]
) -> None:
    async with real_stage(database_url, 12) as stage:
        workers = [start() for _ in range(4)]
        lets = [
            await stage.let(lock, HOUR, 24 * HOUR, name=f"Guest {n}")
            for n in range(3)
            for lock in stage.site.locks
        ]
        for n, let in enumerate(lets):
            if n % 3 == 0:
                await stage.change(let, ends_at=(let.ends_at or stage.clock.now()) + HOUR)
            elif n % 3 == 1:
                await stage.cancel(let)
        for n, let in enumerate(lets):
            is_gone = n % 3 == 1
            await eventually(partial(_is_right, stage, let, is_gone), f"guest {n}")
        kept = {let.code for n, let in enumerate(lets) if n % 3 != 1}
        held = [code for lock in stage.site.locks for code in stage.site.held(lock)]
        assert sorted(held) == sorted(code or "" for code in kept)
        # Each code is set once, and once more where it was changed or cancelled after the first write.
        assert stage.writes() <= len(lets) + 2 * len(lets) // 3 + 1
        assert all(worker.is_alive() for worker in workers)
