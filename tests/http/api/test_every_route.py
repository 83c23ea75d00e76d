"""Every route of the description, asked by whoever may not: refused, and nothing is changed (trust.md, line 17).

A route without its row in ROWS fails here, and so does a row whose request a good key could not make.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest
from tests.http.api.furnished import TOKEN, Home, Ids, Sample, at_home, furnish, read
from tests.http.api.parts import bearer
from tests.http.api.rows import ROWS, Row, credentials

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import Actor, Scope, system
from lockstep.operations import workspaces
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.world import World


@dataclass(frozen=True, slots=True)
class Walk:
    """Two workspaces with one of each noun, and all routes."""

    home: Home
    own: Sample
    others: Sample
    other_workspace: Actor

    def routes(self) -> Iterator[tuple[str, str, str, int]]:
        """In the order of ROWS: operation id, method, path, the status of success."""
        found = {}
        for path, methods in self.home.app.openapi()["paths"].items():
            for method, operation in methods.items():
                success = min(int(s) for s in operation["responses"])
                found[operation["operationId"]] = (method.upper(), path, success)
        for name in ROWS:
            yield (name, *found[name])

    async def ask(
        self, method: str, path: str, row: Row, headers: dict[str, str], ids: Ids | None = None
    ) -> httpx2.Response:
        ids = ids or self.own.ids
        filled = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "event_1"), path)
        return await self.home.client.request(method, filled, json=row.body(ids), headers=headers)


@pytest.fixture
async def walk(database_url: str, clock: VirtualClock) -> AsyncIterator[Walk]:
    worlds = {}
    for host, seed in (("others.test", 0), ("second.test", 9)):
        world = World(clock, seed=seed)
        world.allow(TOKEN)
        for number in range(0 if host == "second.test" else 3):
            world.add_lock({"name": f"{host} {number}"})
        worlds[host] = create_app(world)
    async with at_home(database_url, clock, worlds=worlds) as home:
        own = await furnish(home, home.client, await home.connect())
        actor = system(await workspaces.create(home.house.gate, "Hill flats"), "test")
        headers = dict(home.client.headers) | bearer(await home.key(actor=actor))
        transport = httpx2.ASGITransport(home.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://lockstep.test", headers=headers
        ) as client:
            given = {"vendor": "nuki", "credentials": credentials("others.test")}
            read(await client.post("/v1/connected_accounts", json=given))
            doors = {d["name"]: d["device_id"] for d in read(await client.get("/v1/devices"))["items"]}
            yield Walk(home, own, await furnish(home, client, doors), actor)


async def test_every_route_has_its_row(walk: Walk) -> None:
    paths = walk.home.app.openapi()["paths"]
    described = {operation["operationId"] for methods in paths.values() for operation in methods.values()}
    assert described == set(ROWS)


async def test_every_route_is_refused_to_whoever_has_no_good_key(walk: Walk, clock: VirtualClock) -> None:
    revoked = bearer(await walk.home.key())
    last = (await walk.home.get("/v1/api_keys", limit=100))["items"][-1]
    await walk.home.post(f"/v1/api_keys/{last['api_key_id']}/revoke")
    expired = bearer(await walk.home.key(expires_at=clock.now() + timedelta(minutes=1)))
    clock.advance(timedelta(minutes=2))
    before = await walk.home.everything()
    for name, method, path, _ in walk.routes():
        for headers in ({"authorization": ""}, revoked, expired, bearer("seam_lockstep_" + "x" * 40)):
            answer = await walk.ask(method, path, ROWS[name], headers)
            assert answer.status_code == 401, name
            assert answer.json()["code"] == "not_signed_in"
    assert await walk.home.everything() == before


async def test_every_route_is_refused_to_a_key_without_its_scope_which_is_told(walk: Walk) -> None:
    keys = {s: bearer(await walk.home.key(set(Scope) - {s})) for s in {row.scope for row in ROWS.values()}}
    before = await walk.home.everything()
    for name, method, path, _ in walk.routes():
        row = ROWS[name]
        answer = await walk.ask(method, path, row, keys[row.scope])
        assert answer.status_code == 403, name
        assert str(row.scope) in answer.json()["next_step"], name
    assert await walk.home.everything() == before


async def test_no_route_reaches_into_another_workspace(walk: Walk) -> None:
    headers = {"authorization": walk.own.client.headers["authorization"]}
    before = await walk.home.everything()
    for name, method, path, success in walk.routes():
        row = ROWS[name]
        names_things = "{" in path or row.body(walk.own.ids) != row.body(walk.others.ids)
        if names_things:
            answer = await walk.ask(method, path, row, headers, walk.others.ids)
            assert answer.status_code == 404, f"{name}: {answer.text}"
        elif method == "GET":
            answer = await walk.ask(method, path, row, headers)
            assert answer.status_code == success, name
            assert not [i for i in walk.others.ids.values() if i in answer.text], name
    assert await walk.home.everything() == before


async def test_a_key_confined_to_one_property_reaches_into_no_other(walk: Walk) -> None:
    confined = bearer(await walk.home.key(property_ids=[walk.own.ids["other_property_id"]]))
    # Accounts are the whole workspace's; a device says which one it belongs to.
    shared = ("other_property_id", "connected_account_id")
    hidden = {i for name, i in walk.own.ids.items() if name not in shared}
    before = await walk.home.everything()
    for name, method, path, success in walk.routes():
        row = ROWS[name]
        answer = await walk.ask(method, path, row, confined)
        if row.elsewhere == "refused":
            assert answer.status_code in (403, 404), f"{name}: {answer.text}"
        else:
            assert answer.status_code == success, f"{name}: {answer.text}"
            assert not [i for i in hidden if i in answer.text], name
    assert await walk.home.everything() == before


async def test_every_row_is_a_request_that_a_good_key_can_make(walk: Walk) -> None:
    headers = {"authorization": walk.own.client.headers["authorization"]}
    for name, method, path, success in walk.routes():
        answer = await walk.ask(method, path, ROWS[name], headers)
        assert answer.status_code == (ROWS[name].answers or success), f"{name}: {answer.text}"
