"""A whole database into one file and out of it again, by PostgreSQL's own pg_dump and pg_restore.

What is sealed stays sealed, and the master key is in no file made here."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from lockstep.storage.inspection import connection_to
from lockstep.storage.migrations import LOCK, migrate
from lockstep.storage.server.binaries import known_folders
from lockstep.storage.unread import forget_what_was_read

Advance = Callable[[int, int | None, str], None]
"""Tables done, tables in all, and the one that is being copied."""

# Sees the rows of all workspaces where the account is bound by the policies of its own tables.
_ALL_ROWS = {"PGOPTIONS": "-c lockstep.workspace=*"}
_TABLE = re.compile(r"(?:dumping contents of|processing data for) table \"(?:public\.)?([^\"]+)\"")


class DumpFailed(Exception):
    """The database could not be saved or restored."""

    code = "dump_failed"


class ProgramsMissing(DumpFailed):
    """Neither pg_dump nor pg_restore for this server was found. Install PostgreSQL's client programs of its version."""

    code = "dump_programs_missing"


class DatabaseNotEmpty(DumpFailed):
    """This database is not empty, so nothing was restored. Restore into a new one: set LOCKSTEP_DATA to a new folder,
    or LOCKSTEP_DATABASE_URL to an empty database."""

    code = "database_not_empty"


class ServerOlder(DumpFailed):
    """This was saved from a newer PostgreSQL than the one it is to go into. Restore it into that or a later one."""

    code = "dump_server_older"


class NoBackup(DumpFailed):
    """This file is no backup, or a newer PostgreSQL wrote it. Take the file that `lockstep backup` made."""

    code = "dump_unreadable"


async def save(dsn: str, target: Path, advance: Advance, *, programs: Path | None = None) -> None:
    """Write everything into `target` (mode 0600), complete or not at all. Raises DumpFailed, DatabaseTrouble."""
    async with connection_to(dsn) as connection:
        major = connection.get_server_version().major
        tables = await connection.fetchval(_HOW_MANY_TABLES)
    unfinished = target.with_name(f".{target.name}.unfinished")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        await _run(
            next(_programs("pg_dump", major, programs)),
            ["--format=custom", "--no-owner", "--enable-row-security", f"--file={unfinished}"],
            dsn,
            tables,
            advance,
        )
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


async def restore(
    dsn: str, source: Path, advance: Advance, now: datetime, *, programs: Path | None = None
) -> list[str]:
    """Fill the empty database `dsn` from `source`: all of it or nothing. It only looks until confirmed, and takes
    nothing for proven that it has not read itself.

    Returns the migrations that it needed since it was saved. Raises DumpFailed, DatabaseTrouble.
    """
    async with connection_to(dsn) as connection:
        # Whoever starts meanwhile waits here, and then finds a database that does not rule.
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        if await connection.fetchval(_HAS_ANYTHING):
            raise DatabaseNotEmpty(" ".join(str(DatabaseNotEmpty.__doc__).split()))
        program = reader_of(source, connection.get_server_version().major, programs=programs)
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--enable-row-security"]
        if not await _has_role(connection):
            options.append("--no-privileges")
        await _run(program, [*options, str(source)], dsn, None, advance)
        await connection.execute("select set_config('lockstep.workspace', '*', false)")
        async with connection.transaction():
            for row in await connection.fetch("update workspaces set is_ruling = false returning id"):
                await forget_what_was_read(connection, row["id"], now)
    return await migrate(dsn)


def reader_of(source: Path, server: int, *, programs: Path | None = None) -> Path:
    """The pg_restore that can read `source` and write to a server of this major version. Raises DumpFailed."""
    for program in _programs("pg_restore", server, programs):
        done = subprocess.run(
            [program, "--list", source],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
        if done.returncode == 0:
            match = re.search(r"Dumped from database version: (\d+)", done.stdout)
            if match and int(match[1]) > server:
                raise ServerOlder(f"{ServerOlder.__doc__} ({match[1]} into {server})")
            return program
    raise NoBackup(str(NoBackup.__doc__))


async def _has_role(connection: asyncpg.Connection) -> bool:
    """The role that the rights in the file are given to; made where it may be."""
    await connection.execute(_MAKE_ROLE)
    return bool(
        await connection.fetchval("select exists (select from pg_roles where rolname = 'lockstep_app')")
    )


async def _run(program: Path, options: Sequence[str], dsn: str, tables: int | None, advance: Advance) -> None:
    address, password = _parted(dsn)
    # The password goes by the environment: arguments can be read by everybody on the machine.
    secret = {"PGPASSWORD": password} if password else {}
    process = await asyncio.create_subprocess_exec(
        program,
        "--verbose",
        "--no-password",
        f"--dbname={address}",
        *options,
        env={**os.environ, "LC_ALL": "C", **_ALL_ROWS, **secret},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[str] = []
    done = 0
    async for line in process.stderr:
        text = line.decode(errors="replace").strip()
        said.append(text)
        if match := _TABLE.search(text):
            done += 1
            advance(done, tables, match[1])
    if await process.wait() != 0:
        raise DumpFailed(f"{program.name} failed, and nothing was changed. It said: {_complaint(said)}")


def _complaint(said: Sequence[str]) -> str:
    """The lines that tell of an error, without rows of tables."""
    errors = [line for line in said if "error:" in line or "FATAL:" in line]
    return " ".join((errors or list(said))[-2:])[:500]


def _parted(dsn: str) -> tuple[str, str | None]:
    """The address without its password, and the password."""
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn, None
    account, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{account.partition(':')[0]}@{host}")), unquote(parts.password)


def _programs(name: str, server: int, wanted: Path | None) -> Iterator[Path]:
    """The nearest to the server's version first: an older one refuses it, a much newer one writes what it cannot read.

    Raises ProgramsMissing where there is none.
    """
    folders = [wanted] if wanted is not None else list(_folders())
    found = sorted(
        (major, number, folder / name)
        for number, folder in enumerate(folders)
        if (major := _major(folder / name)) is not None and major >= server
    )
    if not found:
        raise ProgramsMissing(f"{ProgramsMissing.__doc__} (PostgreSQL {server})")
    return (program for _, _, program in found)


def _folders() -> Iterator[Path]:
    yield from known_folders()
    if (found := shutil.which("pg_dump")) is not None:
        yield Path(found).resolve().parent


def _major(program: Path) -> int | None:
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(match[1]) if match else None


_HOW_MANY_TABLES = """
  select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public' and c.relkind = 'r'"""

_HAS_ANYTHING = """
  select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public')"""

_MAKE_ROLE = """
do $$ begin
  if not exists (select from pg_roles where rolname = 'lockstep_app') then
    create role lockstep_app nologin;
  end if;
exception when duplicate_object or unique_violation or insufficient_privilege then null;
end $$"""
