"""A process that has read Lockstep in and stands by: each sandbox is forked from it, ready to begin.

Reading all of it in takes longer than everything else that a sandbox does to begin. It listens on a unix socket in a
folder closed to others, named after the surroundings and the code that it has read in: who comes with other code finds
none, and starts one. It ends when its socket is taken away, or when nobody came for four hours. Where the system has
no such sockets (it is for Linux), or anything about it fails, a sandbox reads everything in by itself."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lockstep.cli.sandbox import forking, made_of
from lockstep.storage.server import make_passable

_IDLE_SECONDS = 4 * 60 * 60
_LOOK_SECONDS = 2.0
_WAITING = 64
"""So many may ask while everything is still being read in."""
_LOCK = "lock"


def reach(folder: Path) -> socket.socket | None:
    """A connection to the process that stands by in `folder`, which is started where there is none; None where it
    cannot be had."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        name = made_of.name()
        with _entered(folder) as inside:
            found = _connected(inside, name)
            if found is None:
                with _alone(inside):
                    # Another one may have started it meanwhile.
                    found = _connected(inside, name) or _started(folder, inside, name)
            return found
    except OSError:
        return None


def dismiss(folder: Path) -> None:
    """Have all that stand by in `folder` end, within seconds."""
    with suppress(OSError), _entered(folder) as inside, _alone(inside):
        _take_away(inside, lambda _: True)


@contextmanager
def _entered(folder: Path) -> Iterator[int]:
    """The folder, opened: only of this account, and closed to all others. Raises OSError."""
    make_passable(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        stat = os.fstat(inside)
        if stat.st_uid != os.geteuid() or stat.st_mode & 0o077:
            raise PermissionError(f"{folder} is open to others")
        yield inside
    finally:
        os.close(inside)


@contextmanager
def _alone(inside: int) -> Iterator[None]:
    lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o600, dir_fd=inside)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _connected(inside: int, name: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(_path(inside, name))
        if forking.is_of_ours(connection):
            return connection
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _started(folder: Path, inside: int, name: str) -> socket.socket | None:
    """Whoever asks can do so at once; it is answered when everything is read in."""
    # Those of older code in the same surroundings have nobody left to serve.
    _take_away(inside, lambda other: other.startswith(made_of.surroundings()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(_path(inside, name))
        listening.listen(_WAITING)
        numbers = (inside, listening.fileno())
        subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, folder, *(str(number) for number in numbers), name],
            pass_fds=numbers,
            cwd="/",
            env=made_of.shaping(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return _connected(inside, name)


def _take_away(inside: int, wanted: Callable[[str], bool]) -> None:
    for name in os.listdir(inside):
        if name != _LOCK and wanted(name):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=inside)


def _path(inside: int, name: str) -> str:
    # Not by the folder's own path, which may be longer than the address of a socket can be.
    return f"/proc/self/fd/{inside}/{name}"


class Standby:
    """Forks a process for whoever asks, and has it do `work`."""

    def __init__(self, name: str, inside: int, listening: socket.socket, work: Callable[[Any], int]) -> None:
        """`listening` is the socket of this name in the folder that is open as `inside`."""
        self._name = name
        self._inside = inside
        self._listening = listening
        self._work = work
        self._socket = self._found()

    def stand(self, *, idle_seconds: float = _IDLE_SECONDS, look_seconds: float = _LOOK_SECONDS) -> None:
        """Until it is taken away, for which it looks now and then, or nobody came for long."""
        self._listening.settimeout(look_seconds)
        give_up_at = time.monotonic() + idle_seconds
        while time.monotonic() < give_up_at:
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                if self._socket is None or self._found() != self._socket:
                    return
                continue
            self._serve(connection)
            give_up_at = time.monotonic() + idle_seconds
        self._end()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if forking.is_of_ours(connection) and os.fork() == 0:
                self._listening.close()
                os.close(self._inside)
                connection.settimeout(None)
                forking.work_for(connection, self._work)

    def _end(self) -> None:
        """Nobody can come any more; who came meanwhile is still served."""
        with suppress(OSError), _alone(self._inside):
            if self._found() == self._socket:
                os.unlink(self._name, dir_fd=self._inside)
        self._listening.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._serve(self._listening.accept()[0])

    def _found(self) -> tuple[int, int, int] | None:
        try:
            stat = os.stat(self._name, dir_fd=self._inside, follow_symlinks=False)
        except OSError:
            return None
        return stat.st_dev, stat.st_ino, stat.st_ctime_ns


def main(inside: int, listening: int, name: str) -> None:
    """Of a process that was started to stand by: read everything in, then stand by."""
    if made_of.name() != name:
        return
    # Nothing of what is read in goes away again.
    gc.disable()
    from lockstep.cli.sandbox import reading_in

    reading_in.read_in()
    gc.freeze()
    # Changed while it was being read in, or with threads, which a fork would lose: then it cannot serve.
    if made_of.name() != name or len(list(Path("/proc/self/task").iterdir())) > 1:
        return
    # Whoever is forked is nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=listening) as taken:
        Standby(name, inside, taken, reading_in.run).stand()


if __name__ == "__main__":
    # The first word is for whoever lists processes.
    main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
