"""The real command in a process of its own, and a home that it has for itself."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, TextIO, TypeVar

import httpx2
import pytest
import structlog
from tests.forked import Forked
from typer.testing import CliRunner, Result

from lockstep.cli import first_start
from lockstep.cli.serving import serving
from lockstep.cli.settings import read_settings
from lockstep.cli.wiring import Built, built
from lockstep.cli.words import app
from lockstep.kit.clock import SystemClock
from lockstep.vendors.nuki.emulator import app as nuki_emulator
from lockstep.vendors.virtual.emulator import app as virtual_emulator

T = TypeVar("T")

COMMAND = [sys.executable, "-m", "lockstep.cli"]
_SECONDS = 60

Say = Callable[..., Result]
"""Of the fixture `say`."""


@dataclass
class Home:
    """An empty home: nothing of the caller's environment that is Lockstep's reaches into it."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    _running: list[subprocess.Popen[str] | Forked] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LOCKSTEP_", "XDG_"))}
        return kept | {"HOME": str(self.folder), "LOCKSTEP_DATA": str(self.folder / "data")} | self.settings

    def run(self, *words: str, said_to_it: str = "") -> subprocess.CompletedProcess[str]:
        """Say the words and wait for the end."""
        return subprocess.run(
            [*COMMAND, *words],
            env=self.environment,
            input=said_to_it,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def on_a_terminal(self, *words: str, answers: Sequence[tuple[bytes, bytes]] = ()) -> tuple[int, bytes]:
        """Say the words where somebody sits, and answer each prompt in its turn; the exit status, and all that was
        shown."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, *words],
            env=self.environment | {"TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown, open_answers = b"", list(answers)
        while piece := _read(ours):
            shown += piece
            if open_answers and open_answers[0][0] in shown:
                os.write(ours, open_answers.pop(0)[1] + b"\n")
        os.close(ours)
        if open_answers:
            process.terminate()
        return process.wait(_SECONDS), shown

    def start(self, *words: str, anew: bool = False) -> Running:
        """Say the words and go on. `anew`: in an interpreter of its own, which begins with nothing read in."""
        log = self.folder / f"said-{len(self._running)}.txt"
        with log.open("w") as out:
            process = self._started(words, out) if anew else Forked(words, self.environment, log)
        self._running.append(process)
        return Running(process, log)

    def _started(self, words: Sequence[str], out: TextIO) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            text=True,
        )

    def end(self) -> None:
        """End whatever still runs."""
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def _read(terminal: int) -> bytes:
    if not select.select([terminal], [], [], _SECONDS)[0]:
        return b""
    try:
        return os.read(terminal, 4096)
    except OSError:  # how a terminal tells that the other side has gone
        return b""


@dataclass
class Running:
    """A command that stays."""

    process: subprocess.Popen[str] | Forked
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> str:
        """Everything it said, as soon as `text` is among it."""
        until(lambda: text in self.said, lambda: f"{text!r} was not said, but: {self.said}", self.process)
        return self.said

    def address(self) -> str:
        """Where it serves."""
        said = self.wait_for("serves on http")
        return "http" + said.split("serves on http", 1)[1].split(";")[0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(_SECONDS)


@functools.cache
def http() -> httpx2.Client:
    """For single questions, each on a connection of its own. One client: to make one takes longer than most answers."""
    return httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False)


def until(
    condition: Callable[[], bool],
    otherwise: Callable[[], str],
    process: subprocess.Popen[str] | Forked | None = None,
) -> None:
    """Wait for `condition`; fail where it does not come, or the process has ended without it."""
    give_up_at = time.monotonic() + _SECONDS
    while not condition():
        has_ended = process is not None and process.poll() is not None
        if has_ended and not condition():
            pytest.fail(f"it ended with {process.returncode}: {otherwise()}" if process else otherwise())
        if time.monotonic() > give_up_at:
            pytest.fail(otherwise())
        time.sleep(0.02)


@pytest.fixture
def empty_home() -> Iterator[Home]:
    """Without a database: the command starts the embedded one itself."""
    # Not pytest's own folder, whose parents the server's account may not enter where root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="lockstep-home-"))
    folder.chmod(0o755)
    home = Home(folder)
    yield home
    home.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(database_url: str, empty_home: Home) -> Home:
    """With the tests' own server, which is quicker to reach."""
    empty_home.settings["LOCKSTEP_DATABASE_URL"] = database_url
    return empty_home


@pytest.fixture
def say(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Say]:
    """Say words in this process, which is quicker: `say("status", "--json")`, with `said_to_it` on stdin."""
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    for name in set(os.environ) - set(home.environment):
        monkeypatch.delenv(name)
    handlers, level = logging.root.handlers[:], logging.root.level

    def run(*words: str, said_to_it: str = "") -> Result:
        for name, value in home.settings.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(app, words, input=said_to_it, catch_exceptions=False)
        assert "Traceback" not in result.output
        return result

    yield run
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def ready(home: Home, say: Say, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with a workspace, that may call emulators."""
    home.settings["LOCKSTEP_ALLOW_PRIVATE_ADDRESSES"] = "1"
    monkeypatch.setenv("LOCKSTEP_ALLOW_PRIVATE_ADDRESSES", "1")
    within(lambda lockstep: first_start.set_up(lockstep.gate))
    return home


@pytest.fixture
def nuki() -> Iterator[str]:
    """An emulated Nuki account on a port of its own; its address."""
    with on_a_thread(nuki_emulator.build(SystemClock())) as address:
        yield address


@pytest.fixture
def plain_locks() -> Iterator[str]:
    """Three emulated locks of the virtual vendor's plainest kind; their vendor's address."""
    with on_a_thread(virtual_emulator.build(SystemClock())) as address:
        yield address


def within(work: Callable[[Built], Awaitable[T]]) -> T:
    """Do `work` as a command of this home would."""

    async def run() -> T:
        async with built(read_settings()) as lockstep:
            return await work(lockstep)

    return asyncio.run(run())


@contextmanager
def on_a_thread(app: Any) -> Iterator[str]:
    """Serve an ASGI app while the words under test run in this thread."""
    ready, done = Event(), Event()
    address: list[str] = []

    async def serve() -> None:
        async with serving(app) as at:
            address.append(at)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(_SECONDS)
    yield address[0]
    done.set()
    thread.join(_SECONDS)


def tell_at_once(address: str) -> None:
    """These locks need no time until a reading counts, so that nobody waits for it here."""
    with httpx2.Client(base_url=f"{address}/_emulator", verify=False) as http:
        for lock in http.get("/locks").json()["locks"]:
            changed = http.patch(f"/locks/{lock['id']}", json={"features": {"settling_seconds": 0.1}})
            changed.raise_for_status()


def first_key(said: str) -> str:
    return next(line.strip() for line in said.splitlines() if line.strip().startswith("seam_lockstep_"))
