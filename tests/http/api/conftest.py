"""The API in this process, on a real database, and clients with keys of various kinds."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.http.api.parts import MakeKey, Seconds

from lockstep.http.api.app import create_api
from lockstep.http.api.settings import ApiSettings
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import api_keys
from lockstep.operations.gate import Gate


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def settings() -> ApiSettings:
    """Overridden where a test is about a limit."""
    return ApiSettings(burst=10_000, requests_per_second=10_000)


@pytest.fixture
async def make_key(gate: Gate) -> MakeKey:
    """`await make_key(actor, scopes=..., expires_at=...)`: the secret of a fresh key."""

    async def make(actor: Actor, scopes: set[Scope] | None = None, **fields: object) -> str:
        names = list(scopes if scopes is not None else Scope)
        command = api_keys.CreateApiKey("Test", names, **fields)  # type: ignore[arg-type]
        async with gate.transaction(actor.workspace_id) as tx:
            return (await api_keys.create(tx, actor, command)).secret

    return make


@pytest.fixture
async def stranger(gate: Gate, settings: ApiSettings, seconds: Seconds) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    app = create_api(gate, settings, seconds)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://lockstep.test") as client:
        yield client


@pytest.fixture
async def client(stranger: httpx2.AsyncClient, make_key: MakeKey, owner: Actor) -> httpx2.AsyncClient:
    """A client whose key may do everything."""
    stranger.headers["authorization"] = f"Bearer {await make_key(owner)}"
    return stranger
