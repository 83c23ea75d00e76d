"""The sweeps of a process: events get their positions as soon as they are told, and it ends when asked to."""

import asyncio

from lockstep.model import events as facts
from lockstep.model.permissions import Actor
from lockstep.operations import events
from lockstep.operations.gate import Gate
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
