"""The databases that tests are given."""

import asyncpg
import pytest


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_is_given_a_database_with_the_schema_and_no_rows(
    database_url: str, turn: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        columns = await connection.fetch(
            "select column_name from information_schema.columns where table_name = 'workspaces'"
        )
        assert columns
        assert await connection.fetchval("select count(*) from lockstep_migrations") > 0
        assert await connection.fetchval("select count(*) from idempotency_keys") == 0
    finally:
        await connection.close()
