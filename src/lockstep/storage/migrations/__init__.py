"""Plain forward migrations: files in order, each applied once, in a transaction, by one process at a time."""

from __future__ import annotations

import hashlib
from importlib import resources

import asyncpg

LOCK = 0x10C57E9
"""Whoever changes the schema holds this advisory lock."""


class MigrationChanged(RuntimeError):
    """A migration that this database has was changed since. Restore the file, and put the change into a new one."""

    code = "migration_changed"


class DatabaseNewer(RuntimeError):
    """The database was migrated by a newer Lockstep. Start that version or a later one."""

    code = "database_newer"


async def migrate(dsn: str) -> list[str]:
    """Bring the database to the current schema; returns the names of the migrations that were applied now."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        await connection.execute(
            "create table if not exists lockstep_migrations ("
            "name text primary key, digest text not null, applied_at timestamptz not null default now())"
        )
        rows = await connection.fetch("select name, digest from lockstep_migrations")
        return await _apply_missing(connection, {r["name"]: r["digest"] for r in rows})
    finally:
        await connection.close()


def migrations() -> list[tuple[str, str]]:
    """Name and text of each migration, in order."""
    folder = resources.files(__package__)
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(name, (folder / name).read_text(encoding="utf-8")) for name in names]


async def _apply_missing(connection: asyncpg.Connection, applied: dict[str, str]) -> list[str]:
    known = migrations()
    if set(applied) - {name for name, _ in known}:
        raise DatabaseNewer(DatabaseNewer.__doc__)
    fresh = []
    for name, text in known:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name in applied:
            if applied[name] != digest:
                raise MigrationChanged(f"{name}: {MigrationChanged.__doc__}")
            continue
        async with connection.transaction():
            await connection.execute(text)
            await connection.execute(
                "insert into lockstep_migrations (name, digest) values ($1, $2)", name, digest
            )
        fresh.append(name)
    return fresh
