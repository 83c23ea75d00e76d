"""All that a database holds, for tests that say that nothing was written."""

from __future__ import annotations

import asyncpg


async def everything(database_url: str) -> str:
    """As text: the same before and after what changes nothing."""
    connection = await asyncpg.connect(database_url)
    try:
        names = await connection.fetch(
            "select relname from pg_class join pg_namespace n on n.oid = relnamespace "
            "where relkind = 'r' and nspname = 'public' order by relname"
        )
        parts = [f"select '{name}: ' || t::text as line from \"{name}\" t" for (name,) in names]
        rows = await connection.fetch(" union all ".join(parts) + " order by 1")
        return "\n".join(row["line"] for row in rows)
    finally:
        await connection.close()
