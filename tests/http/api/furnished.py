"""A whole Lockstep behind its API, with one of each noun in it: what tests of routes walk through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
from fastapi import FastAPI
from tests.everything import everything
from tests.http.api.parts import bearer
from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.http.api.app import create_api
from lockstep.http.api.settings import ApiSettings
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import api_keys
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.settings import Settings
from lockstep.vendors.nuki.emulator.world import World

TOKEN = "nuki-token-of-the-house"
Ids = dict[str, str]
"""Name of a path parameter, or of a thing, to its public id."""


class Home:
    """The house, the API before it, its vendor's world, and a client whose key may do everything."""

    def __init__(
        self, house: House, world: World, app: FastAPI, client: httpx2.AsyncClient, url: str
    ) -> None:
        self.house = house
        self.world = world
        self.app = app
        self.client = client
        self.database_url = url

    async def key(self, scopes: set[Scope] | None = None, actor: Actor | None = None, **fields: Any) -> str:
        """The secret of a fresh key; all scopes unless told."""
        actor = actor or self.house.actor
        command = api_keys.CreateApiKey("Test", sorted(scopes if scopes is not None else Scope), **fields)
        async with self.house.gate.transaction(actor.workspace_id) as tx:
            return (await api_keys.create(tx, actor, command)).secret

    async def get(self, path: str, **params: Any) -> Any:
        return read(await self.client.get(path, params=params))

    async def post(self, path: str, body: Any = None) -> Any:
        return read(await self.client.post(path, json=body))

    async def connect(self, token: str = TOKEN, host: str = "nuki.test") -> Ids:
        """The emulated account; lock's name -> device id."""
        credentials = {"token": token, "endpoint": f"http://{host}"}
        await self.post("/v1/connected_accounts", {"vendor": "nuki", "credentials": credentials})
        return {d["name"]: d["device_id"] for d in (await self.get("/v1/devices"))["items"]}

    async def everything(self) -> str:
        """All that the database holds, as text: the same before and after a refusal."""
        return await everything(self.database_url)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was made in one workspace."""

    client: httpx2.AsyncClient
    ids: Ids


def read(answer: httpx2.Response) -> Any:
    """The body of an answer that must be good."""
    assert answer.status_code < 400, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json() if answer.content else None


@asynccontextmanager
async def at_home(
    database_url: str,
    clock: VirtualClock,
    locks: int = 3,
    worlds: Mapping[str, Any] | None = None,
    callback_origin: str | None = None,
) -> AsyncIterator[Home]:
    """A Nuki world with some locks, a workspace without anything, the API."""
    world = World(clock, Settings(app_changes="at_once"))
    world.allow(TOKEN)
    for number in range(locks):
        world.add_lock({"name": f"Door {number + 1}"})
    hosts = {"nuki.test": create_app(world), **(worlds or {})}
    async with build_house(database_url, clock, hosts, callback_origin=callback_origin) as house:
        app = create_api(house.gate, ApiSettings(burst=1_000_000, requests_per_second=1e6, actor_seconds=0))
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://lockstep.test") as client:
            home = Home(house, world, app, client, database_url)
            client.headers.update(bearer(await home.key()))
            yield home


async def furnish(home: Home, client: httpx2.AsyncClient, doors: Ids) -> Sample:
    """One of each noun, at the property `Canal House`; a second property holds nothing but a lock."""

    async def make(path: str, body: Any) -> Any:
        return read(await client.post(path, json=body))

    first, second, third = list(doors.values())[:3]
    house = await make(
        "/v1/spaces", {"name": "Canal House", "time_zone": "Europe/Amsterdam", "device_ids": [first]}
    )
    hill = await make("/v1/spaces", {"name": "Hill", "time_zone": "Europe/Lisbon", "device_ids": [third]})
    flat = await make(
        "/v1/spaces", {"name": "Flat 1", "parent_space_id": house["space_id"], "device_ids": [second]}
    )
    guest = {"name": "Anna Berg", "phone": "+351 912 345 678"}
    stay = {
        "space_id": flat["space_id"],
        "arrives": "2026-06-02",
        "departs": "2026-06-05",
        "reservation_code": "HMABCDEF12",
        "guest": guest,
    }
    booking = await make("/v1/bookings", stay)
    grant = await make("/v1/access_grants", GRANT | {"device_ids": [second]})
    calendar = await make(
        "/v1/calendars", {"space_id": flat["space_id"], "url": "https://calendar.example/private-7f3a.ics"}
    )
    webhook = await make("/v1/webhooks", {"url": "https://hooks.example/lockstep"})
    attempt = await make(f"/v1/devices/{second}/unlock", None)
    accounts = read(await client.get("/v1/connected_accounts"))["items"]
    keys = read(await client.get("/v1/api_keys"))["items"]
    found = read(await client.get("/v1/access_codes", params={"access_grant_id": grant["access_grant_id"]}))
    ids = {
        "connected_account_id": accounts[0]["connected_account_id"],
        "device_id": second,
        "space_id": flat["space_id"],
        "property_id": house["space_id"],
        "other_property_id": hill["space_id"],
        "calendar_id": calendar["calendar_id"],
        "booking_id": booking["booking_id"],
        "guest_id": booking["guest_id"],
        "access_grant_id": grant["access_grant_id"],
        "access_code_id": found["items"][0]["access_code_id"],
        "action_attempt_id": attempt["action_attempt_id"],
        "webhook_id": webhook["webhook"]["webhook_id"],
        "api_key_id": keys[0]["api_key_id"],
    }
    return Sample(client, ids)


GRANT = {
    "name": "Cleaning",
    "starts_at": "2026-06-01T08:00:00Z",
    "ends_at": "2026-06-01T12:00:00Z",
    "code": "815346",
}


def june(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, tzinfo=UTC)
