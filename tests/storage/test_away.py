"""A connection that is lost: whether it is certain that nothing was done, and that nothing else is taken for it."""

from __future__ import annotations

import asyncpg
import pytest

from lockstep.storage.away import Away, AwayBefore
from lockstep.storage.database import Connection, Database


async def lose(database_url: str, db: Connection) -> None:
    """The server ends this connection."""
    pid = await db.fetchval("select pg_backend_pid()")
    somebody = await asyncpg.connect(database_url)
    await somebody.execute("select pg_terminate_backend($1, 5000)", pid)
    await somebody.close()


async def lose_and_ask(database_url: str, db: Connection) -> None:
    await lose(database_url, db)
    await db.execute("select 1")


@pytest.fixture
async def database(database_url: str) -> Database:
    return await Database.open(database_url, most_connections=2)


async def test_what_is_lost_before_the_commit_was_not_done(database: Database, database_url: str) -> None:
    with pytest.raises(AwayBefore):
        async with database.transaction(None) as db:
            await lose_and_ask(database_url, db)
    # And the next one has a connection that works.
    async with database.transaction(None) as db:
        assert await db.fetchval("select 1") == 1
    await database.close()


async def test_what_is_lost_with_the_commit_may_have_been_done(database: Database, database_url: str) -> None:
    with pytest.raises(Away) as lost:
        async with database.transaction(None) as db:
            await lose(database_url, db)
    assert not isinstance(lost.value, AwayBefore)
    await database.close()


async def test_a_statement_that_stands_by_itself_and_is_lost_may_have_been_done(
    database: Database, database_url: str
) -> None:
    with pytest.raises(Away) as lost:
        async with database.reading(None) as db:
            await lose_and_ask(database_url, db)
    assert not isinstance(lost.value, AwayBefore)
    await database.close()


async def test_where_there_is_no_connection_nothing_was_done(database: Database) -> None:
    await database.close()
    with pytest.raises(AwayBefore):
        async with database.reading(None):
            pytest.fail("there is none")
    with pytest.raises(AwayBefore):
        async with database.transaction(None):
            pytest.fail("there is none")


async def test_a_fault_of_ours_is_not_taken_for_a_lost_connection(database: Database) -> None:
    for lent in (database.reading, database.transaction):
        with pytest.raises(asyncpg.InterfaceError):
            async with lent(None) as db:
                await db.fetch("select $1::text")
        with pytest.raises(FileNotFoundError):
            async with lent(None):
                raise FileNotFoundError
    await database.close()
