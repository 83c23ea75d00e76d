"""Row security beneath the code: a connection within one workspace reads and writes nothing of another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from lockstep.kit.ids import new_id, public_id
from lockstep.storage import guests, workspaces
from lockstep.storage.database import Database

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, most_connections=1)
    yield opened
    await opened.close()


async def _workspace(database: Database) -> UUID:
    id = new_id()
    async with database.transaction(id) as db:
        await workspaces.insert(db, id, public_id("ws", id), "Test", b"salt", NOW)
        row = guests.GuestRow(new_id(), f"guest_{id.hex}", None, "Anna", None, None, None, NOW)
        await guests.insert(db, id, row)
    return id


async def test_rows_of_another_workspace_are_not_there_whatever_the_statement_asks(
    database: Database,
) -> None:
    ours, theirs = await _workspace(database), await _workspace(database)
    async with database.reading(ours) as db:
        assert await db.fetchval("select count(*) from guests") == 1
        assert await db.fetchval("select count(*) from guests where workspace_id = $1", theirs) == 0
        assert await db.fetchval("select count(*) from workspaces") == 1
    async with database.reading(theirs) as db:
        assert await db.fetchval("select workspace_id from guests") == theirs


async def test_a_row_cannot_be_written_into_another_workspace(database: Database) -> None:
    ours, theirs = await _workspace(database), await _workspace(database)
    row = guests.GuestRow(new_id(), "guest_x", None, "Eve", None, None, None, NOW)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(ours) as db:
            await guests.insert(db, theirs, row)
    async with database.transaction(ours) as db:
        assert (
            await db.execute("update guests set name = 'Eve' where workspace_id = $1", theirs) == "UPDATE 0"
        )
        assert await db.execute("delete from guests where workspace_id = $1", theirs) == "DELETE 0"


async def test_claims_see_every_workspace_and_the_next_transaction_only_its_own(database: Database) -> None:
    ours, theirs = await _workspace(database), await _workspace(database)
    async with database.transaction(None) as db:
        assert await db.fetchval("select count(*) from guests") == 2
    async with database.transaction(ours) as db:
        assert {r["workspace_id"] for r in await db.fetch("select workspace_id from guests")} == {ours}
    assert ours != theirs


async def test_the_process_works_without_the_rights_of_a_superuser(database: Database) -> None:
    async with database.reading(new_id()) as db:
        assert await db.fetchval("select current_user") == "lockstep_app"
        assert not await db.fetchval(
            "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        )
