"""Two ends of one connection: a process that asks, and one forked for it that does the work in its name.

The fork has the asker's streams, folder and variables; signals reach it and its exit status comes back; when the asker
is gone, it ends as by SIGTERM. No thread and no event loop may run where it is forked."""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from lockstep.cli.failing import FAILED
from lockstep.cli.sandbox.handed import hand_over, take_over

_RELAYED = (signal.SIGTERM, signal.SIGINT)
_TAKEN = b"\0"
_PATIENCE_SECONDS = 60.0
"""For how long whoever asks waits to be taken: everything may be being read in, on a busy machine."""


def is_of_ours(connection: socket.socket) -> bool:
    """Whether the other end is a process of this account."""
    size = struct.calcsize("3i")
    _, account, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(account == os.geteuid())


def ask(connection: socket.socket, asked: Any) -> int | None:
    """Have `asked` done in the name of this process, until it has ended; its exit status. None: nobody took it, and
    nothing was done."""
    connection.settimeout(_PATIENCE_SECONDS)
    try:
        if connection.recv(len(_TAKEN)) != _TAKEN:
            return None
    except OSError:
        return None
    connection.settimeout(None)
    relayed: list[int] = []

    def relay(number: int, _frame: Any) -> None:
        relayed.append(number)
        with suppress(OSError):
            connection.send(bytes([number]))

    # Held back until all is handed over, or a signal would be sent in the midst of it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _RELAYED)
    for each in _RELAYED:
        signal.signal(each, relay)
    with suppress(OSError):
        hand_over(connection, asked)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _RELAYED)
    return _status(connection, relayed)


def _status(connection: socket.socket, relayed: list[int]) -> int:
    said = b""
    with suppress(OSError):
        while more := connection.recv(1):
            said = more
    if said:
        return said[0]
    if len(relayed) > 1:
        # Told to twice, it ended at once.
        return 128 + relayed[-1]
    sys.stderr.write("It ended without a word: something else ended it.\n")
    return FAILED


def work_for(connection: socket.socket, work: Callable[[Any], int]) -> NoReturn:
    """Of a process that was just forked: take over from whoever asks, do `work`, and end with its status."""
    status = FAILED
    try:
        asked = _taken_over(connection)
        threading.Thread(target=_heed, args=(connection,), daemon=True).start()
        status = work(asked)
    except _Forsaken:
        pass
    except BaseException:  # noqa: BLE001  # told, as by Python itself
        traceback.print_exc()
    finally:
        for written in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                written.flush()
        with suppress(OSError):
            connection.send(bytes([status]))
        # What was read in before the fork is not this process's to take down.
        os._exit(status)


class _Forsaken(Exception):
    """Whoever asked is gone before anything was begun."""


def _taken_over(connection: socket.socket) -> Any:
    _begin_anew()
    try:
        connection.sendall(_TAKEN)
        return take_over(connection)
    except (EOFError, OSError) as fault:
        raise _Forsaken from fault


def _begin_anew() -> None:
    # Away from the terminal and the group of whoever it was forked from: signals come by the connection alone.
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _heed(connection: socket.socket) -> None:
    with suppress(OSError):
        while numbers := connection.recv(16):
            for number in numbers:
                os.kill(os.getpid(), number)
    os.kill(os.getpid(), signal.SIGTERM)
