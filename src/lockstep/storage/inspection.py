"""What kind of database this is, and whether it stands as it should: asked before anything is remembered in it.

Changes nothing. Needs no pool, so that it can say why there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg

from lockstep.storage.database import Connection
from lockstep.storage.migrations import migrations

OLDEST_VERSION = 15
_CONNECT_SECONDS = 10.0


class DatabaseTrouble(Exception):
    """The database cannot be used."""

    code = "database_trouble"


class DatabaseUnreachable(DatabaseTrouble):
    """The database does not answer. Check that it runs and that LOCKSTEP_DATABASE_URL names it."""

    code = "database_unreachable"


class DatabaseRefuses(DatabaseTrouble):
    """The database lets nobody in with this name and password. Check LOCKSTEP_DATABASE_URL."""

    code = "database_refuses"


class DatabaseTooOld(DatabaseTrouble):
    """This PostgreSQL is too old: 15 or newer is needed. Upgrade it, or use the embedded one."""

    code = "database_too_old"


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was found. `now` is the database's clock."""

    version: int
    """Major version."""
    now: datetime
    applied: frozenset[str] | None
    """Names of the migrations that it has; None where it has none of Lockstep's tables."""
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    """Migrations that this program does not know: it was migrated by a newer one."""
    unbound: tuple[str, ...]
    """Tables of workspaces that row-level security does not bind."""
    is_above_policies: bool
    """The account is bound by no policy, and there is no role to step down to."""


async def reach(dsn: str) -> None:
    """Raises DatabaseTrouble where `dsn` cannot be used at all."""
    async with connection_to(dsn):
        pass


async def inspect(dsn: str) -> Inspected:
    """Raises DatabaseTrouble."""
    async with connection_to(dsn) as connection:
        has_ours = await connection.fetchval("select to_regclass('public.lockstep_migrations') is not null")
        names = await connection.fetch("select name from lockstep_migrations") if has_ours else []
        applied = frozenset(r["name"] for r in names)
        known = [name for name, _ in migrations()]
        return Inspected(
            version=connection.get_server_version().major,
            now=await connection.fetchval("select clock_timestamp()"),
            applied=applied if has_ours else None,
            missing=tuple(name for name in known if name not in applied),
            unknown=tuple(sorted(applied - set(known))),
            unbound=tuple(r["relname"] for r in await connection.fetch(_UNBOUND)),
            is_above_policies=bool(await connection.fetchval(_ABOVE)),
        )


async def is_current(db: Connection) -> bool:
    """Whether the schema is the one that this program was written for."""
    names = await db.fetch("select name from lockstep_migrations")
    return {r["name"] for r in names} == {name for name, _ in migrations()}


@asynccontextmanager
async def connection_to(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection outside of any pool, as whoever `dsn` names. Raises DatabaseTrouble."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as fault:
        raise DatabaseRefuses(f"{DatabaseRefuses.__doc__} It said: {fault}.") from fault
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as fault:
        raise DatabaseUnreachable(f"{DatabaseUnreachable.__doc__} ({_where(dsn)})") from fault
    try:
        if connection.get_server_version().major < OLDEST_VERSION:
            raise DatabaseTooOld(str(DatabaseTooOld.__doc__))
        yield connection
    finally:
        await connection.close()


def _where(dsn: str) -> str:
    """Host and database, never the password."""
    try:
        parts = urlsplit(dsn)
    except ValueError:
        return "its address cannot be read"
    if parts.scheme not in ("postgres", "postgresql"):
        return "its address begins with postgresql://"
    return f"{parts.hostname or 'unix socket'}{parts.path}"


_UNBOUND = """
  select c.relname from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
  where c.relkind in ('r', 'p') and not c.relispartition and not (c.relrowsecurity and c.relforcerowsecurity)
  order by c.relname"""

_ABOVE = """
  select (rolsuper or rolbypassrls) and not exists (select from pg_roles where rolname = 'lockstep_app')
  from pg_roles where rolname = current_user"""
