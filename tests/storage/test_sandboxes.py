"""A sandbox that is reset: each table of a workspace is emptied, or kept for a reason."""

from __future__ import annotations

import asyncpg

from lockstep.storage.sandboxes import EMPTIED, KEPT


async def test_each_table_of_a_workspace_is_emptied_or_kept(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
             and a.attname = 'workspace_id'"""
    )
    await connection.close()
    assert {row["name"] for row in rows} == set(EMPTIED) | KEPT
    assert not set(EMPTIED) & KEPT
