"""One guest on every kind of lock: the code opens in its effective window alone, is proven, moves, and goes again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.whole.stage import Let, Stage, build_stage

from lockstep.emulation.clock import VirtualClock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

PROFILES = [
    "nuki",
    "plain",
    "slots",
    "just_in_time",
    "just_in_time_disabled",
    "few_places",
    "unreadable",
    "existence",
    "silent_duplicates",
    "window_duplicates",
    "shared_digits",
    "gateway",
    "doors",
    "short_names",
    "hour_steps",
    "lock_local",
    "vendor_digits",
    "jobs",
]
MOVED = [
    "nuki",
    "just_in_time",
    "few_places",
    "silent_duplicates",
    "hour_steps",
    "lock_local",
    "vendor_digits",
]
"""In the lives of test_stateful.py stays move all the time, on locks of the other profiles."""


A_WHOLE_DAY = {"nuki", "unreadable"}
"""A lock that shows all and one that shows nothing are watched for 24 hours, the others for five."""


async def _code(stage: Stage, let: Let) -> str:
    """The digits on the first lock, however they came to be."""
    shown = (await stage.shown(let))[stage.site.locks[0]]
    assert shown.digits is not None, shown
    return shown.digits


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_code_is_proven_opens_in_its_window_alone_and_goes_again_and_nothing_is_written_between(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        (lock,) = stage.site.locks
        let = await stage.let(lock, 5 * HOUR, (25 if profile in A_WHOLE_DAY else 6) * HOUR + 20 * MINUTE)
        window = (await stage.shown(let))[lock].effective
        assert window.ends_at is not None
        assert window.starts_at <= let.starts_at < (let.ends_at or let.starts_at) <= window.ends_at
        await stage.until(window.starts_at - MINUTE)
        assert not any(stage.site.opens(lock, code) for code in stage.site.held(lock))
        await stage.until(let.starts_at + MINUTE)
        assert await stage.standing(let) == "proven"
        code = await _code(stage, let)
        assert stage.site.held(lock) == [code]
        before = stage.writes()
        for at in (let.starts_at + 3 * HOUR, window.ends_at - MINUTE):
            await stage.until(at)
            assert stage.site.opens(lock, code)
        assert stage.writes() == before, "nothing differs, and yet something was written"
        await stage.until(window.ends_at + 3 * MINUTE)
        assert not stage.site.opens(lock, code)
        await stage.wait(timedelta(hours=3 if profile == "nuki" else 1))
        assert await stage.standing(let) == "gone"
        assert stage.site.held(lock) == []
        assert stage.writes() == (3 if profile == "just_in_time_disabled" else 2)


@pytest.mark.parametrize("profile", MOVED)
async def test_a_stay_that_moves_takes_its_code_along(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        let = await stage.let(stage.site.locks[0], 2 * HOUR, timedelta(hours=10))
        await stage.wait(3 * HOUR)
        before = await _code(stage, let)
        await stage.change(let, ends_at=clock.now() + timedelta(hours=9))
        await stage.wait(20 * MINUTE)
        assert await stage.standing(let) == "proven"
        after = await _code(stage, let)
        assert after == before or profile == "vendor_digits"
        assert stage.site.held(stage.site.locks[0]) == [after]
        await stage.until(clock.now() + timedelta(hours=4))
        assert stage.site.opens(stage.site.locks[0], after)
        await stage.cancel(let)
        await stage.wait(5 * MINUTE)
        assert not stage.site.opens(stage.site.locks[0], after)
        await stage.wait(timedelta(hours=1))
        assert stage.site.held(stage.site.locks[0]) == []
