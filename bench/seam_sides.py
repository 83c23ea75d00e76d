"""The two servers of bench.seam_face: npm `@seamapi/fake-seam-connect`, which remembers nothing, and a Lockstep with a
worker beside it, both on loopback and asked by the same script."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.place import (
    api_key,
    connect,
    emulator,
    free_port,
    is_quiet,
    lockstep,
    passing_folder,
    process,
    serve_at,
)
from lockstep.cli.wiring import Built
from lockstep.http.seam.present.ids import shown
from lockstep.model.permissions import Actor
from lockstep.operations import lock_codes, workspaces
from lockstep.operations.lock_codes import CreateCode
from lockstep.operations.workspaces import ChangeWorkspace

PACKAGE = "@seamapi/fake-seam-connect"
VERSION = "1.86.0"
DEVICES, AT_ONCE = 5, 16
PROCESSES = 1
SCRIPT = Path(__file__).with_name("seam_face.lua")
FAKE = Path(__file__).with_name("seam_fake.mjs")
FEATURES = {"calls_per_minute": 600_000, "lists_account": True}
NO_PACE = {"LOCKSTEP_REQUESTS_PER_SECOND": "1000000", "LOCKSTEP_BURST": "1000000000"}
NEEDED = {
    "wrk": "Debian's package wrk (apt-get install wrk)",
    "node": "Node.js 18.12 or newer",
    "npm": "npm, which comes with Node.js",
}


class Answers(msgspec.Struct):
    """What the script tells of one run."""

    answers: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def a_second(self) -> float:
        return self.answers / self.seconds


@dataclass(slots=True)
class Side:
    """One server that can be asked."""

    address: str
    key: str = field(repr=False)
    devices: Sequence[str]
    next_code: int = 0
    """Numbers below are those of codes that it holds."""

    async def ask(self, path: str, seconds: int) -> Answers:
        """Over and over on as many connections as are kept. Raises RuntimeError where an answer is no success."""
        words = [
            "wrk",
            "-t1",
            f"-c{AT_ONCE}",
            f"-d{seconds}s",
            "--timeout",
            "20s",
            "-s",
            str(SCRIPT),
            self.address,
        ]
        words += ["--", self.key, path, ",".join(self.devices), str(self.next_code)]
        running = await asyncio.create_subprocess_exec(
            *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told, _ = await running.communicate()
        if running.returncode:
            raise RuntimeError(f"wrk ended with {running.returncode}: {told.decode()[-500:]}")
        found = msgspec.json.decode(told.splitlines()[-1], type=Answers)
        if found.failed:
            raise RuntimeError(f"{self.address} failed {found.failed} of {found.answers} times at {path}")
        # Those that were under way at the end are not counted there.
        self.next_code += found.answers + AT_ONCE
        return found


def require_programs() -> None:
    """Raises SystemExit that says what is missing."""
    missing = [words for name, words in NEEDED.items() if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"This figure needs {', '.join(missing)}.")


async def install(folder: Path) -> Path:
    """The fake's package, in a folder of its own."""
    words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"{PACKAGE}@{VERSION}"]
    running = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told, _ = await running.communicate()
    if running.returncode:
        raise RuntimeError(f"npm could not install {PACKAGE}: {told.decode()[-500:]}")
    return folder / "node_modules" / PACKAGE


@asynccontextmanager
async def fake(package: Path, codes: int) -> AsyncIterator[Side]:
    """The fake, holding so many codes."""
    held = [
        {"code": c.digits, "starts_at": _wire(c.starts_at), "ends_at": _wire(c.ends_at)}
        for c in _codes(codes)
    ]
    running = await asyncio.create_subprocess_exec(
        *("node", str(FAKE), str(package), str(free_port())),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps(held).encode())
        running.stdin.close()
        line = await running.stdout.readline()
        if not line:
            raise RuntimeError(f"the fake ended with {await running.wait()}")
        told = json.loads(line)
        assert len(told["devices"]) == DEVICES, "the fake is seeded otherwise"
        yield Side(told["address"], told["key"], told["devices"], codes)
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


@dataclass(slots=True)
class Ours(Side):
    made: Built = field(kw_only=True, repr=False)
    actor: Actor = field(kw_only=True, repr=False)

    async def until_quiet(self) -> None:
        """Until the worker is there and has nothing due, nor an event to place, so that it takes nothing from the other
        side."""
        while await self._has_events() or not await is_quiet(self.made, self.actor, DEVICES):
            await asyncio.sleep(0.2)

    async def _has_events(self) -> bool:
        async with self.made.gate.database.reading(self.actor.workspace_id) as db:
            return bool(await db.fetchval("select exists (select from unsequenced)"))


@asynccontextmanager
async def ours(codes: int) -> AsyncIterator[Ours]:
    """A Lockstep on a database of its own, fsync as it is, holding so many codes; served by PROCESSES processes, with
    a worker in another."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(passing_folder())
        vendor = await stack.enter_async_context(emulator("plain", DEVICES, FEATURES))
        made, actor = await stack.enter_async_context(lockstep(folder))
        locks = [d.public_id for d in await connect(made, actor, vendor, DEVICES)]
        key = await api_key(made, actor)
        async with made.gate.transaction(actor.workspace_id) as tx:
            # The fake knows no limits for each device.
            await workspaces.change(tx, actor, ChangeWorkspace(is_paced=False))
        await _declare(made, actor, locks, _codes(codes))
        port = free_port()
        options = ["--workers", "none", *(["--share-port"] if PROCESSES > 1 else [])]
        each = [serve_at(folder, port, *options, **NO_PACE) for _ in range(PROCESSES)]
        served, *_ = [await stack.enter_async_context(one) for one in each]
        words = ["-c", "from lockstep.cli.main import run; run()", "work"]
        variables = {"LOCKSTEP_DATA": str(folder), "LOCKSTEP_ALLOW_PRIVATE_ADDRESSES": "true"}
        await stack.enter_async_context(process(words, folder / "work.log", **variables))
        side = Ours(served.address, key, [shown(id) for id in locks], codes, made=made, actor=actor)
        await side.until_quiet()
        yield side


async def _declare(made: Built, actor: Actor, locks: Sequence[str], codes: Iterable[_Code]) -> None:
    left = iter(codes)

    async def some() -> None:
        for c in left:
            command = CreateCode(
                locks[c.number % DEVICES], f"Guest {c.number}", c.starts_at, c.ends_at, c.digits
            )
            # One at a time for each lock, so that none is in another's way.
            async with made.gate.at_once(actor.workspace_id) as tx:
                await lock_codes.create(tx, actor, command)

    await asyncio.gather(*(some() for _ in range(DEVICES)))


@dataclass(frozen=True, slots=True)
class _Code:
    """As the script numbers them."""

    number: int
    digits: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime


def _codes(count: int) -> Iterable[_Code]:
    """Codes as the script makes them: windows all over a year, a month ahead, so that no lock is written to."""
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    for number in range(count):
        starts_at = begins + timedelta(days=number % 365)
        yield _Code(number, f"{number * 7919 % 1_000_000:06}", starts_at, starts_at + timedelta(days=3))


def _wire(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
