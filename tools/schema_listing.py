"""Writes src/lockstep/storage/schema.txt: tables, columns, constraints, indexes, policies, as the migrations make them.

`python tools/schema_listing.py` needs nothing but the project; the test tests/storage/test_schema.py compares."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import asyncpg

from lockstep.storage.migrations import migrate
from lockstep.storage.server import EmbeddedServer

LISTING = Path(__file__).parents[1] / "src" / "lockstep" / "storage" / "schema.txt"

_PARTS = {
    "columns": """
        select format('%s.%s %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
          case when a.attnotnull then ' not null' else '' end) as line
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
          and not a.attisdropped and not c.relispartition and c.relname <> 'lockstep_migrations'""",
    "constraints": """
        select format('%s: %s', k.conrelid::regclass, pg_get_constraintdef(k.oid)) as line
        from pg_constraint k join pg_class c on c.oid = k.conrelid
        where k.connamespace = 'public'::regnamespace and not c.relispartition and k.contype <> 'n'
          and c.relname <> 'lockstep_migrations'""",
    "indexes": """
        select pg_get_indexdef(i.indexrelid) as line from pg_index i join pg_class c on c.oid = i.indrelid
        where c.relnamespace = 'public'::regnamespace and not c.relispartition
          and c.relname <> 'lockstep_migrations'""",
    "row security": """
        select format('%s%s%s: %s', c.relname, case when c.relrowsecurity then ' on' else ' OFF' end,
          case when c.relforcerowsecurity then ' forced' else ' NOT FORCED' end,
          coalesce(string_agg(pg_get_expr(p.polqual, p.polrelid), ' | '), 'no policy')) as line
        from pg_class c left join pg_policy p on p.polrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and c.relname <> 'lockstep_migrations'
        group by c.relname, c.relrowsecurity, c.relforcerowsecurity""",
}


async def listing(dsn: str) -> str:
    """The schema of a migrated database, as sorted lines."""
    connection = await asyncpg.connect(dsn)
    try:
        parts = []
        for name, statement in _PARTS.items():
            lines = sorted(" ".join(r["line"].split()) for r in await connection.fetch(statement))
            parts.append("\n".join([f"== {name}", *lines]))
        return "\n\n".join(parts) + "\n"
    finally:
        await connection.close()


async def _fresh() -> str:
    server = EmbeddedServer(Path(tempfile.mkdtemp(prefix="lockstep-schema-")), fast_and_unsafe=True)
    dsn = server.start()
    try:
        await migrate(dsn)
        return await listing(dsn)
    finally:
        server.stop()


if __name__ == "__main__":
    text = asyncio.run(_fresh())
    LISTING.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{LISTING.name}: {len(text.splitlines())} lines\n")
