"""What each connection to the database begins with."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from lockstep.kit.ids import new_id
from lockstep.storage.database import Database


async def test_the_servers_own_types_are_asked_for_once_in_a_process(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await Database.open(database_url)
    await first.close()

    def asked_again(_self: object, types: object, _timeout: object) -> None:
        pytest.fail(f"the server was asked for the types {types}")

    # No part of what asyncpg promises: where it is gone, so is what makes a connection cheap.
    assert hasattr(asyncpg.Connection, "_introspect_types")
    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", asked_again)
    database = await Database.open(database_url)
    async with database.reading(None) as db:
        assert await db.fetchval("select $1::text[] || 'b'::text", ["a"]) == ["a", "b"]
        assert await db.fetchval("select $1::jsonb[]", [{"a": 1}]) == [{"a": 1}]
    await database.close()


async def test_a_type_that_the_schema_makes_is_asked_for_on_each_connection(database_url: str) -> None:
    for _ in range(2):
        database = await Database.open(database_url)
        async with database.transaction(None) as db:
            await db.execute("create type pg_temp.mood as enum ('calm', 'tired')")
            assert await db.fetchval("select array['tired']::pg_temp.mood[]") == ["tired"]
        await database.close()


async def test_a_connection_whose_entering_was_ended_serves_the_workspace_that_it_says(
    database_url: str,
) -> None:
    database = await Database.open(database_url, most_connections=2)
    one, other = new_id(), new_id()
    serving = "select current_setting('lockstep.workspace')"

    async def enter(workspace_id: UUID) -> str:
        async with database.reading(workspace_id) as db:
            found: str = await db.fetchval(serving)
            return found

    # However far it has come: the server may have changed the setting when nobody waits for that any more.
    for turns in range(120):
        assert await enter(one) == str(one)
        task = asyncio.create_task(enter(other))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await enter(one) == str(one)
    await database.close()
