"""Every route of the description, asked by whoever may not: refused, and nothing is changed (trust.md, line 17).

A route without its row in ROWS fails here, and so does a row whose request a good key could not make.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import httpx
import pytest
from tests.http.api.furnished import GRANT, TOKEN, Home, Ids, Sample, at_home, furnish, read
from tests.http.api.parts import bearer

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import Actor, Scope, system
from lockstep.operations import workspaces
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.world import World

Elsewhere = Literal["refused", "hidden", "shared"]
"""For a key confined to another property: refused; hidden from a list; or nothing of any property."""


@dataclass(frozen=True, slots=True)
class Row:
    """A request that a good key can make. `elsewhere`: what a key confined to another property gets."""

    scope: Scope
    body: Callable[[Ids], Any] = lambda ids: None
    elsewhere: Elsewhere = "refused"
    answers: int | None = None
    """Of a good key; None: as described. Another where what it needs is not there."""


def credentials(host: str = "nuki.test") -> dict[str, str]:
    return {"token": TOKEN, "endpoint": f"http://{host}"}


def body(value: Any) -> Callable[[Ids], Any]:
    return lambda ids: value


# In an order in which each can be made: what destroys comes last.
ROWS: dict[str, Row] = {
    "list_vendors": Row(Scope.ACCOUNTS_READ, elsewhere="shared"),
    "list_connected_accounts": Row(Scope.ACCOUNTS_READ),
    "get_connected_account": Row(Scope.ACCOUNTS_READ),
    "connect_account": Row(
        Scope.ACCOUNTS_WRITE, body({"vendor": "nuki", "credentials": credentials("second.test")})
    ),
    "change_credentials": Row(Scope.ACCOUNTS_WRITE, body({"credentials": credentials()})),
    "look_at_connected_account": Row(Scope.ACCOUNTS_WRITE),
    "list_devices": Row(Scope.DEVICES_READ, elsewhere="hidden"),
    "get_device": Row(Scope.DEVICES_READ),
    "look_at_device": Row(Scope.GRANTS_WRITE),
    "unlock_device": Row(Scope.DEVICES_UNLOCK),
    "list_unmanaged_codes": Row(Scope.GRANTS_READ),
    "list_action_attempts": Row(Scope.DEVICES_READ, elsewhere="hidden"),
    "get_action_attempt": Row(Scope.DEVICES_READ),
    "list_spaces": Row(Scope.PROPERTIES_READ, elsewhere="hidden"),
    "get_space": Row(Scope.PROPERTIES_READ),
    "list_devices_of_space": Row(Scope.DEVICES_READ),
    "create_space": Row(
        Scope.PROPERTIES_WRITE, lambda ids: {"name": "Attic", "parent_space_id": ids["space_id"]}
    ),
    "change_space": Row(Scope.PROPERTIES_WRITE, body({"name": "Flat one"})),
    "add_devices_to_space": Row(Scope.PROPERTIES_WRITE, lambda ids: {"device_ids": [ids["device_id"]]}),
    "list_calendars": Row(Scope.CALENDARS_READ, elsewhere="hidden"),
    "get_calendar": Row(Scope.CALENDARS_READ),
    "add_calendar": Row(
        Scope.CALENDARS_WRITE,
        lambda ids: {"space_id": ids["space_id"], "url": "https://calendar.example/other.ics"},
    ),
    "change_calendar": Row(Scope.CALENDARS_WRITE, body({"name": "Airbnb"})),
    "import_calendar": Row(Scope.CALENDARS_WRITE),
    "confirm_calendar": Row(Scope.CALENDARS_WRITE, answers=409),
    "release_calendar": Row(Scope.CALENDARS_WRITE, answers=409),
    "list_bookings": Row(Scope.BOOKINGS_READ, elsewhere="hidden"),
    "get_booking": Row(Scope.BOOKINGS_READ),
    "create_booking": Row(
        Scope.BOOKINGS_WRITE,
        lambda ids: {"space_id": ids["space_id"], "arrives": "2026-07-01", "departs": "2026-07-03"},
    ),
    "change_booking": Row(Scope.BOOKINGS_WRITE, body({"departs": "2026-06-06"})),
    "confirm_booking": Row(Scope.BOOKINGS_WRITE),
    "list_guests": Row(Scope.GUESTS_READ),
    "get_guest": Row(Scope.GUESTS_READ),
    "create_guest": Row(Scope.GUESTS_WRITE, body({"name": "Ben"})),
    "change_guest": Row(Scope.GUESTS_WRITE, body({"language": "nl"})),
    "list_access_grants": Row(Scope.GRANTS_READ, elsewhere="hidden"),
    "get_access_grant": Row(Scope.GRANTS_READ),
    "create_access_grant": Row(
        Scope.GRANTS_WRITE, lambda ids: GRANT | {"device_ids": [ids["device_id"]], "code": None}
    ),
    "change_access_grant": Row(Scope.GRANTS_WRITE, body({"name": "Cleaning again"})),
    "list_access_codes": Row(Scope.GRANTS_READ, elsewhere="hidden"),
    "get_access_code": Row(Scope.GRANTS_READ),
    "list_arrivals": Row(Scope.GRANTS_READ, elsewhere="hidden"),
    "get_workspace": Row(Scope.WORKSPACE_READ, elsewhere="shared"),
    "change_workspace": Row(Scope.WORKSPACE_WRITE, body({"name": "Harbour flats"})),
    "confirm_workspace": Row(Scope.WORKSPACE_WRITE),
    "list_api_keys": Row(Scope.API_KEYS_WRITE),
    "get_api_key": Row(Scope.API_KEYS_WRITE),
    "create_api_key": Row(Scope.API_KEYS_WRITE, body({"name": "Sync"})),
    "list_events": Row(Scope.EVENTS_READ),
    "get_event": Row(Scope.EVENTS_READ, answers=404),
    "list_webhooks": Row(Scope.WEBHOOKS_READ),
    "get_webhook": Row(Scope.WEBHOOKS_READ),
    "create_webhook": Row(Scope.WEBHOOKS_WRITE, body({"url": "https://hooks.example/second"})),
    "change_webhook": Row(Scope.WEBHOOKS_WRITE, body({"types": ["booking.created"]})),
    "rotate_webhook_secret": Row(Scope.WEBHOOKS_WRITE),
    "list_deliveries": Row(Scope.WEBHOOKS_READ),
    "send_delivery_again": Row(Scope.WEBHOOKS_WRITE, answers=404),
    "list_audit": Row(Scope.AUDIT_READ),
    "check_audit": Row(Scope.AUDIT_READ),
    "get_audit_head": Row(Scope.AUDIT_READ),
    "export_audit": Row(Scope.AUDIT_READ),
    "cancel_access_grant": Row(Scope.GRANTS_WRITE, body({"is_compromised": True})),
    "cancel_booking": Row(Scope.BOOKINGS_WRITE),
    "erase_guest": Row(Scope.GUESTS_WRITE),
    "remove_calendar": Row(Scope.CALENDARS_WRITE),
    "remove_device_from_space": Row(Scope.PROPERTIES_WRITE),
    "remove_space": Row(Scope.PROPERTIES_WRITE, answers=409),
    "remove_webhook": Row(Scope.WEBHOOKS_WRITE),
    "disconnect_account": Row(Scope.ACCOUNTS_WRITE, body({"codes": "leave"})),
    "revoke_api_key": Row(Scope.API_KEYS_WRITE),
}


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
    ) -> httpx.Response:
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
        transport = httpx.ASGITransport(home.app)
        async with httpx.AsyncClient(
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
        for headers in ({"authorization": ""}, revoked, expired, bearer("lockstep_" + "x" * 40)):
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
