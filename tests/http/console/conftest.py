"""The pages in this process, on a real database, and browsers that are signed in with keys of various kinds."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.http.console.parts import ADDRESS, MakeKey, Seconds, sign_in

from lockstep.emulation.clock import VirtualClock
from lockstep.http.console.app import Console, create_console
from lockstep.http.console.settings import ConsoleSettings
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import api_keys
from lockstep.operations.gate import Gate


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def wall(clock: VirtualClock) -> VirtualClock:
    """The clock on the wall, by which sessions end; the locks live by another."""
    return VirtualClock(clock.now())


@pytest.fixture
def settings() -> ConsoleSettings:
    """Overridden where a test is about a setting."""
    return ConsoleSettings(least_pause_seconds=0.0)


@pytest.fixture
def console(gate: Gate, settings: ConsoleSettings, wall: VirtualClock, seconds: Seconds) -> Console:
    return create_console(gate, settings, clock=wall, monotonic=seconds)


@pytest.fixture
async def make_key(gate: Gate) -> MakeKey:
    """`await make_key(actor, scopes)`: a fresh key with its secret."""

    async def make(actor: Actor, scopes: set[Scope] | None = None) -> api_keys.NewApiKey:
        command = api_keys.CreateApiKey("Page", sorted(scopes if scopes is not None else Scope))
        async with gate.transaction(actor.workspace_id) as tx:
            return await api_keys.create(tx, actor, command)

    return make


@pytest.fixture
async def stranger(console: Console) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that is not signed in; it names its origin, as browsers do."""
    transport = httpx2.ASGITransport(console, raise_app_exceptions=False)
    headers = {"origin": ADDRESS}
    async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers) as client:
        yield client


@pytest.fixture
async def key(make_key: MakeKey, owner: Actor) -> api_keys.NewApiKey:
    """A key that may do everything."""
    return await make_key(owner)


@pytest.fixture
async def browser(stranger: httpx2.AsyncClient, key: api_keys.NewApiKey) -> httpx2.AsyncClient:
    """A browser that is signed in with it."""
    await sign_in(stranger, key.secret)
    return stranger
