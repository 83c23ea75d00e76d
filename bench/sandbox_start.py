"""(i) `lockstep sandbox --seed`: from its start to /health, alone and eight together; how soon it is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bench.figure import Figure
from bench.place import passing_folder

STARTS, TOGETHER = 7, 8
_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class _Started:
    process: subprocess.Popen[bytes]
    port: int
    begun: float

    def seconds_to_health(self) -> float:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as asked:
                    asked.sendall(b"GET /health HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\r\n")
                    if asked.recv(64).startswith(b"HTTP/1.1 200"):
                        return time.perf_counter() - self.begun
            except OSError:
                time.sleep(0.01)
            assert time.perf_counter() - self.begun < _PATIENCE, "the sandbox did not come up"

    def seconds_to_end(self) -> float:
        begun = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(_PATIENCE) == 0
        return time.perf_counter() - begun


def measure() -> list[Figure]:
    with passing_folder() as folder, _warm(folder):
        alone, processor, ends = [], [], []
        for _ in range(STARTS):
            before = _processor_seconds(folder)
            started = _start(folder)
            alone.append(started.seconds_to_health())
            own = _seconds_of(psutil.Process(started.process.pid))
            processor.append(own + _processor_seconds(folder) - before)
            ends.append(started.seconds_to_end())
        several = [_start(folder) for _ in range(TOGETHER)]
        together = max(one.seconds_to_health() for one in several)
        for one in several:
            one.process.send_signal(signal.SIGTERM)
        for one in several:
            one.process.wait(_PATIENCE)
    return [
        Figure(
            "i",
            "seeded sandbox, database warm: start to /health",
            median(alone),
            1.5,
            " s",
            detail=f"median of {STARTS}, {min(alone):.2f} to {max(alone):.2f} s, "
            f"{median(processor):.2f} s of processor time in all processes",
        ),
        Figure("i", f"{TOGETHER} seeded sandboxes together: start to the last /health", together, 5, " s"),
        Figure("i", "seeded sandbox: SIGTERM to gone, database dropped", max(ends), 2, " s"),
    ]


@contextmanager
def _warm(folder: Path) -> Iterator[None]:
    """The server is up, the template made and a process stands by, as after anybody's first start."""
    first = _start(folder)
    first.seconds_to_health()
    first.seconds_to_end()
    try:
        yield
    finally:
        subprocess.run(_command("--stop"), env=_environment(folder), check=True, capture_output=True)


def _processor_seconds(folder: Path) -> float:
    """Of the database server, of the process that stands by, and of all that they have made."""
    found = [one for one in psutil.process_iter() if any(str(folder) in word for word in _words(one))]
    within = {below.pid: below for one in found for below in (one, *one.children(recursive=True))}
    return sum(_seconds_of(one) for one in within.values())


def _words(process: psutil.Process) -> list[str]:
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words


def _seconds_of(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.Error:
        return 0
    return float(used.user + used.system + used.children_user + used.children_system)


def _start(folder: Path) -> _Started:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    begun = time.perf_counter()
    process = subprocess.Popen(
        _command("--seed"),
        env=_environment(folder) | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return _Started(process, port, begun)


def _command(option: str) -> list[str]:
    return [sys.executable, "-m", "lockstep.cli", "sandbox", option]


def _environment(folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LOCKSTEP_", "XDG_"))}
    return kept | {"LOCKSTEP_DATA": str(folder)}
