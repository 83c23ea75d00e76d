"""Processes forked from one that has read Lockstep in: reading it in takes longer than all else that most of them do.

What a process begins with when somebody gives the command is proven by those that are started anew."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lockstep.cli.main import run

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.preloaded"])


class Forked:
    """The command with these words; it is asked as a `subprocess.Popen` is."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], said: Path) -> None:
        """`said`: the file that takes all that it says."""
        self._words = words
        self._process = CONTEXT.Process(target=_be, args=(words, dict(environment), said), daemon=True)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(list(self._words), timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _be(words: Sequence[str], environment: Mapping[str, str], said: Path) -> None:
    """Of the fork: what a process of this command begins with."""
    os.environ.clear()
    os.environ.update(environment)
    nothing, written = os.open(os.devnull, os.O_RDONLY), os.open(said, os.O_WRONLY | os.O_APPEND)
    for number, taken in enumerate((nothing, written, written)):
        os.dup2(taken, number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["lockstep", *words]
    run()
