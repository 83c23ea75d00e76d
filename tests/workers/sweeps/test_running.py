"""The sweeps of a process: events get positions and pools fill up as soon as that is told; it ends when asked to."""

import asyncio
from datetime import timedelta

from tests.operations.places import ask, some_locks

from lockstep.model import events as facts
from lockstep.model.permissions import Actor
from lockstep.operations import backup_codes, events
from lockstep.operations.backup_codes import SetPool
from lockstep.operations.gate import Gate
from lockstep.operations.pool_keeping import next_look_at
from lockstep.workers.sweeps.running import Sweeps


async def test_what_is_told_gets_its_position_without_being_asked_for(gate: Gate, owner: Actor) -> None:
    sweeps = Sweeps(gate)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(sweeps.run())
        await sweeps.listening.wait()
        async with gate.transaction(owner.workspace_id) as tx:
            await events.append(tx, owner, facts.BookingCreated(booking_id="booking_1"))
        found: list[events.RecordedEvent] = []
        while len(found) < 2:
            async with gate.reading(owner.workspace_id) as tx:
                found = await events.read(tx, owner, 0, 10)
        sweeps.stop()
    assert [event.position for event in found] == [1, 2]


async def test_a_pool_of_backup_codes_fills_up_without_being_asked_for(gate: Gate, owner: Actor) -> None:
    (lock,) = await some_locks(gate, owner, "front")
    sweeps = Sweeps(gate)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(sweeps.run())
        await sweeps.listening.wait()
        await ask(gate, owner, backup_codes.set_pool, SetPool(lock, size=2))
        count = 0
        while count < 2:
            async with gate.reading(owner.workspace_id) as tx:
                count = await tx.db.fetchval("select count(*) from entries where pool_device_id is not null")
        sweeps.stop()
    assert await next_look_at(gate) == gate.clock.now() + timedelta(days=4) - timedelta(seconds=2)
