"""Connections and transactions, each within one workspace (or, for the few claims that must, across all)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, NamedTuple, cast
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from lockstep.storage.away import PERHAPS, Away, AwayBefore, is_lost
from lockstep.storage.bell import Bell, News

EVERY_WORKSPACE = "*"


class _Session(asyncpg.Connection):
    """A connection that knows which workspace it serves, and what is to be told when its work is done."""

    __slots__ = ("news", "serves")

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> tuple[Any, Any]:
        """asyncpg asks the server for each type that it does not know, and arrays are such, on each connection anew;
        that is most of what opening one costs. The server's own types, arrays among them, are the same on all servers
        and stay so: they are asked for once in a process."""
        ask: Any = super()._introspect_types  # type: ignore[misc]  # no part of what asyncpg promises, see the test
        wanted = frozenset(typeoids)
        if any(oid >= _FIRST_MADE_BY_USERS for oid in wanted):
            return cast(tuple[Any, Any], await ask(typeoids, timeout))
        if wanted not in _TYPES:
            _TYPES[wanted], _ = await ask(typeoids, timeout)
            # It asked by the nameless statement, and so displaced the one that is being prepared if that has no name.
            return _TYPES[wanted], _Asked(name="")
        return _TYPES[wanted], _Asked(name="nothing was asked")

    async def enter(self, workspace: str) -> None:
        if getattr(self, "serves", None) != workspace:
            # Whoever is ended meanwhile leaves it open which one it has.
            self.serves = None
            await self.execute("select set_config('lockstep.workspace', $1, false)", workspace)
            self.serves = workspace
        self.news: dict[News, None] = {}

    def tell(self, channel: str, payload: str) -> None:
        self.news[channel, payload] = None

    def take_news(self) -> Iterable[News]:
        return self.news


class _Asked(NamedTuple):
    """What asyncpg wants to know of the statement that told it of types."""

    name: str


_FIRST_MADE_BY_USERS = 16_384
"""Object numbers below are given out by PostgreSQL's own source (`FirstNormalObjectId`)."""
_TYPES: dict[frozenset[int], Any] = {}

UNDONE_BY_SERVER = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.TransactionIntegrityConstraintViolationError,
)
"""What a server undid since others were in the way: asked again, it may be done."""
UNDONE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, *UNDONE_BY_SERVER, AwayBefore)
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
        # What is wrong with the address comes out here, by the first; the second can wait for its first use.
        return cls(await _pool(dsn, 1, most_within), await _pool(dsn, 0, most_across), dsn)

    async def close(self) -> None:
        await self._bell.close()
        await self._pool.close()
        await self._across.close()

    @asynccontextmanager
    async def transaction(self, workspace_id: UUID | None) -> AsyncIterator[Connection]:
        """One transaction within a workspace; None: across all of them (claims and authentication only). Raises Away:
        AwayBefore as long as nobody has asked to commit it."""
        # Until there is a connection, that is what fails.
        is_gone = is_undone = True
        try:
            async with self._pool_for(workspace_id).acquire() as connection:
                try:
                    session = await _entered(connection, workspace_id)
                    is_gone = False
                    async with session.transaction():
                        yield session
                        is_undone = False
                except PERHAPS as error:
                    is_gone = is_gone or is_lost(connection, error)
                    raise
                self._bell.ring(session.take_news())
        except PERHAPS as error:
            if is_gone and is_undone:
                raise AwayBefore(_NOT_DONE) from error
            if is_gone:
                raise Away(_NOT_KNOWN) from error
            raise

    def reading(self, workspace_id: UUID | None) -> AbstractAsyncContextManager[Connection]:
        """A connection for single statements that only read; each sees its own snapshot. Raises Away: AwayBefore where
        there was none to be had."""
        return _Reading(self._pool_for(workspace_id), self._bell, workspace_id)

    def _pool_for(self, workspace_id: UUID | None) -> asyncpg.Pool:
        return self._across if workspace_id is None else self._pool

    async def listen(self, channel: str, woken: Callable[[str], None]) -> Callable[[], Awaitable[None]]:
        """Call `woken(payload)` for each NOTIFY; returns what ends it. The connection is its own."""
        connection = await asyncpg.connect(self.dsn)

        def hear(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            woken(str(payload))

        await connection.add_listener(channel, hear)
        return connection.close


_NOT_DONE = "The database is away, and nothing was done."
_NOT_KNOWN = "The database was lost, and it is not known what came of it."


class _Reading(AbstractAsyncContextManager[Connection]):
    """As a generator it takes three times as long, and each request asks so."""

    def __init__(self, pool: asyncpg.Pool, bell: Bell, workspace_id: UUID | None) -> None:
        self._pool = pool
        self._bell = bell
        self._workspace_id = workspace_id
        self._session: _Session | None = None
        self._taken: Any = None

    async def __aenter__(self) -> Connection:
        try:
            self._taken = await self._pool.acquire()
            try:
                self._session = await _entered(self._taken, self._workspace_id)
            except BaseException:
                await self._pool.release(self._taken)
                raise
        except PERHAPS as error:
            raise AwayBefore(_NOT_DONE) from error
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._session is not None:
            self._bell.ring(self._session.take_news())
        is_gone = isinstance(error, PERHAPS) and is_lost(self._taken, error)
        await self._pool.release(self._taken)
        if is_gone:
            raise Away(_NOT_KNOWN) from error


class Borrowed:
    """Does what a connection does for single statements, and is taken from the pool only when the first of them is
    made. `is_held`: it was."""

    def __init__(self, database: Database, workspace_id: UUID) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._taking: AbstractAsyncContextManager[Connection] | None = None
        self._taken: Connection | None = None

    @property
    def is_held(self) -> bool:
        return self._taken is not None

    async def _take(self) -> Connection:
        if self._taken is None:
            self._taking = self._database.reading(self._workspace_id)
            self._taken = await self._taking.__aenter__()
        return self._taken

    async def give_back(self, error: BaseException | None) -> None:
        if self._taken is not None and self._taking is not None:
            await self._taking.__aexit__(None if error is None else type(error), error, None)

    async def fetch(self, statement: str, *values: object) -> Any:
        return await (await self._take()).fetch(statement, *values)

    async def fetchrow(self, statement: str, *values: object) -> Any:
        return await (await self._take()).fetchrow(statement, *values)

    async def fetchval(self, statement: str, *values: object) -> Any:
        return await (await self._take()).fetchval(statement, *values)

    async def execute(self, statement: str, *values: object) -> Any:
        return await (await self._take()).execute(statement, *values)

    def tell(self, channel: str, payload: str) -> None:
        assert self._taken is not None, "what is told of was stored before"
        cast(_Session, self._taken).tell(channel, payload)


async def _entered(connection: Any, workspace_id: UUID | None) -> _Session:
    session = cast(_Session, connection)
    await session.enter(EVERY_WORKSPACE if workspace_id is None else str(workspace_id))
    return session


@asynccontextmanager
async def entering(db: Connection, workspace_id: UUID | None) -> AsyncIterator[None]:
    """Within a transaction: statements inside are made within another workspace; None: across all. Only where two
    workspaces of the installation share something, such as one account of a vendor."""
    session = cast(_Session, db)
    set_for_this_transaction = "select set_config('lockstep.workspace', $1, true)"
    await session.execute(
        set_for_this_transaction, EVERY_WORKSPACE if workspace_id is None else str(workspace_id)
    )
    yield
    # Nothing is undone where it failed: then the transaction is over, and the setting with it.
    await session.execute(set_for_this_transaction, session.serves)


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


async def _pool(dsn: str, least: int, most: int) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        dsn,
        min_size=least,
        max_size=most,
        init=_prepare,
        reset=_leave_as_it_is,
        connection_class=_Session,
        statement_cache_size=_STATEMENTS,
    )


_STATEMENTS = 500
"""Kept by each connection, the oldest go first. There are nearly as many: of 100, which is usual, a process that serves
all of the API prepares most anew all the time."""
_ARRAYS = ("uuid", "text", "bigint", "int", "timestamptz", "jsonb", "bytea")
_ALL_ARRAYS = "select " + ", ".join(f"${n}::{name}[]" for n, name in enumerate(_ARRAYS, 1))


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=_to_json, decoder=msgspec.json.decode, schema="pg_catalog"
        )
    # Asked for at once, they take 12 ms on the first connection; by each statement that brings one up, 7.
    await connection.prepare(_ALL_ARRAYS)
    # A superuser is bound by no policy: step down where the role exists.
    await connection.execute(
        "select set_config('role', 'lockstep_app', false) from pg_roles "
        "where rolname = current_user and (rolsuper or rolbypassrls) "
        "and exists (select from pg_roles where rolname = 'lockstep_app')"
    )


async def _leave_as_it_is(_connection: Any) -> None:
    """Nothing is left behind by our code: settings are the role and the workspace, each set on entry."""


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
