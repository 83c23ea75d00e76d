"""A gate on a real database, a workspace behind it, and an actor in it who may do everything."""

import secrets
import ssl
from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.connections import connected_to

from lockstep.emulation.clock import VirtualClock
from lockstep.kit.outbound import OutboundPolicy
from lockstep.kit.sealing import Sealer
from lockstep.model.permissions import Actor, system
from lockstep.operations import workspaces
from lockstep.operations.gate import Gate

SEALER = Sealer({1: b"m" * 32}, b"f" * 32)
TLS = ssl.create_default_context()
"""Once for all: reading the certificates of the world takes longer than most tests."""
SEALED = b"\x00\x01" + bytes(29)
"""For rows of which nobody opens it."""


@pytest.fixture
async def gate(database_url: str, clock: VirtualClock) -> AsyncIterator[Gate]:
    """Without vendors; calls out may reach loopback."""
    async with httpx2.AsyncClient(verify=TLS) as http, connected_to(database_url) as database:
        outbound = OutboundPolicy(allow_private=True)
        yield Gate(database, clock, SEALER, secrets.SystemRandom(), {}, http, outbound)


@pytest.fixture
async def owner(gate: Gate) -> Actor:
    """Whoever set the workspace up."""
    return system(await workspaces.create(gate, "Harbour flats"), "test")


@pytest.fixture
async def neighbour(gate: Gate) -> Actor:
    """The same in another workspace of the same database."""
    return system(await workspaces.create(gate, "Hill flats"), "test")
