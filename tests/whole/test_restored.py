"""A restored database, of locks that another one has changed since: nothing is proven that was not read anew."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tests.whole.house import build_house
from tests.whole.stage import Let, Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.operations import workspaces
from lockstep.storage import dump

MINUTE = timedelta(minutes=1)
PROFILES = ["nuki", "plain", "just_in_time", "existence", "doors", "unreadable", "jobs"]


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    """The address of a new database on the tests' server."""
    name = f"lockstep_restored_{uuid.uuid4().hex[:12]}"  # noqa: TID251
    asyncio.run(_execute(server_url, f'create database "{name}"'))
    yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    asyncio.run(_execute(server_url, f'drop database "{name}" with (force)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def restored(first: Stage, saved: Path, database_url: str) -> AsyncIterator[Stage]:
    """What `saved` holds, in the same world, before any worker has begun."""
    await dump.restore(database_url, saved, lambda *_: None, first.clock.now())
    worlds = {"vendor.test": first.site.app}
    workspace_id = first.house.actor.workspace_id
    async with build_house(database_url, first.clock, worlds, workspace_id) as house:
        yield first.beside(house)


@pytest.mark.parametrize("profile", PROFILES)
async def test_what_another_took_off_a_lock_since_the_backup_is_never_called_proven(
    database_url: str, empty_database: str, clock: VirtualClock, tmp_path: Path, profile: str
) -> None:
    async with build_stage(database_url, clock, profile) as first:
        lost, kept = await _two_guests_inside(first)
        await dump.save(database_url, tmp_path / "saved", lambda *_: None)
        await first.cancel(lost)
        await first.wait(2 * MINUTE)
        assert not first.site.opens(first.site.locks[0], _code(lost))
        async with restored(first, tmp_path / "saved", empty_database) as second:
            # Not one worker has begun, and the clock stands where it stood.
            assert "proven" not in [await second.standing(lost), await second.standing(kept)]
            await second.wait(2 * MINUTE)
            assert await second.standing(lost) != "proven"
            assert await second.standing(kept) == ("proven" if _can_be_read(first) else "failed")
            writes = second.writes()
            await _confirm(second)
            assert "proven" not in [await second.standing(lost), await second.standing(kept)]
            await second.wait(2 * MINUTE)
            assert [await second.standing(lost), await second.standing(kept)] == ["proven", "proven"]
            assert second.site.opens(second.site.locks[0], _code(lost))
            assert second.writes() == writes + (1 if _can_be_read(first) else 2)


async def test_what_changed_while_it_only_looked_is_read_again_before_it_counts(
    database_url: str, empty_database: str, clock: VirtualClock, tmp_path: Path
) -> None:
    async with build_stage(database_url, clock, "plain") as first:
        lost, kept = await _two_guests_inside(first)
        await dump.save(database_url, tmp_path / "saved", lambda *_: None)
        async with restored(first, tmp_path / "saved", empty_database) as second:
            await second.wait(MINUTE)
            assert [await second.standing(lost), await second.standing(kept)] == ["proven", "proven"]
            # The old one goes on until the last moment.
            await first.cancel(lost)
            await first.wait(2 * MINUTE)
            await _confirm(second)
            assert "proven" not in [await second.standing(lost), await second.standing(kept)]
            await second.wait(2 * MINUTE)
            assert [await second.standing(lost), await second.standing(kept)] == ["proven", "proven"]
            assert second.site.opens(second.site.locks[0], _code(lost))


async def test_a_code_that_nobody_can_read_or_take_back_stays_proven_and_is_not_asked_for_again(
    database_url: str, empty_database: str, clock: VirtualClock, tmp_path: Path
) -> None:
    async with build_stage(database_url, clock, "computed") as first:
        both = await _two_guests_inside(first)
        await dump.save(database_url, tmp_path / "saved", lambda *_: None)
        async with restored(first, tmp_path / "saved", empty_database) as second:
            writes = second.writes()
            await _confirm(second)
            await second.wait(2 * MINUTE)
            assert [await second.standing(let) for let in both] == ["proven", "proven"]
            assert second.writes() == writes


async def _two_guests_inside(stage: Stage) -> tuple[Let, Let]:
    """On two locks, both proven."""
    first, second = [await stage.let(lock, timedelta(hours=1)) for lock in stage.site.locks[:2]]
    await stage.wait(timedelta(hours=2))
    assert [await stage.standing(first), await stage.standing(second)] == ["proven", "proven"]
    return first, second


def _can_be_read(stage: Stage) -> bool:
    return stage.site.features.shows != "none"


def _code(let: Let) -> str:
    assert let.code is not None
    return let.code


async def _confirm(stage: Stage) -> None:
    async with stage.house.gate.transaction(stage.house.actor.workspace_id) as tx:
        await workspaces.confirm(tx, stage.house.actor)
