"""A worker destroyed at each suspension point of create, change and remove: another takes up, and all ends right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from tests.whole.killing import destroyed
from tests.whole.stage import Let, Stage, build_stage

from lockstep.emulation.clock import VirtualClock

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
            _, counts[errand] = await destroyed(stage, database_url, _within(stage), None)
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
                is_killed, _ = await destroyed(stage, database_url, _within(stage), point)
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
