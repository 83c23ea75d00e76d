"""The oldest supported PostgreSQL: one grant on one lock, from the declaration to the door and back. On the newest, and
in more detail, test_profiles.py has it."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from tests.whole.house import build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.operations import access_codes, devices, grants
from lockstep.storage.migrations import migrate
from lockstep.storage.server import EmbeddedServer
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.world import World

DEBIANS = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(
    not DEBIANS.is_dir(), reason="Debian's PostgreSQL 15 is not installed: apt-get install postgresql"
)
async def test_a_code_opens_in_its_window_alone_on_the_oldest_supported_postgresql(
    clock: VirtualClock,
) -> None:
    directory = Path(tempfile.mkdtemp(prefix="lockstep-pg15-"))
    server = EmbeddedServer(directory, DEBIANS, fast_and_unsafe=True)
    try:
        dsn = server.start()
        await migrate(dsn)
        await _one_code(dsn, clock)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _one_code(database_url: str, clock: VirtualClock) -> None:
    world = World(clock)
    world.allow("tok")
    lock = world.add_lock({"name": "Front door"})
    async with build_house(database_url, clock, {"nuki.test": create_app(world)}) as house:
        await house.connect("nuki", {"token": "tok", "endpoint": "http://nuki.test"})
        starts_at = clock.now() + timedelta(hours=1)
        ends_at = starts_at + timedelta(hours=4)
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            found = await devices.listed(tx, house.actor, None, 10)
            grant = await grants.create(
                tx,
                house.actor,
                grants.CreateGrant("Anna", starts_at, ends_at, device_ids=(found[0].public_id,)),
            )
            code = grants.digits_of(tx, house.actor, grant.method)
        assert code is not None
        await house.advance(clock.now() + timedelta(minutes=30))
        async with house.gate.reading(house.actor.workspace_id) as tx:
            shown = (await access_codes.of_grants(tx, house.actor, [grant.row.id]))[grant.row.id]
        assert [c.standing.value for c in shown] == ["proven"], shown
        assert not world.enter(lock, code).opened
        await house.advance(starts_at)
        assert world.enter(lock, code).opened
        await house.advance(ends_at - timedelta(minutes=1))
        assert world.enter(lock, code).opened
        await house.advance(ends_at + timedelta(minutes=30))
        assert not world.enter(lock, code).opened
        async with house.gate.reading(house.actor.workspace_id) as tx:
            shown = (await access_codes.of_grants(tx, house.actor, [grant.row.id]))[grant.row.id]
        assert [c.standing.value for c in shown] == ["gone"]
        assert len(house.written) == 2
