"""Reads what a PostgreSQL server says of itself, in its pid file and on its socket. Starts and stops none."""

import os
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

PORT = 5432
_PID_FILE = "postmaster.pid"
# SSLRequest, answered with one byte before anything else is asked (PostgreSQL's manual, "Message Formats").
_DO_YOU_SPEAK_SSL = struct.pack("!ii", 8, 80877103)


class State(Enum):
    """What a server is doing: `CHANGING` is on its way up or down."""

    READY = "ready"
    CHANGING = "changing"
    GONE = "gone"


@dataclass(frozen=True)
class Postmaster:
    """The lines of postmaster.pid that matter here; `sockets` is the folder its socket lies in.

    Source: src/include/utils/pidfile.h of PostgreSQL 15 to 18.
    """

    pid: int
    sockets: Path
    status: str


def read_postmaster(data: Path) -> Postmaster | None:
    """The server that last wrote its name into `data`, be it alive or not; None where there is none."""
    try:
        lines = (data / _PID_FILE).read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().isdigit():
        return None
    sockets = Path(lines[4].strip()) if len(lines) > 4 else Path()
    return Postmaster(pid=int(lines[0]), sockets=sockets, status=lines[7].strip() if len(lines) > 7 else "")


def state_of(data: Path) -> State:
    """Whether a server is at work on `data`."""
    postmaster = read_postmaster(data)
    if postmaster is None:
        return State.GONE
    if postmaster.status == "ready" and _answers(postmaster.sockets):
        return State.READY
    return State.CHANGING if _works_on(postmaster.pid, data) else State.GONE


def forget_stale(data: Path, sockets: Path) -> None:
    """Remove the locks of a server that is gone where its number still belongs to a process.

    PostgreSQL takes any living process of that number for a server. In containers the same numbers come back
    on every start, and a killed process may stay as a zombie. Of all other stale files it disposes by itself.
    """
    postmaster = read_postmaster(data)
    if postmaster is not None and state_of(data) is State.GONE and _is_alive(postmaster.pid):
        for folder in {sockets, postmaster.sockets}:
            socket_path(folder).with_suffix(f".{PORT}.lock").unlink(missing_ok=True)
        (data / _PID_FILE).unlink(missing_ok=True)


def socket_path(sockets: Path) -> Path:
    """The socket of a server that listens in `sockets`."""
    return sockets / f".s.PGSQL.{PORT}"


def _answers(sockets: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(socket_path(sockets)))
            probe.sendall(_DO_YOU_SPEAK_SSL)
            # Connecting alone proves nothing: the socket of a dying server still takes connections.
            return probe.recv(1) != b""
        except OSError:
            return False


def _works_on(pid: int, data: Path) -> bool:
    if not _is_alive(pid):
        return False
    try:
        # A postmaster stands in its data directory; a process that merely got its number does not.
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except FileNotFoundError:
        # No /proc here (macOS), or it just ended; in doubt leave it to PostgreSQL to judge.
        return not Path("/proc/self/cwd").exists()
    except PermissionError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
