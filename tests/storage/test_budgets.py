"""An account's budget: whoever was told to wait until an instant finds a call then, and none is given before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import SEALED
from tests.connections import connected_to

from lockstep.kit.ids import new_id, public_id
from lockstep.storage import accounts, budgets, workspaces

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG = timedelta(hours=1)


@pytest.mark.parametrize("per_minute", [1, 7, 12, 45, 60, 120, 6000])
async def test_who_waits_as_long_as_told_finds_a_call(database_url: str, per_minute: int) -> None:
    workspace_id, account_id = new_id(), new_id()
    async with connected_to(database_url) as database, database.transaction(workspace_id) as db:
        await workspaces.insert(db, workspace_id, public_id("ws", workspace_id), "Test", b"salt", NOW)
        name = public_id("account", account_id)
        await accounts.insert(db, workspace_id, account_id, name, "virtual", "v", "V", SEALED, b"h", NOW)

        async def ask(at: datetime) -> datetime | None:
            return await budgets.take_call(
                db, workspace_id, account_id, new_id(), at, per_minute, 10_000, timedelta(0)
            )

        now, taken = NOW, 0
        while now < NOW + timedelta(seconds=180 if per_minute < 100 else 2):
            told = await ask(now)
            if told is None:
                taken += 1
                continue
            assert told > now
            assert await ask(told) is None, f"told to come at {told}, and nothing was there"
            now, taken = told, taken + 1
        seconds = (now - NOW).total_seconds()
        assert taken <= max(1.0, per_minute / 4) + seconds * per_minute * 0.75 / 60 + 1
