"""When a lock was last read is told the same way of its codes, of the lock itself, and on the first page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from tests.http.api.furnished import Home, at_home, furnish

from lockstep.emulation.clock import VirtualClock
from lockstep.operations import today


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    async with at_home(database_url, clock) as home:
        yield home


async def test_a_day_in_which_nothing_changed_was_still_read_and_says_so(home: Home) -> None:
    await furnish(home, home.client, await home.connect())
    clock = home.house.clock
    await home.house.advance(clock.now() + timedelta(days=1))
    code = (await home.get("/v1/access_codes"))["items"][0]
    device = await home.get(f"/v1/devices/{code['device_id']}")
    read_at = datetime.fromisoformat(code["believed"]["read_at"])
    assert clock.now() - read_at <= timedelta(minutes=16)
    assert device["looked_at"] == code["believed"]["read_at"] == device["state"]["seen_at"]
    async with home.house.gate.reading(home.house.actor.workspace_id) as tx:
        page = await today.today(tx, home.house.actor, today.AskToday())
    seen = {lock.lock_id: lock.seen_at for lock in page.locks}
    assert seen[code["device_id"]] == read_at


async def test_a_lock_that_is_out_of_touch_was_seen_when_it_last_was_in_touch(home: Home) -> None:
    name, device_id = next(iter((await home.connect()).items()))
    await home.house.advance(home.house.clock.now() + timedelta(hours=1))
    home.world.take_offline(next(str(id) for id, lock in home.world.locks.items() if lock.name == name))
    in_touch_until = home.house.clock.now()
    await home.house.advance(home.house.clock.now() + timedelta(hours=2))
    device = await home.get(f"/v1/devices/{device_id}")
    assert device["state"]["is_online"] is False
    assert device["looked_at"] is None or datetime.fromisoformat(device["looked_at"]) > in_touch_until
    seen_at = device["state"]["seen_at"]
    assert seen_at is None or datetime.fromisoformat(seen_at) <= in_touch_until
