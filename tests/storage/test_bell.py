"""What is told to the listeners of all processes, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from tests.connections import connected_to

from lockstep.kit.ids import new_id
from lockstep.storage.database import Database, tell


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connected_to(database_url) as database:
        yield database


@pytest.fixture
async def heard(database: Database) -> AsyncIterator[asyncio.Queue[str]]:
    """What a listener hears."""
    said: asyncio.Queue[str] = asyncio.Queue()
    unlisten = await database.listen("news", said.put_nowait)
    yield said
    await unlisten()


async def test_what_a_transaction_tells_is_heard_once_and_only_when_it_has_committed(
    database: Database, heard: asyncio.Queue[str]
) -> None:
    workspace_id = new_id()
    async with database.transaction(workspace_id) as db:
        tell(db, "news", "slow")
        tell(db, "news", "slow")
        async with database.transaction(workspace_id) as other:
            tell(other, "news", "quick")
        assert await heard.get() == "quick"
    assert await heard.get() == "slow"
    async with database.transaction(workspace_id) as db:
        tell(db, "news", "last")
    assert await heard.get() == "last"


async def test_what_a_transaction_tells_that_fails_is_never_heard(
    database: Database, heard: asyncio.Queue[str]
) -> None:
    with suppress(ZeroDivisionError):
        async with database.transaction(None) as db:
            tell(db, "news", "of what never was")
            raise ZeroDivisionError
    async with database.reading(None) as db:
        tell(db, "news", "of what is")
    assert await heard.get() == "of what is"


async def test_all_that_was_told_is_heard_before_the_pool_closes(
    database_url: str, heard: asyncio.Queue[str]
) -> None:
    other = await Database.open(database_url)
    async with other.transaction(None) as db:
        for number in range(20):
            tell(db, "news", str(number))
    await other.close()
    assert [await heard.get() for _ in range(20)] == [str(number) for number in range(20)]
