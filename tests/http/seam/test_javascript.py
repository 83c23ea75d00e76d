"""npm `seam` walks through the main paths, unmodified, on the Node.js that `js/package-lock.json` pins beside it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.http.seam.parts import Home
from tools.build_assets import npm

from lockstep.emulation.clock import VirtualClock
from lockstep.kit.clock import SystemClock
from lockstep.kit.outbound import OutboundPolicy
from lockstep.workers.deliveries.deliver import Deliverer
from lockstep.workers.sweeps.backup_pools import fill_all
from lockstep.workers.sweeps.sequencer import sequence_all

ROOT = Path(__file__).parents[3]
JS = Path(__file__).with_name("js")
LOCKED = (JS / "package.json", JS / "package-lock.json", ROOT / ".npmrc")

SAID: dict[str, Any] = {
    "workspace": {"name": "Test", "is_sandbox": False},
    "devices": {"count": 2, "type": "nuki_lock", "name": "Door 1", "locked": True},
    "events": {
        "told": [["access_code.created", True]],
        "listed": [True],
        "one": "access_code.created",
        "hooks": 0,
    },
    "code": {
        "seen": [
            ["Anna Smith", "472931", "setting", 0],
            ["Anna Smith", "472931", "set", 0],
            ["Anna Berg", "813526", "set", 0],
            ["Anna Berg", "813526", "removing", 0],
        ],
        "listed": [True],
        "gone": [404, "access_code_not_found"],
    },
    "multiple": {"locks": [0, 1], "digits": 1, "repeated": True, "names": ["Window cleaners"] * 2},
    "pages": {"first": 2, "hasNextPage": True, "second": 2, "same": True},
    "unmanaged": {"name": "Grandma", "code": "734512", "is_managed": False, "then": ["734512", True]},
    "backup": {"name": "Ben", "is_backup": True, "is_another": True},
    "doors": {
        "waited": ["UNLOCK_DOOR", "success", True],
        "pending": ["pending", None],
        "done": [True, "success"],
    },
    "spaces": {"inside": 2, "listed": ["Villa"], "name": "Beach house", "left": 0},
    "grants": {
        "ends_at": True,
        "method": ["code", True],
        "identity": "Carla Diaz",
        "gone": [404, "access_grant_not_found"],
    },
    "customers": {"spaces": ["Villa"], "left": 0},
    "webview": {"status": "pending", "url": True},
    "faults": {
        "digits": [True, 400, "invalid_input"],
        "about": 1,
        "request": True,
        "unknown": [True, 401],
    },
    "sessions": {"seen": 2, "status": "success", "seenAgain": 2, "revoked": 401},
}
"""What each step has to say."""


@pytest.fixture
def clock() -> VirtualClock:
    """Begins at the real time, since receivers hold a signature's time against their own clock."""
    return VirtualClock(SystemClock().now())


@pytest.fixture(scope="session")
def packages(pytestconfig: pytest.Config) -> Path:
    """The folder `node_modules` that the lock file describes: kept for other runs, and fetched by one at a time."""
    assert pytestconfig.cache is not None
    kept = pytestconfig.cache.mkdir("npm-seam")
    place = kept / hashlib.sha256(b"".join(path.read_bytes() for path in LOCKED)).hexdigest()[:16]
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _fetch(place)
    return place / "node_modules"


def _fetch(place: Path) -> None:
    """Complete, or not there; what other lock files described is forgotten."""
    for left in place.parent.glob("*/"):
        shutil.rmtree(left)
    unfinished = place.with_name("unfinished")
    unfinished.mkdir()
    for path in LOCKED:
        shutil.copy(path, unfinished)
    # Without install scripts: the one of npm's `node` fetches its program without a hash, so that is named by itself.
    words = ["ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"]
    subprocess.run([*npm(), *words], cwd=unfinished, check=True)
    unfinished.rename(place)


@pytest.fixture
async def walking(home: Home, packages: Path, tmp_path: Path) -> AsyncIterator[Process]:
    """The walk, begun, as a program in a folder of its own."""
    home.house.gate.outbound = OutboundPolicy(allow_private=True)
    home.house.processes["deliveries"] = Deliverer(home.house.gate, lambda: 0.0).process
    (tmp_path / "node_modules").symlink_to(packages)
    shutil.copy(JS / "walk.mjs", tmp_path)
    (node,) = packages.glob("node-*/bin/node")
    words = (str(node), "walk.mjs", home.url, home.key)
    process = await asyncio.create_subprocess_exec(*words, cwd=tmp_path, stdin=PIPE, stdout=PIPE)
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def walked(home: Home, process: Process) -> dict[str, Any]:
    """What each step said: by its name. What is due is done meanwhile."""
    assert process.stdin is not None
    assert process.stdout is not None
    said: dict[str, Any] = {}
    while line := await beside(home, process.stdout.readline()):
        told = json.loads(line)
        if "wait" in told:
            await fill_all(home.house.gate)
            await home.settle()
            await sequence_all(home.house.gate)
            await home.house.work()
            process.stdin.write(b"\n")
        else:
            said[told["step"]] = told["said"]
    assert await process.wait() == 0
    return said


async def beside(home: Home, asked: Coroutine[Any, Any, bytes]) -> bytes:
    """As `Home.ask`, for what does not block this loop."""
    asking = asyncio.ensure_future(asked)
    while not asking.done():
        await home.house.work()
        await asyncio.wait({asking}, timeout=0.02)
    return asking.result()


@pytest.mark.timeout(300)
async def test_the_javascript_sdk_walks_through_the_main_paths(home: Home, walking: Process) -> None:
    home.world.put_code_in_app(home.world.lock_ids()[0], None, {"name": "Grandma", "code": "734512"})
    await home.look(await home.lock())
    said = await walked(home, walking)
    assert said == SAID
