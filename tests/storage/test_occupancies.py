"""The net beneath the plan: digits that are or may be on a lock, never twice, whoever writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tests.conftest import SEALED
from tests.connections import connected_to

from lockstep.kit.ids import new_id, public_id
from lockstep.model.belief import Belief
from lockstep.model.declared import Declared, Spec
from lockstep.model.window import Window
from lockstep.storage import accounts, domains, entries, occupancies, workspaces
from lockstep.storage.database import Connection
from lockstep.storage.entries import EntryRow

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DIGITS, OTHERS = UUID(int=1), UUID(int=2)
LOCK, OTHER_LOCK = UUID(int=10), UUID(int=11)


class Place:
    """A workspace with one write domain, on a connection within it."""

    def __init__(self, db: Connection, workspace_id: UUID, domain_id: UUID) -> None:
        self.db, self.workspace_id, self.domain_id = db, workspace_id, domain_id

    async def entry(self) -> UUID:
        id = new_id()
        spec = Spec(DIGITS, Window(NOW, NOW + timedelta(days=1)), "Anna", frozenset({"lock"}))
        declared = Declared(id, 1, spec, "tag", NOW)
        await entries.insert(
            self.db, self.workspace_id, EntryRow(declared, Belief(), self.domain_id, None, "n", None)
        )
        return id

    async def take(self, entry: UUID, lock: UUID, digits: UUID, start: int, end: int | None) -> bool:
        ends_at = None if end is None else NOW + timedelta(hours=end)
        starts_at = NOW + timedelta(hours=start)
        return await occupancies.take(self.db, self.workspace_id, [lock], entry, digits, starts_at, ends_at)


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    workspace_id, account_id = new_id(), new_id()
    async with connected_to(database_url) as database, database.transaction(workspace_id) as db:
        await workspaces.insert(db, workspace_id, public_id("ws", workspace_id), "Test", b"s", NOW)
        await accounts.insert(
            db, workspace_id, account_id, "account_1", "virtual", "v", "V", SEALED, b"h", NOW
        )
        domain_id = await domains.ensure(db, workspace_id, account_id, "lock", new_id(), NOW)
        yield Place(db, workspace_id, domain_id)


@pytest.mark.parametrize(
    ("lock", "digits", "start", "end", "is_free"),
    [
        pytest.param(LOCK, DIGITS, 1, 2, False, id="same lock, same digits, at the same time"),
        pytest.param(LOCK, DIGITS, 0, None, False, id="the same for ever"),
        pytest.param(LOCK, DIGITS, 5, 6, True, id="same lock and digits, after it"),
        pytest.param(LOCK, DIGITS, 4, 6, True, id="from the very instant at which it ends"),
        pytest.param(LOCK, OTHERS, 1, 2, True, id="other digits"),
        pytest.param(OTHER_LOCK, DIGITS, 1, 2, True, id="another lock"),
    ],
)
async def test_digits_are_taken_for_a_lock_and_a_time(
    place: Place, lock: UUID, digits: UUID, start: int, end: int | None, is_free: bool
) -> None:
    first, second = await place.entry(), await place.entry()
    assert await place.take(first, LOCK, DIGITS, 0, 4)
    assert await place.take(second, lock, digits, start, end) is is_free


async def test_the_same_entry_may_widen_its_own_time_and_frees_its_digits_when_it_is_gone(
    place: Place,
) -> None:
    first, second = await place.entry(), await place.entry()
    assert await place.take(first, LOCK, DIGITS, 0, 2)
    assert await place.take(first, LOCK, DIGITS, 1, 4)
    assert not await place.take(second, LOCK, DIGITS, 3, 5)
    await occupancies.keep_only(place.db, place.workspace_id, first, [])
    assert await place.take(second, LOCK, DIGITS, 3, 5)


async def test_a_refused_claim_leaves_the_transaction_alive_and_nothing_behind(place: Place) -> None:
    first, second = await place.entry(), await place.entry()
    assert await place.take(first, LOCK, DIGITS, 0, None)
    assert not await occupancies.take(
        place.db, place.workspace_id, [OTHER_LOCK, LOCK], second, DIGITS, NOW, None
    )
    third = await place.entry()
    assert await place.take(third, OTHER_LOCK, DIGITS, 0, None)
