"""Several processes at one instant, step by step in many orders."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random

import asyncpg
from tests.whole.interleaving import Player, interleaved, later
from tests.whole.stage import build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.operations import accounts, devices
from lockstep.storage.database import Database

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def test_a_pass_that_finds_the_old_credentials_refused_does_not_stop_an_account_that_has_new_ones(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=2) as stage:
        worker, desk = [await Database.open(database_url, most_connections=4) for _ in range(2)]
        above_all = await asyncpg.connect(database_url)
        operator = stage.beside(stage.house.beside(desk))
        let = await stage.let(stage.site.locks, HOUR)
        await stage.house.work()
        for chance in range(10):
            stage.site.cloud().change_settings({"tokens": [f"token-{chance}"]})
            for lock in stage.site.locks:
                await stage.ask(devices.look_now, stage.device_id(lock))
            new_ones = {**stage.site.credentials, "token": f"token-{chance}"}
            players = [
                Player(stage.house.beside(worker).work_alone(), worker),
                Player(later(chance, operator.reconnect(new_ones)), desk),
            ]
            await interleaved(players, Random(chance), above_all)
            await stage.wait(MINUTE)
            async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
                (account,) = await accounts.listed(tx, stage.house.actor)
            assert account.state == "active", chance
        assert {code.standing.value for code in (await stage.shown(let)).values()} == {"proven"}
        await above_all.close()
        await worker.close()
        await desk.close()


async def test_a_time_limit_that_strikes_who_waits_for_a_turn_is_met_in_that_turn(database_url: str) -> None:
    limits: list[asyncio.Timeout] = []
    met: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(None) as limit:
                limits.append(limit)
                await asyncio.sleep(0)
                met.append("went on")
        except TimeoutError:
            met.append("struck")

    database = await Database.open(database_url)
    player = Player(work(), database)
    task = asyncio.create_task(player.is_killed())
    await player.ready.wait()
    await player.step()
    await player.ready.wait()
    limits[0].reschedule(0)
    await asyncio.sleep(0)
    assert task.cancelling()
    assert met == []
    await player.step()
    assert met == ["struck"]
    assert not await task
    await database.close()
