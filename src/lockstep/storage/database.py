"""Connections and transactions, each within one workspace (or, for the few claims that must, across all)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from lockstep.storage.bell import Bell, News

EVERY_WORKSPACE = "*"
LEAST_CONNECTIONS = 2
"""One within workspaces and one across them: whoever holds the latter may want the former, as at the first start."""


class _Session(asyncpg.Connection):
    """A connection that knows which workspace it serves, and what is to be told when its work is done."""

    __slots__ = ("news", "serves")

    async def enter(self, workspace: str) -> None:
        if getattr(self, "serves", None) != workspace:
            await self.execute("select set_config('lockstep.workspace', $1, false)", workspace)
            self.serves = workspace
        self.news: dict[News, None] = {}

    def tell(self, channel: str, payload: str) -> None:
        self.news[channel, payload] = None

    def take_news(self) -> Iterable[News]:
        return self.news


UNDONE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.TransactionRollbackError)
"""Errors of a single statement that tell for certain that it did nothing."""

Connection = asyncpg.Connection | PoolConnectionProxy
"""What storage functions take: a connection whose workspace is already set."""


class Database:
    """Connections. The workspace is a session setting, changed only when a connection serves another one, so that
    row-level security costs no round trip for the same workspace again. Claims and authentication, which look across
    workspaces all the time, have connections of their own for the same reason."""

    def __init__(self, pool: asyncpg.Pool, across: asyncpg.Pool, dsn: str) -> None:
        self._pool = pool
        self._across = across
        self._bell = Bell(across)
        self.dsn = dsn

    @classmethod
    async def open(cls, dsn: str, *, most_connections: int = 10) -> Database:
        """Connect; `dsn` as asyncpg takes it. Row-level security binds this process from here on. Below
        LEAST_CONNECTIONS it takes these all the same; whoever listens has a connection besides."""
        most_across = max(1, most_connections // 4)
        most_within = max(1, most_connections - most_across)
        return cls(await _pool(dsn, most_within), await _pool(dsn, most_across), dsn)

    async def close(self) -> None:
        await self._bell.close()
        await self._pool.close()
        await self._across.close()

    @asynccontextmanager
    async def transaction(self, workspace_id: UUID | None) -> AsyncIterator[Connection]:
        """One transaction within a workspace; None: across all of them (claims and authentication only)."""
        async with self._pool_for(workspace_id).acquire() as connection:
            session = await _entered(connection, workspace_id)
            async with session.transaction():
                yield session
            self._bell.ring(session.take_news())

    @asynccontextmanager
    async def reading(self, workspace_id: UUID | None) -> AsyncIterator[Connection]:
        """A connection for single statements that only read; each sees its own snapshot."""
        async with self._pool_for(workspace_id).acquire() as connection:
            session = await _entered(connection, workspace_id)
            yield session
            self._bell.ring(session.take_news())

    def _pool_for(self, workspace_id: UUID | None) -> asyncpg.Pool:
        return self._across if workspace_id is None else self._pool

    async def listen(self, channel: str, woken: Callable[[str], None]) -> Callable[[], Awaitable[None]]:
        """Call `woken(payload)` for each NOTIFY; returns what ends it. The connection is its own."""
        connection = await asyncpg.connect(self.dsn)

        def hear(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            woken(str(payload))

        await connection.add_listener(channel, hear)
        return connection.close


async def _entered(connection: Any, workspace_id: UUID | None) -> _Session:
    session = cast(_Session, connection)
    await session.enter(EVERY_WORKSPACE if workspace_id is None else str(workspace_id))
    return session


def tell(db: Connection, channel: str, payload: str) -> None:
    """Tell all who listen, when the transaction has committed; what is told twice in it is heard once."""
    cast(_Session, db).tell(channel, payload)


def one_or_several(first: int, types: Sequence[str]) -> tuple[str, str]:
    """Where a statement takes rows from, as FROM has it: one row of parameters of these types, the first of which has
    the number `first`; or as many as their arrays have. For arrays, whose length it does not know, the server makes a
    new plan at each call, and that takes longer than what mostly is one row."""
    numbered = list(enumerate(types, first))
    one = ", ".join(f"${n}::{name}" for n, name in numbered)
    several = ", ".join(f"${n}::{name}[]" for n, name in numbered)
    return f"(values ({one}))", f"unnest({several})"


async def _pool(dsn: str, most: int) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=most,
        init=_prepare,
        reset=_leave_as_it_is,
        connection_class=_Session,
    )


_ARRAYS = ("uuid", "text", "bigint", "int", "timestamptz", "jsonb", "bytea")
_ALL_ARRAYS = "select " + ", ".join(f"${n}::{name}[]" for n, name in enumerate(_ARRAYS, 1))


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=_to_json, decoder=msgspec.json.decode, schema="pg_catalog"
        )
    # Types that asyncpg does not know, and arrays are such, it asks the server for, on each connection anew: 7 ms for
    # each statement that brings one up, and 12 for all of them at once.
    await connection.prepare(_ALL_ARRAYS)
    # A superuser is bound by no policy: step down where the role exists.
    is_above = await connection.fetchval(
        "select (rolsuper or rolbypassrls) and exists (select from pg_roles where rolname = 'lockstep_app') "
        "from pg_roles where rolname = current_user"
    )
    if is_above:
        await connection.execute("set role lockstep_app")


async def _leave_as_it_is(_connection: Any) -> None:
    """Nothing is left behind by our code: settings are the role and the workspace, each set on entry."""


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
