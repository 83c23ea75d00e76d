"""A whole Lockstep behind Seam's door, served over real HTTP on loopback, with emulated locks behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.http.seam.parts import Home, at_home

from lockstep.emulation.clock import VirtualClock


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    async with at_home(database_url, clock) as home:
        yield home
