"""A worker destroyed at each suspension point of create, change and remove: another one takes up, and all ends right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from tests.whole.house import House
from tests.whole.killing import Killed, Stepped
from tests.whole.stage import Let, Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.operations.gate import Gate
from lockstep.storage.database import Database

HOUR = timedelta(hours=1)
CALL_TIMEOUT = timedelta(seconds=10)
ERRANDS = ("create", "change", "remove")


async def _declare(stage: Stage, errand: str, let: Let | None) -> Let:
    if errand == "create":
        return await stage.let(stage.site.locks[0], HOUR, timedelta(days=1))
    assert let is not None
    if errand == "change":
        await stage.change(let, ends_at=stage.clock.now() + 30 * HOUR)
    else:
        await stage.cancel(let)
    return let


def _within(stage: Stage) -> timedelta:
    """A write whose fate is unknown: its deadline, the settling time, one reading; and the write that may follow."""
    settling = max(timedelta(seconds=stage.site.features.settling_seconds), timedelta(seconds=30))
    return CALL_TIMEOUT + 2 * settling + timedelta(seconds=5)


async def _victim(stage: Stage, database_url: str) -> tuple[House, Database]:
    """Another worker, with connections of its own."""
    database = await Database.open(database_url, most_connections=2)
    gate = stage.house.gate
    own = Gate(database, gate.clock, gate.sealer, gate.random, gate.vendors, gate.vendor_http)
    return House(own, stage.house.actor, stage.clock), database


async def _run(stage: Stage, database_url: str, kill_at: int | None) -> tuple[bool, int]:
    """A worker does the errand and is destroyed at the point `kill_at`: whether it was, and how many points it saw."""
    victim, database = await _victim(stage, database_url)
    stepped = Stepped(victim.advance(stage.clock.now() + _within(stage)), kill_at)

    async def live() -> bool:
        try:
            await stepped
        except Killed:
            return True
        return False

    # A task of its own: time limits that the dead one has set may strike it, and nobody else.
    is_killed = await asyncio.create_task(live())
    await _cut_off(stage, database)
    return is_killed, stepped.points


async def _cut_off(stage: Stage, database: Database) -> None:
    """Its sockets are gone at once, as those of a process that died, and the server has noticed it."""
    pool = database._pool
    pids = [h._con.get_server_pid() for h in pool._holders if h._con is not None]
    pool.terminate()
    async with stage.house.gate.database.reading(None) as db:
        while await db.fetchval("select count(*) from pg_stat_activity where pid = any($1)", pids):
            pass


async def _assert_ended_right(stage: Stage, let: Let, errand: str) -> None:
    (lock,) = stage.site.locks
    should = [] if errand == "remove" else [let.code]
    assert stage.site.held(lock) == should
    shown = (await stage.shown(let))[lock]
    if errand == "remove":
        assert not shown.row.entry.belief.may_be_present
    else:
        assert shown.standing.value == "proven"
        assert shown.row.entry.belief.only == str(shown.row.entry.declared.revision)
    async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
        orphans = await db.fetchval("select count(*) from intents where outcome is null")
    assert orphans == 0


@contextmanager
def _told(errand: str, point: int) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        error.add_note(f"{errand}, destroyed at suspension point {point}")
        raise


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "profile",
    ["nuki", pytest.param("plain", marks=pytest.mark.long), pytest.param("slots", marks=pytest.mark.long)],
)
async def test_a_worker_destroyed_at_any_point_leaves_nothing_that_another_does_not_put_right(
    database_url: str, clock: VirtualClock, profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        counts: dict[str, int] = {}
        let: Let | None = None
        for errand in ERRANDS:
            let = await _declare(stage, errand, let)
            _, counts[errand] = await _run(stage, database_url, None)
            await _assert_ended_right(stage, let, errand)
        with capsys.disabled():
            print(f"\n{profile}: suspension points {counts}", end=" ", flush=True)
        assert min(counts.values()) > 0
        kills = 0
        for point in range(1, max(counts.values()) + 1):
            let = None
            for errand in ERRANDS:
                let = await _declare(stage, errand, let)
                before = stage.writes()
                is_killed, _ = await _run(stage, database_url, point)
                kills += is_killed
                await stage.lose_leases()
                await stage.wait(_within(stage))
                with _told(errand, point):
                    await _assert_ended_right(stage, let, errand)
                extra = stage.writes() - before - 1
                assert extra <= 1, f"{errand}, killed at {point}: {extra} writes too many"
        with capsys.disabled():
            print(f"{kills} kills", end=" ", flush=True)
        assert kills >= sum(counts.values()) * 0.9
