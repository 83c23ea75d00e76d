"""A property that follows calendars, and their host."""

from collections.abc import AsyncIterator

import pytest
from tests.operations.places import a_property, some_locks
from tests.workers.calendars.hosted import Hosted, hosting

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import Actor
from lockstep.operations import spaces
from lockstep.operations.gate import Gate


@pytest.fixture
async def house(gate: Gate, owner: Actor) -> spaces.Space:
    return await a_property(gate, owner, device_ids=tuple(await some_locks(gate, owner, "front", "flat")))


@pytest.fixture
async def hosted(gate: Gate, owner: Actor, clock: VirtualClock) -> AsyncIterator[Hosted]:
    async with hosting(gate, owner, clock) as hosted:
        yield hosted
