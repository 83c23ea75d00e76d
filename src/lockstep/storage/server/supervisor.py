"""Starts, adopts and stops the embedded server, which several processes share. Knows no table."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from lockstep.storage.server.account import account_to_run_as
from lockstep.storage.server.binaries import find_binaries, within_reach
from lockstep.storage.server.cluster import DIRECTORY_FOR_ROOT, START_LOCK, Cluster
from lockstep.storage.server.errors import ServerDidNotStart, ServerDidNotStop, ServerStaysBetween
from lockstep.storage.server.postmaster import State, forget_stale, read_postmaster, state_of
from lockstep.storage.server.spread import spread

_WAIT_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.02
# What PostgreSQL says while backends of a killed server hold its memory: until they notice, milliseconds.
_STILL_HELD = "pre-existing shared memory block"
_TRIES = 20
_BETWEEN_TRIES_SECONDS = 0.25


def default_directory(environ: Mapping[str, str]) -> Path:
    """Where the server's files lie unless a setting says otherwise.

    The caller's data folder (XDG), or for root one that the server's unprivileged account can reach.
    """
    if os.geteuid() == 0:
        return DIRECTORY_FOR_ROOT
    home = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "lockstep" / "postgres"


class EmbeddedServer:
    """One PostgreSQL server in `directory`, reached by a unix socket in a folder closed to others (0700).

    Shared: whoever starts while it runs adopts it, and the last one to stop ends it. It lives on when the
    process that started it is killed, and is adopted by the next.
    Every connection gives a password, since the other ways fail here: `trust` would let in whatever else runs
    as the account that root lends the server, and `peer` asks for the same account on both sides, by name,
    which root and nameless container accounts do not have. The password is made on the first start and
    lies in a file of mode 0600 that the address names, so that the address itself holds no secret.
    """

    def __init__(
        self,
        directory: Path,
        binaries: Path | None = None,
        *,
        fast_and_unsafe: bool = False,
        patience: float = _WAIT_SECONDS,
    ) -> None:
        """`binaries` is the folder of initdb, pg_ctl and postgres; without it they are looked for.

        `fast_and_unsafe` survives no power cut: for tests. Whoever starts the server decides it for all.
        `patience`: seconds for which a server that is on its way up or down is waited for.
        """
        self._cluster = Cluster(directory.absolute(), account_to_run_as())
        self._wanted_binaries = binaries
        self._fast_and_unsafe = fast_and_unsafe
        self._patience = patience
        self._in_use: IO[str] | None = None

    @property
    def dsn(self) -> str:
        """The address of the database `lockstep` on this server, for its superuser; holds no secret."""
        postmaster = read_postmaster(self._cluster.data)
        return self._cluster.dsn(postmaster.sockets if postmaster else self._cluster.sockets)

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs that fit the data, such as pg_dump where it is among them."""
        return find_binaries(self._wanted_binaries, data=self._cluster.data).folder

    def start(self) -> str:
        """Start the server or adopt a running one, and return its address. Raises ServerError."""
        self._cluster.claim_directory()
        with self._alone():
            self._bring_up()
            if self._in_use is None:
                self._in_use = self._open("in-use.lock")
                fcntl.flock(self._in_use, fcntl.LOCK_SH)
        return self.dsn

    def stop(self) -> bool:
        """Leave the server, and end it where nobody else uses it; whether it was ended.

        Harmless where it was never started. Raises ServerDidNotStop.
        """
        if self._in_use is None:
            return False
        with self._alone():
            is_last = _nobody_else_holds(self._in_use)
            self._in_use.close()
            self._in_use = None
            if is_last and state_of(self._cluster.data) is not State.GONE:
                self._end()
        return is_last

    def leave(self) -> None:
        """Leave the server and let it run on, whoever else uses it: the next to start adopts it."""
        if self._in_use is not None:
            self._in_use.close()
            self._in_use = None

    def _bring_up(self) -> None:
        # A server that comes up while we hold the lock was started by a process that was killed meanwhile.
        state, said = self._settled_state(), ""
        if state is State.CHANGING:
            raise ServerStaysBetween(directory=self._cluster.directory, seconds=self._patience)
        for _ in range(_TRIES):
            if state is State.READY:
                return
            said = self._launch()
            state = state_of(self._cluster.data)
            if _STILL_HELD not in said:
                break
            time.sleep(_BETWEEN_TRIES_SECONDS)
        if state is not State.READY:
            raise ServerDidNotStart(directory=self._cluster.directory, said=said)

    def _settled_state(self) -> State:
        give_up_at = time.monotonic() + self._patience
        while (state := state_of(self._cluster.data)) is State.CHANGING and time.monotonic() < give_up_at:
            time.sleep(_LOOK_AGAIN_SECONDS)
        return state

    def _launch(self) -> str:
        cluster = self._cluster
        binaries = within_reach(
            find_binaries(self._wanted_binaries, data=cluster.data), cluster.account, cluster.shelf
        )
        if not cluster.data.exists():
            cluster.create(binaries, fast_and_unsafe=self._fast_and_unsafe)
        forget_stale(cluster.data, sockets := cluster.make_sockets())
        cluster.write_settings(sockets, fast_and_unsafe=self._fast_and_unsafe)
        if self._fast_and_unsafe:
            # Databases come and go there.
            spread(cluster.databases)
        cluster.start_log.write_text("")
        cluster.account.own(cluster.start_log)
        done = cluster.account.run(
            [
                binaries.folder / "pg_ctl", "start", "--silent", "--wait", f"--timeout={_WAIT_SECONDS:.0f}",
                f"--pgdata={cluster.data}", f"--log={cluster.start_log}",
            ],
            seconds=_WAIT_SECONDS + 10,
        )  # fmt: skip
        return f"{done.stdout}{cluster.last_words()}".strip()

    def _end(self) -> None:
        cluster = self._cluster
        binaries = within_reach(
            find_binaries(self._wanted_binaries, data=cluster.data), cluster.account, cluster.shelf
        )
        done = cluster.account.run(
            [
                binaries.folder / "pg_ctl", "stop", "--silent", "--mode=fast", "--wait",
                f"--timeout={_WAIT_SECONDS:.0f}", f"--pgdata={cluster.data}",
            ],
            seconds=_WAIT_SECONDS + 10,
        )  # fmt: skip
        if done.returncode != 0 and state_of(cluster.data) is not State.GONE:
            raise ServerDidNotStop(directory=cluster.directory, said=done.stdout.strip())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody else start or stop this server meanwhile; ends with the process, however it ends."""
        with self._open(START_LOCK) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open(self, name: str) -> IO[str]:
        path = self._cluster.directory / name
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")


def _nobody_else_holds(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
