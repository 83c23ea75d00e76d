"""Known digits and secrets, led through everything that Lockstep does: they come out nowhere (trust.md, line 18)."""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs
from tests.http.api.furnished import Home, at_home, june
from tests.http.api.parts import bearer
from tests.serving import serving

from lockstep.driver.measured import measured
from lockstep.emulation.clock import VirtualClock
from lockstep.http.callbacks.app import callback_routes
from lockstep.http.running.measuring import Measuring
from lockstep.http.running.page import Page
from lockstep.kit.metrics import DELIVERIES, REQUESTS, VENDOR_CALLS
from lockstep.kit.outbound import OutboundPolicy
from lockstep.model.permissions import DEFAULT_SCOPES
from lockstep.operations import figures
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.world import World
from lockstep.workers.calendars.pull import Puller
from lockstep.workers.deliveries.deliver import Deliverer
from lockstep.workers.sweeps.sequencer import sequence_all

CODE, OTHER_CODE, FOREIGN_CODE = "815347", "926458", "374619"
VENDOR_TOKEN = "canary-vendor-token-7f3a9c"
NEW_TOKEN = "canary-fresh-token-1b8e2d"
WEBHOOK_SECRET = "canary-webhook-secret-55aa"
FEED = "/ical/canary-feed-secret-9921.ics?s=canary-query-3345"
HOOK = "/hooks/canary-hook-secret-4d1c"

DIGITS = (CODE, OTHER_CODE, FOREIGN_CODE)
SECRETS = (
    VENDOR_TOKEN,
    NEW_TOKEN,
    WEBHOOK_SECRET,
    "canary-feed-secret-9921",
    "canary-query-3345",
    "canary-hook-secret-4d1c",
)


def finds(text: str, canaries: tuple[str, ...]) -> list[str]:
    """Those that stand in a text; digits only where they stand alone, since ids and instants hold digits too."""
    return [c for c in canaries if re.search(rf"(?<![0-9A-Za-z.]){re.escape(c)}(?![0-9A-Za-z])", text)]


class Ears:
    """All that is said outside of Lockstep: logs, addresses that are called, answers."""

    def __init__(self) -> None:
        self.logs = io.StringIO()
        self.addresses: list[str] = []
        self.refusals: list[str] = []
        self.masked: list[str] = []
        self.messages: list[str] = []

    async def take_message(self, request: Request) -> Response:
        """As the receiver of webhooks; every other one is refused, so that it is told of and sent again."""
        self.messages.append((await request.body()).decode())
        return Response(f"no {CODE}", 500 if len(self.messages) % 2 else 204)

    async def hear_request(self, request: httpx2.Request) -> None:
        self.addresses.append(str(request.url))

    async def hear_answer(self, answer: httpx2.Response) -> None:
        await answer.aread()
        if answer.status_code >= 400:
            self.refusals.append(answer.text)


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    world = World(clock)
    for token in (VENDOR_TOKEN, NEW_TOKEN):
        world.allow(token)
    world.add_lock({"name": "Front door"})
    async with at_home(database_url, clock, worlds={"canary.test": create_app(world)}) as home:
        home.world = world
        gate = home.house.gate
        gate.vendors = {name: measured(vendor) for name, vendor in gate.vendors.items()}
        gate.outbound = OutboundPolicy(allow_private=True)
        home.house.processes["calendars"] = Puller(gate).process
        home.house.processes["deliveries"] = Deliverer(gate, lambda: 0.5).process
        for others in (VENDOR_CALLS, REQUESTS, DELIVERIES):
            others.clear()
        transport = httpx2.ASGITransport(Measuring(home.app), raise_app_exceptions=False)
        async with httpx2.AsyncClient(
            transport=transport, base_url=home.client.base_url, headers=home.client.headers
        ) as home.client:
            yield home


async def test_known_digits_and_secrets_come_out_nowhere(home: Home) -> None:
    ears = Ears()
    root = logging.getLogger()
    listening = logging.StreamHandler(ears.logs)
    level = root.level
    root.addHandler(listening)
    root.setLevel(logging.DEBUG)
    home.client.event_hooks = {"request": [ears.hear_request], "response": [ears.hear_answer]}
    home.house.gate.vendor_http.event_hooks = {"request": [ears.hear_request]}
    try:
        routes = [Route(HOOK, ears.take_message, methods=["POST"])]
        async with serving(Starlette(routes=routes), waits=False) as outside:
            with capture_logs() as said:
                shown = await story(home, ears, outside)
    finally:
        root.removeHandler(listening)
        root.setLevel(level)

    # Whoever may read codes does read them: the story told is the one that was looked for.
    assert CODE in shown
    assert OTHER_CODE in shown
    # The page that Lockstep serves, with what it counted of this story.
    metrics = (await Page(lambda: figures.of_all(home.house.gate), time.monotonic).text()).decode()
    for counted in ("vendor_calls_total", "http_requests_total", "webhook_tries_total", "proven_share"):
        assert re.search(rf"^lockstep_{counted}\b", metrics, re.MULTILINE), counted
    heard = {
        "logs": ears.logs.getvalue() + "\n".join(str(line) for line in said),
        "addresses": "\n".join(ears.addresses),
        "refusals": "\n".join(ears.refusals),
        "answers without codes:read": "\n".join(ears.masked),
        "webhooks": "\n".join(ears.messages),
        "events and audit": str(await home.get("/v1/events", limit=100))
        + (await home.client.get("/v1/audit/export")).text,
        "metrics": metrics,
        "database": await dump(home.database_url),
    }
    for place, text in heard.items():
        assert finds(text, DIGITS + SECRETS) == [], place
        assert text, place
    assert len(ears.refusals) >= 8
    # The search would have found them.
    await home.post("/v1/guests", {"name": f"The code is {CODE}"})
    assert finds(await dump(home.database_url), DIGITS + SECRETS) == [CODE]


async def story(home: Home, ears: Ears, outside: str) -> str:
    """Everything once: what works, and what is refused with secrets in hand. Returns what `codes:read` shows."""
    client = home.client
    await home.post("/v1/webhooks", {"url": outside + HOOK})
    credentials = {"token": VENDOR_TOKEN, "endpoint": "http://canary.test", "webhook_secret": WEBHOOK_SECRET}
    connection = {"vendor": "nuki", "credentials": credentials}
    made = await home.post("/v1/connected_accounts", connection)
    account = made["connected_account"]["connected_account_id"]
    await client.post("/v1/connected_accounts", json=connection)
    for wrong in ({"token": f"{VENDOR_TOKEN}x"}, {VENDOR_TOKEN: VENDOR_TOKEN}, {"token": NEW_TOKEN + "\n."}):
        given = {"endpoint": "http://canary.test"} | wrong
        await client.post("/v1/connected_accounts", json={"vendor": "nuki", "credentials": given})
    await client.put(
        f"/v1/connected_accounts/{account}/credentials",
        json={"credentials": credentials | {"token": NEW_TOKEN}},
    )
    lock = (await home.get("/v1/devices"))["items"][0]["device_id"]
    place = await home.post(
        "/v1/spaces", {"name": "House", "time_zone": "Europe/Lisbon", "device_ids": [lock]}
    )
    await home.post("/v1/calendars", {"space_id": place["space_id"], "url": outside + FEED})
    for url in (outside + FEED, f"ftp://calendar.example{FEED}"):
        await client.post("/v1/calendars", json={"space_id": place["space_id"], "url": url})

    window = {"starts_at": "2026-06-01T08:00:00Z", "ends_at": "2026-06-03T12:00:00Z", "device_ids": [lock]}
    once = {"idempotency-key": "canary-1"}
    grant = {"name": "Anna", "code": CODE} | window
    first = await client.post("/v1/access_grants", json=grant, headers=once)
    await client.post("/v1/access_grants", json=grant, headers=once)
    await client.post("/v1/access_grants", json=grant | {"code": OTHER_CODE}, headers=once)
    for wrong_code in (CODE, CODE + CODE, f"0{CODE[1:]}", [CODE], {"digits": CODE}, int(CODE)):
        await client.post("/v1/access_grants", json=grant | {"code": wrong_code, CODE: CODE})
        await client.post("/v1/access_grants", json=grant | {"code": wrong_code})
    path = f"/v1/access_grants/{first.json()['access_grant_id']}"

    # On the lock, with a reply lost, a lock that is away, and somebody else's code.
    number = home.world.lock_ids()[0]
    home.world.put_code_in_app(number, None, {"name": "Grandma", "code": FOREIGN_CODE})
    control = httpx2.ASGITransport(create_app(home.world))
    async with httpx2.AsyncClient(transport=control, base_url="http://canary.test") as emulator:
        await emulator.post(
            "/_emulator/faults", json={"kind": "reply_lost_after", "mutating": True, "times": 1}
        )
    await home.house.advance(june(1, 4))
    await client.patch(path, json={"code": OTHER_CODE})
    home.world.take_offline(number)
    await home.house.advance(june(1, 6))
    home.world.bring_online(number)
    await home.house.advance(june(1, 9))
    assert home.world.enter(number, OTHER_CODE).opened
    await home.post(f"/v1/devices/{lock}/unlock")
    await home.house.work()

    shown = first.text + (await client.get(path)).text + (await client.get("/v1/access_codes")).text
    usual = bearer(await home.key(set(DEFAULT_SCOPES)))
    for listed in ("access_grants", "access_codes", "arrivals", "calendars", "connected_accounts", "devices"):
        ears.masked.append((await client.get(f"/v1/{listed}", headers=usual)).text)
    ears.masked.append((await client.get(path, headers=usual)).text)
    ears.masked.append((await client.get(f"/v1/devices/{lock}/unmanaged_codes", headers=usual)).text)

    vendor = httpx2.ASGITransport(Measuring(Starlette(routes=callback_routes(home.house.gate))))
    async with httpx2.AsyncClient(transport=vendor, base_url="http://lockstep.test") as calling:
        answer = await calling.post(made["callback_path"], content=CODE, headers={"x-secret": WEBHOOK_SECRET})
        ears.refusals.append(answer.text)
    home.world.revoke(NEW_TOKEN)
    await home.post(f"{path}/cancel")
    await sequence_all(home.house.gate)
    await home.house.advance(june(1, 9) + timedelta(minutes=10))
    for listed in ("connected_accounts", "access_codes", "devices", "action_attempts"):
        ears.masked.append((await client.get(f"/v1/{listed}", headers=usual)).text)
    return shown


async def dump(url: str) -> str:
    """Every value of every table as text; sealed ones as the bytes that they are, read as text."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "select relname from pg_class join pg_namespace n on n.oid = relnamespace "
            "where relkind = 'r' and nspname = 'public'"
        )
        lines: list[str] = []
        for (table,) in tables:
            for row in await connection.fetch(f'select * from "{table}"'):
                lines += [f"{table}.{name}: {_text(value)}" for name, value in row.items()]
        return "\n".join(lines)
    finally:
        await connection.close()


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
