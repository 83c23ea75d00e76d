"""The databases that tests are given, and the loop that they run on."""

import asyncio

import asyncpg
import pytest
import uvloop


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


async def test_tests_run_on_the_loop_that_lockstep_is_served_on() -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
