"""What a process takes over from the one that stands in for it: streams, folder, variables, and what is asked for."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import time
from typing import Any

_STREAMS = (0, 1, 2)
_LENGTH_BYTES = 4


def has_streams() -> bool:
    """Whether all of stdin, stdout and stderr are there to be handed over."""
    for number in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            return False
    return True


def hand_over(connection: socket.socket, asked: Any) -> None:
    """Send what this process has, and `asked`, which JSON can hold. Raises OSError."""
    mask = os.umask(0o077)
    os.umask(mask)
    said = {"asked": asked, "umask": mask, "variables": dict(os.environ)}
    text = json.dumps(said).encode()
    # Opened to be stood in, and no more: whoever stands in a folder need not be able to read it.
    here = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        socket.send_fds(connection, [len(text).to_bytes(_LENGTH_BYTES)], [*_STREAMS, here])
    finally:
        os.close(here)
    connection.sendall(text)


def take_over(connection: socket.socket) -> Any:
    """Be, from now on, what the other process was; what it asks for. Raises EOFError where it is gone."""
    length, received, _, _ = socket.recv_fds(connection, _LENGTH_BYTES, len(_STREAMS) + 1)
    try:
        said = json.loads(_exactly(connection, int.from_bytes(length)))
        for number, stream in zip(_STREAMS, received, strict=False):
            os.dup2(stream, number)
        os.fchdir(received[-1])
    finally:
        for one in received:
            os.close(one)
    os.umask(said["umask"])
    os.environ.clear()
    os.environ.update(said["variables"])
    time.tzset()
    for written in (sys.stdout, sys.stderr):
        # As Python begins: by lines where somebody reads along.
        if isinstance(written, io.TextIOWrapper):
            written.reconfigure(line_buffering=written is sys.stderr or written.isatty())
    return said["asked"]


def _exactly(connection: socket.socket, length: int) -> bytes:
    text = b""
    while len(text) < length or not length:
        more = connection.recv(length - len(text))
        if not more:
            raise EOFError("the other process is gone")
        text += more
    return text
