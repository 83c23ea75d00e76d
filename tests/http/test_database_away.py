"""What the ways in answer where the database is away, or undoes what was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx2
import pytest
from starlette.types import ASGIApp
from tests.connections import lose_database
from tests.operations.places import some_locks

from lockstep.http.api.app import create_api
from lockstep.http.seam.app import Seam
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import api_keys
from lockstep.operations.gate import Gate

DOORS: dict[str, Callable[[Gate], ASGIApp]] = {
    "native": create_api,
    "Seam's": lambda gate: Seam(gate, 1000, 1000, 100_000),
}
STAY = {"name": "Anna", "starts_at": "2026-06-05T12:00:00Z", "ends_at": "2026-06-08T12:00:00Z"}
CODES = {"native": ("/v1/access_grants", "device_ids"), "Seam's": ("/access_codes/create", "device_id")}
doors = pytest.mark.parametrize("door", list(DOORS))


@pytest.fixture
async def key(gate: Gate, owner: Actor) -> str:
    async with gate.transaction(owner.workspace_id) as tx:
        return (await api_keys.create(tx, owner, api_keys.CreateApiKey("Test", list(Scope)))).secret


def client_of(app: ASGIApp, key: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app)
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.AsyncClient(transport=transport, base_url="http://lockstep.test", headers=headers)


@pytest.fixture
async def in_the_way(database_url: str) -> AsyncIterator[None]:
    """The first that stores a grant, from here on, is undone by the server for the sake of others."""
    admin = await asyncpg.connect(database_url)
    # A sequence stays where it is when a transaction is undone.
    await admin.execute("""
        create sequence stored_grants;
        grant usage on sequence stored_grants to public;
        create function stand_in_the_way() returns trigger language plpgsql as $$ begin
          if nextval('stored_grants') = 1 then raise exception using errcode = '40P01'; end if;
          return new;
        end $$;
        create trigger in_the_way before insert on grants for each row execute function stand_in_the_way()""")
    try:
        yield
    finally:
        await admin.execute("drop function stand_in_the_way cascade; drop sequence stored_grants")
        await admin.close()


@doors
@pytest.mark.usefixtures("in_the_way")
async def test_a_request_that_the_database_undoes_is_done_by_itself(
    gate: Gate, owner: Actor, key: str, door: str
) -> None:
    (lock,) = await some_locks(gate, owner, "Front door")
    path, named = CODES[door]
    async with client_of(DOORS[door](gate), key) as client:
        answer = await client.post(path, json={**STAY, named: [lock] if named == "device_ids" else lock})
    assert answer.status_code in (200, 201), answer.text
    async with gate.reading(owner.workspace_id) as tx:
        assert await tx.db.fetchval("select count(*) from grants") == 1


@doors
async def test_where_the_database_is_away_it_is_said_when_to_come_back(
    gate: Gate, key: str, door: str
) -> None:
    await lose_database(gate)
    async with client_of(DOORS[door](gate), key) as client:
        answer = await client.get("/v1/devices" if door == "native" else "/devices/list")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    said = answer.json()
    told = said["cause"] if door == "native" else said["error"]["message"]
    assert "cannot reach its database" in told
