"""Whom the server runs as: the caller, or where that is root an unprivileged account that exists already."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lockstep.storage.server.errors import AccountMissing

# PostgreSQL refuses root. Debian's `postgres` owns nothing but databases; `nobody` is on every system.
_ACCOUNTS_FOR_ROOT = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """Numbers and name of the account; `is_other` where it is not the caller's own."""

    uid: int
    gid: int
    name: str
    is_other: bool

    def run(
        self, program: Sequence[str | Path], *, seconds: float, said_to_it: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Run `program` to its end as this account, with what it said on both streams in `stdout`.

        Raises PermissionError where this account may not execute it, TimeoutExpired after `seconds`.
        """
        # From /, since the account may not be allowed where the caller stands.
        return subprocess.run(
            [str(word) for word in program],
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
            cwd="/",
            env=_without_postgres_settings(os.environ),
            input=said_to_it,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )

    def can_enter(self, directory: Path) -> bool:
        """Whether this account can pass through all the parents of `directory` and into it."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory], seconds=10).returncode == 0

    def make_private(self, directory: Path) -> None:
        """Make `directory` where it is missing, give it to this account and close it to all others."""
        directory.mkdir(mode=0o700, exist_ok=True)
        self.own(directory)
        directory.chmod(0o700)

    def own(self, path: Path) -> None:
        """Give `path` itself to this account."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_to_run_as() -> Account:
    """The caller's account, or for root an unprivileged one. Raises AccountMissing."""
    uid = os.geteuid()
    if uid != 0:
        return Account(uid=uid, gid=os.getegid(), name=str(uid), is_other=False)
    for name in _ACCOUNTS_FOR_ROOT:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name, is_other=True)
    raise AccountMissing(accounts=", ".join(_ACCOUNTS_FOR_ROOT))


def _without_postgres_settings(environ: Mapping[str, str]) -> dict[str, str]:
    # PGDATA and the like would turn the programs to another server; LC_ALL keeps what they say English.
    return {name: value for name, value in environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
