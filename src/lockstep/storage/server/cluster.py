"""The files of one server: made whole or not at all, and the settings it runs with."""

import hashlib
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lockstep.storage.server.account import Account
from lockstep.storage.server.binaries import Binaries
from lockstep.storage.server.errors import (
    DirectoryNotOurs,
    DirectoryOfAnother,
    DirectoryUnreachable,
    ServerDidNotStart,
)
from lockstep.storage.server.postmaster import PORT, read_postmaster, socket_path

# The first file to be made in the directory, and so the mark that it is a server's.
START_LOCK = "start.lock"
SUPERUSER = "lockstep"
DATABASE = "lockstep"
DIRECTORY_FOR_ROOT = Path("/var/lib/lockstep/postgres")
# sun_path holds 104 bytes on macOS and 108 on Linux, its closing zero included.
_LONGEST_SOCKET_PATH = 103
# Open to all, so the owner of what lies there is looked at first. TMPDIR may be long, or private to root.
_SHORT_AND_REACHABLE = Path("/tmp")  # noqa: S108
# The first version that can be told how often to hash a password.
_FIRST_WITH_SCRAM_ITERATIONS = 16
_INITDB_SECONDS = 120


@dataclass(frozen=True)
class Cluster:
    """Where the parts lie below `directory`, which is closed to all but the server's account (and root)."""

    directory: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.directory / "data"

    @property
    def databases(self) -> Path:
        """PostgreSQL's folder with one folder for each database."""
        return self.data / "base"

    @property
    def passwords(self) -> Path:
        """The superuser's password in the form of a .pgpass file, mode 0600."""
        return self.directory / "pgpass"

    @property
    def start_log(self) -> Path:
        """What the last start said."""
        return self.directory / "start.log"

    @property
    def shelf(self) -> Path:
        """Where programs are copied to that the account cannot reach."""
        return self.directory / "programs"

    @property
    def sockets(self) -> Path:
        """The folder of the unix socket: beside the data, or elsewhere where that path would be too long."""
        beside = self.directory / "socket"
        path = str(socket_path(beside))
        # A comma would part two folders in PostgreSQL's setting.
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and "," not in path:
            return beside
        mark = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
        return _SHORT_AND_REACHABLE / f"lockstep-{self.account.uid}-{mark}"

    def dsn(self, sockets: Path) -> str:
        """An address for asyncpg and libpq of the server listening in `sockets`; it holds no secret."""
        host, passfile = quote(str(sockets), safe=""), quote(str(self.passwords), safe="")
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={host}&port={PORT}&passfile={passfile}"

    def claim_directory(self) -> None:
        """Make the directory, or take an empty one, and close it to others; raise where it cannot serve."""
        if not self.directory.exists():
            make_passable(self.directory.parent)
        elif any(self.directory.iterdir()) and not (self.directory / START_LOCK).exists():
            raise DirectoryNotOurs(directory=self.directory)
        # Whose server is at work within has entered.
        if (
            self.account.is_other
            and read_postmaster(self.data) is None
            and not self.account.can_enter(self.directory.parent)
        ):
            raise DirectoryUnreachable(
                directory=self.directory, account=self.account.name, suggestion=DIRECTORY_FOR_ROOT
            )
        self._make_private(self.directory)

    def make_sockets(self) -> Path:
        """The folder for the socket, made where it is missing: mode 0700, of the server's account."""
        self._make_private(self.sockets)
        return self.sockets

    def create(self, binaries: Binaries, *, fast_and_unsafe: bool) -> None:
        """Make the data directory with its superuser and database. Complete or absent, also after a kill."""
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.account.make_private(unfinished)
        password = secrets.token_urlsafe(32)
        first_password = self._write_private(unfinished.with_name("password.unfinished"), password)
        self.account.own(first_password)
        hurry = ["--no-sync"] if fast_and_unsafe else []
        self._initdb(binaries, unfinished, first_password, hurry)
        first_password.unlink()
        self._create_database(binaries, unfinished)
        self._write_private(self.passwords, f"*:*:*:{SUPERUSER}:{password}\n")
        with (unfinished / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'lockstep.conf'\n")
        unfinished.rename(self.data)

    def last_words(self) -> str:
        """What the server said on its last start, and since: 2000 characters of it at most."""
        logs = sorted((self.directory / "log").glob("*.log"), key=lambda log: log.stat().st_mtime)
        said = [path.read_text(errors="replace") for path in (self.start_log, *logs[-1:])]
        return "".join(said).rpartition("starting PostgreSQL")[2][-2000:]

    def write_settings(self, sockets: Path, *, fast_and_unsafe: bool) -> None:
        """Write the settings for the next start."""
        path = self.data / "lockstep.conf"
        path.write_text(_settings(sockets, fast_and_unsafe=fast_and_unsafe))
        self.account.own(path)

    def _initdb(self, binaries: Binaries, data: Path, password_file: Path, more: list[str]) -> None:
        # The password is random and long, so that hashing it thousands of times over on each connection,
        # which is meant for what people choose, would cost 10 ms and win nothing.
        once = ["--set=scram_iterations=1"] if binaries.major >= _FIRST_WITH_SCRAM_ITERATIONS else []
        done = self.account.run(
            [
                binaries.folder / "initdb", f"--pgdata={data}", f"--username={SUPERUSER}",
                f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale",
                "--data-checksums", "--no-instructions", *once, *more,
            ],
            seconds=_INITDB_SECONDS,
        )  # fmt: skip
        self._check(done)

    def _create_database(self, binaries: Binaries, data: Path) -> None:
        done = self.account.run(
            [binaries.folder / "postgres", "--single", "-D", data, "postgres"],
            said_to_it=f"create database {DATABASE}\n",
            seconds=_INITDB_SECONDS,
        )
        self._check(done)

    def _check(self, done: "subprocess.CompletedProcess[str]") -> None:
        if done.returncode != 0:
            raise ServerDidNotStart(directory=self.directory, said=done.stdout.strip()[-2000:])

    def _make_private(self, directory: Path) -> None:
        self._refuse_a_strangers(directory)
        self.account.make_private(directory)

    def _refuse_a_strangers(self, directory: Path) -> None:
        # In a folder open to all, such as /tmp, somebody else may have been first with that name.
        try:
            owner = directory.lstat().st_uid
        except FileNotFoundError:
            return
        if directory.is_symlink() or owner not in (self.account.uid, os.geteuid()):
            raise DirectoryOfAnother(directory=directory, owner=owner, wanted=self.account.uid)

    @staticmethod
    def _write_private(path: Path, text: str) -> Path:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return path


def make_passable(directory: Path) -> None:
    """Make `directory` and its missing parents so that others may pass through, whatever the umask says."""
    if not directory.exists():
        make_passable(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)


def _settings(sockets: Path, *, fast_and_unsafe: bool) -> str:
    values = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Statements and the details of broken constraints may carry what belongs to guests.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "logging_collector": "on",
        "log_directory": "../log",
        "log_filename": "postgres-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_size": "0",
        "log_rotation_age": "1d",
    }
    if fast_and_unsafe:
        values |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        values |= {"wal_level": "minimal", "max_wal_senders": "0"}
    lines = (f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in values.items())
    return "# Written by Lockstep on every start; put settings of your own into postgresql.conf.\n" + "".join(
        lines
    )
