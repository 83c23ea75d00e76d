"""Codes that somebody else put on a lock: who each is from reading to reading, and what may be done with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.whole.stage import Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.operations import unmanaged_codes
from lockstep.operations.unmanaged_codes import ListUnmanagedCodes, UnmanagedCode

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STRANGERS = ("unmanaged_code.created", "unmanaged_code.removed")


async def on(stage: Stage, lock: str) -> list[UnmanagedCode]:
    command = ListUnmanagedCodes(device_id=stage.device_id(lock))
    return await stage.ask(unmanaged_codes.listed, command)


async def told(stage: Stage) -> list[str]:
    return [kind for kind in await stage.told() if kind in STRANGERS]


@pytest.mark.parametrize("profile", ["nuki", "slots", "existence"])
async def test_a_strangers_code_is_the_same_from_reading_to_reading_and_its_coming_and_going_is_told(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        (lock,) = stage.site.locks
        await stage.wait(16 * MINUTE)
        before = len(await told(stage))
        reference = stage.site.app_put(lock, None, "734512")
        let = await stage.let(lock, -HOUR)
        await stage.wait(16 * MINUTE)
        assert await stage.standing(let) == "proven"
        (code,) = await on(stage, lock)
        assert code.code == ("734512" if stage.site.features.shows == "digits" else None)
        assert (await told(stage))[before:] == ["unmanaged_code.created"]
        stage.site.app_put(lock, reference, "734521")
        await stage.wait(16 * MINUTE)
        (same,) = await on(stage, lock)
        assert same.unmanaged_code_id == code.unmanaged_code_id
        assert same.code == ("734521" if stage.site.features.shows == "digits" else None)
        stage.site.app_delete(lock, reference)
        await stage.wait(16 * MINUTE)
        assert await on(stage, lock) == []
        assert (await told(stage))[before:] == list(STRANGERS)
        await stage.cancel(let)
        await stage.wait(30 * MINUTE)
        assert (await told(stage))[before:] == list(STRANGERS), "ours is none"
