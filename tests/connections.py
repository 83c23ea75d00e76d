"""Connections that stay from test to test: a fresh one has to learn the schema and each of its statements anew, which
takes the server several times as long as most tests take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from lockstep.operations.gate import Gate
from lockstep.storage.database import Database

_kept: dict[str, tuple[asyncio.AbstractEventLoop, Database]] = {}
"""By address: those of the loop that all tests of this process share."""


@asynccontextmanager
async def keeping(url: str) -> AsyncIterator[None]:
    """Connections to this database stay for as long as this is entered."""
    database = await Database.open(url)
    _kept[url] = (asyncio.get_running_loop(), database)
    try:
        yield
    finally:
        del _kept[url]
        await database.close()


@asynccontextmanager
async def connected_to(url: str, most_connections: int = 10) -> AsyncIterator[Database]:
    """Those that stay, or, where there are none on this loop, some of the caller's own."""
    loop, kept = _kept.get(url, (None, None))
    if kept is not None and loop is asyncio.get_running_loop():
        yield kept
        return
    database = await Database.open(url, most_connections=most_connections)
    try:
        yield database
    finally:
        await database.close()


_ALL_TABLES = """
select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace n on n.oid = relnamespace
where relkind in ('r', 'p') and not relispartition and nspname = 'public' and relname <> 'lockstep_migrations'
"""


class Emptying:
    """Takes all rows out of a database: by one statement that its connection knows, which costs a tenth of one for each
    table."""

    def __init__(self, statement: asyncpg.prepared_stmt.PreparedStatement) -> None:
        self._statement = statement

    @classmethod
    async def on(cls, connection: asyncpg.Connection) -> Emptying:
        """By a connection that writes nothing else."""
        # Triggers and references sleep on it: they guard what is remembered, and here all is to be forgotten.
        await connection.execute("set session_replication_role = replica")
        names = [row["name"] for row in await connection.fetch(_ALL_TABLES)]
        deletions = ", ".join(f"_{number} as (delete from {name})" for number, name in enumerate(names))
        return cls(await connection.prepare(f"with {deletions} select 1"))

    async def __call__(self) -> None:
        await self._statement.fetch()


async def lose_database(gate: Gate) -> None:
    """From now on whatever goes through this gate finds its connections closed."""
    gate.database = await Database.open(gate.database.dsn)
    await gate.database.close()


@asynccontextmanager
async def without_tables(gate: Gate) -> AsyncIterator[None]:
    """Whatever goes through this gate meanwhile finds no tables: a fault of ours."""
    before = gate.database
    more = "&" if "?" in before.dsn else "?"
    gate.database = await Database.open(f"{before.dsn}{more}search_path=nowhere", most_connections=2)
    try:
        yield
    finally:
        await gate.database.close()
        gate.database = before
