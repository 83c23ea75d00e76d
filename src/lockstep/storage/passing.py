"""Databases that pass: cloned from a template in a few hundredths of a second, dropped when their process ends."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_ANY_LOCK = 0x10C57EA
"""Whoever makes a template holds this advisory lock."""
_TEMPLATE, _CLONE = "lockstep_template_", "lockstep_passing_"


async def clone(server: str, digest: str, fill: Callable[[str], Awaitable[None]]) -> str:
    """The address of a fresh database on this server. `digest` says what the template is made of; the first one to ask
    for it has `fill` make it, in an empty database of which it is given the address."""
    connection = await asyncpg.connect(_of(server, "postgres"))
    try:
        template = f"{_TEMPLATE}{digest}"
        name = f"{_CLONE}{os.getpid()}_{secrets.token_hex(4)}"
        if not await _is_there(connection, template):
            await _make(connection, server, template, fill)
        # Copying files is the quickest where nothing waits for the disk.
        await connection.execute(f'create database "{name}" template "{template}" strategy file_copy')
    finally:
        await connection.close()
    return _of(server, name)


async def drop(address: str) -> None:
    """For good, whoever is connected."""
    connection = await asyncpg.connect(_of(address, "postgres"))
    try:
        await connection.execute(f'drop database if exists "{_name_of(address)}" with (force)')
    finally:
        await connection.close()


async def drop_forsaken(server: str) -> int:
    """Those whose process has ended without dropping them, and templates of other digests that nobody asks for any
    more stay; how many were dropped. Only for a server of this machine."""
    connection = await asyncpg.connect(_of(server, "postgres"))
    try:
        names = [
            row["datname"]
            for row in await connection.fetch(
                "select datname from pg_database where starts_with(datname, $1)", _CLONE
            )
        ]
        forsaken = [n for n in names if not _is_alive(int(n.removeprefix(_CLONE).split("_")[0]))]
        for name in forsaken:
            await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()
    return len(forsaken)


async def _make(
    connection: asyncpg.Connection, server: str, template: str, fill: Callable[[str], Awaitable[None]]
) -> None:
    # Several may come here at once; the first one makes it, the others wait.
    await connection.execute("select pg_advisory_lock($1)", _ANY_LOCK)
    try:
        if await _is_there(connection, template):
            return
        unfinished = f"{template}_unfinished"
        await connection.execute(f'drop database if exists "{unfinished}" with (force)')
        await connection.execute(f'create database "{unfinished}"')
        await fill(_of(server, unfinished))
        await connection.execute(f'alter database "{unfinished}" rename to "{template}"')
    finally:
        await connection.execute("select pg_advisory_unlock($1)", _ANY_LOCK)


async def _is_there(connection: asyncpg.Connection, name: str) -> bool:
    return bool(await connection.fetchval("select true from pg_database where datname = $1", name))


def _of(address: str, name: str) -> str:
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


def _name_of(address: str) -> str:
    return urlsplit(address).path.removeprefix("/")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
