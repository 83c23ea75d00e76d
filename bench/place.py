"""A Lockstep of its own in a passing folder, and an emulated vendor in a process of its own, for measuring."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import psutil

from lockstep.cli.settings import OutboundSettings, Settings, StorageSettings, WorkSettings
from lockstep.cli.wiring import Built, built
from lockstep.kit.clock import Clock
from lockstep.model.permissions import ALL_SCOPES, Actor, system
from lockstep.operations import accounts, api_keys, devices, workspaces
from lockstep.storage.devices import DeviceRow

TOKEN = "bench"
"""Of the emulated vendor."""


@dataclass(frozen=True, slots=True)
class Served:
    """A process that serves: where, its id, and how long it took from its start until it said that it is well."""

    address: str
    process_id: int
    seconds_to_ready: float


@contextmanager
def passing_folder() -> Iterator[Path]:
    """Gone afterwards. Others may pass through it: the database runs as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-bench-"))
    os.chmod(folder, 0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def lockstep(
    folder: Path, clock: Clock | None = None, **work: Any
) -> AsyncIterator[tuple[Built, Actor]]:
    """A workspace, and an actor who may do everything; fsync is on, as for a customer."""
    settings = Settings(
        storage=StorageSettings(data=folder, database_connections=16),
        outbound=OutboundSettings(allow_private_addresses=True),
        work=replace(WorkSettings(), **work),
    )
    async with built(settings, clock=clock) as made:
        workspace_id = await workspaces.create(made.gate, "Bench")
        yield made, system(workspace_id, "bench")


@asynccontextmanager
async def emulator(model: str, locks: int, features: dict[str, Any]) -> AsyncIterator[str]:
    """The virtual vendor's emulator in a process of its own, on the system's clock; yields its address."""
    words = ["-m", "bench.serve_emulator", model, str(locks), json.dumps(features)]
    async with process(words) as running:
        yield await line_of(running)


@asynccontextmanager
async def process(
    words: list[str], log: Path | None = None, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process; ended afterwards, with grace at first. `log`: where it says what people read."""
    with open(log, "ab") if log else nullcontext() as said:
        running = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdout=subprocess.PIPE, stderr=said, env={**os.environ, **variables}
        )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
            try:
                await asyncio.wait_for(running.wait(), 20)
            except TimeoutError:
                running.kill()
                await running.wait()


async def line_of(running: asyncio.subprocess.Process) -> str:
    """The next line that a process prints. Raises RuntimeError where it ended instead."""
    assert running.stdout is not None
    line = (await running.stdout.readline()).decode().strip()
    if not line:
        raise RuntimeError(f"a measured process ended with {await running.wait()}")
    return line


async def control(address: str, method: str, path: str, body: Any = None) -> Any:
    """Ask the emulator's control surface."""
    async with httpx2.AsyncClient(timeout=60) as http:
        answer = await http.request(method, f"{address}/_emulator{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else {}


async def connect(made: Built, actor: Actor, address: str, locks: int) -> list[DeviceRow]:
    """Connect the emulated account and work until each of its `locks` is known and nothing is due."""
    command = accounts.Connect("virtual", {"endpoint": address, "token": TOKEN})
    await accounts.connect(made.gate, actor, command)
    loop = made.loop()
    task = asyncio.create_task(loop.run())
    while not await is_quiet(made, actor, locks):
        await asyncio.sleep(0.1)
    loop.stop()
    await task
    async with made.gate.reading(actor.workspace_id) as tx:
        return await devices.listed(tx, actor, None, locks)


async def api_key(made: Built, actor: Actor, scopes: Iterable[str] = ALL_SCOPES) -> str:
    """The secret of a key that may do everything, or only so much."""
    async with made.gate.transaction(actor.workspace_id) as tx:
        created = await api_keys.create(tx, actor, api_keys.CreateApiKey("Bench", sorted(scopes)))
    return created.secret


async def is_quiet(made: Built, actor: Actor, locks: int) -> bool:
    """Whether all of its `locks` are known, and nothing is due on any."""
    async with made.gate.database.reading(actor.workspace_id) as db:
        known: int = await db.fetchval(
            "select count(*) from devices d join domains q on q.id = d.domain_id where q.due_at > $1",
            made.gate.clock.now(),
        )
    return known == locks


@asynccontextmanager
async def serve(folder: Path, *words: str, **variables: str) -> AsyncIterator[Served]:
    """`lockstep serve` on a free port, on the database of `folder`, ready to answer."""
    async with serve_at(folder, free_port(), *words, **variables) as served:
        yield served


@asynccontextmanager
async def serve_at(folder: Path, port: int, *words: str, **variables: str) -> AsyncIterator[Served]:
    """The same on this port."""
    begun = time.perf_counter()
    variables = {
        "LOCKSTEP_DATA": str(folder),
        "LOCKSTEP_ALLOW_PRIVATE_ADDRESSES": "true",
        "LOCKSTEP_LOG_LEVEL": "warning",
        **variables,
    }
    command = ["-c", "from lockstep.cli.main import run; run()", "serve", "--port", str(port), *words]
    log = folder / "serve.log"
    async with process(command, log, **variables) as running:
        address = f"http://127.0.0.1:{port}"
        await _until_healthy(address, running, log)
        await _until_listening(port, running)
        yield Served(address, running.pid, time.perf_counter() - begun)


async def _until_healthy(address: str, running: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx2.AsyncClient() as http:
        while running.returncode is None:
            with suppress(httpx2.TransportError):
                if (await http.get(f"{address}/health")).status_code == 200:
                    return
            await asyncio.sleep(0.01)
    raise RuntimeError(f"lockstep serve ended with {running.returncode}: {log.read_text()[-2000:]}")


async def _until_listening(port: int, running: asyncio.subprocess.Process) -> None:
    """Where several share a port, any of them answers for it."""
    watched = psutil.Process(running.pid)
    while not any(
        c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in watched.net_connections("tcp")
    ):
        await asyncio.sleep(0.01)


def free_port() -> int:
    """Of loopback; nobody keeps it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
