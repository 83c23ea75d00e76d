"""/health and /metrics: what they tell, to whom, and that they tell of a database that is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from tests.connections import lose_database

from lockstep.emulation.clock import VirtualClock
from lockstep.http.api.app import create_api
from lockstep.http.running.app import RunningParts, running_routes
from lockstep.http.running.measuring import Measuring
from lockstep.http.running.page import Page
from lockstep.kit.metrics import REGISTRY
from lockstep.model.permissions import Actor
from lockstep.operations import figures, webhooks
from lockstep.operations.gate import Gate
from lockstep.operations.webhooks import CreateWebhook

TOKEN = "scrape-token"
Ask = Callable[..., Awaitable[httpx2.Response]]


class Seconds:
    """Real time, by hand."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def ask(gate: Gate, seconds: Seconds) -> Ask:
    """`await ask("/metrics", peer="10.0.0.9", headers={...})`."""
    parts = RunningParts(
        health=lambda: figures.health(gate),
        page=Page(lambda: figures.of_all(gate), seconds),
        metrics_token=TOKEN,
    )
    app = Starlette(
        routes=[*running_routes(parts), Mount("/", create_api(gate))], middleware=[Middleware(Measuring)]
    )

    async def asked(
        path: str, *, peer: str = "127.0.0.1", host: str = "localhost", **more: object
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(app, client=(peer, 1))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.get(path, **more)  # type: ignore[arg-type]

    return asked


def values(text: str) -> dict[str, float]:
    """Sample with its labels -> value."""
    return {
        f"{s.name}{sorted(s.labels.values()) or ''}": s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


async def test_health_tells_that_database_and_schema_are_there(ask: Ask) -> None:
    answer = await ask("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": True, "schema": True}}
    assert (await ask("/health/live")).json() == {"status": "ok"}


async def test_health_fails_where_the_schema_is_another(ask: Ask, gate: Gate) -> None:
    async with gate.database.transaction(None) as db:
        await db.execute("insert into lockstep_migrations values ('9999_later.sql', 'x', now())")
    try:
        answer = await ask("/health")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"database": True, "schema": False}
    finally:
        async with gate.database.transaction(None) as db:
            await db.execute("delete from lockstep_migrations where name = '9999_later.sql'")


async def test_a_database_that_is_away_is_told_by_both_and_the_process_lives(ask: Ask, gate: Gate) -> None:
    await lose_database(gate)
    answer = await ask("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "checks": {"database": False, "schema": False}}
    assert (await ask("/health/live")).status_code == 200
    told = values((await ask("/metrics")).text)
    assert told["lockstep_database_up"] == 0


async def test_metrics_tell_how_the_installation_does(
    ask: Ask, gate: Gate, owner: Actor, clock: VirtualClock, seconds: Seconds
) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        await webhooks.create(tx, owner, CreateWebhook("https://hooks.example/x"))
    clock.advance(timedelta(seconds=90))
    told = values((await ask("/metrics")).text)
    assert told["lockstep_database_up"] == 1
    assert told["lockstep_proven_share"] == 1
    assert told["lockstep_late_codes"] == 0
    assert told["lockstep_webhooks['enabled']"] == 1
    assert told["lockstep_unsequenced_events"] > 0
    assert told["lockstep_unsequenced_age_seconds"] == 90
    assert told["lockstep_queue_age_seconds['domains']"] == 0


async def test_the_database_is_asked_once_in_a_while_however_often_the_page_is(
    ask: Ask, gate: Gate, owner: Actor, seconds: Seconds
) -> None:
    assert "lockstep_webhooks['enabled']" not in values((await ask("/metrics")).text)
    async with gate.transaction(owner.workspace_id) as tx:
        await webhooks.create(tx, owner, CreateWebhook("https://hooks.example/x"))
    assert "lockstep_webhooks['enabled']" not in values((await ask("/metrics")).text)
    seconds.passed += 15
    assert values((await ask("/metrics")).text)["lockstep_webhooks['enabled']"] == 1


@pytest.mark.parametrize(
    ("peer", "host", "headers", "status"),
    [
        ("127.0.0.1", "localhost", {}, 200),
        ("::1", "[::1]", {}, 200),
        ("10.0.0.9", "localhost", {}, 403),
        ("127.0.0.1", "locks.example.com", {}, 403),
        ("127.0.0.1", "localhost", {"x-forwarded-for": "1.2.3.4"}, 403),
        ("10.0.0.9", "locks.example.com", {"authorization": f"Bearer {TOKEN}"}, 200),
        ("10.0.0.9", "locks.example.com", {"authorization": "Bearer wrong"}, 403),
        ("127.0.0.1", "localhost", {"authorization": "Bearer wrong"}, 403),
    ],
    ids=["loopback", "loopback, IPv6", "elsewhere", "by a proxy's name", "through a proxy", "token", "wrong token",
         "wrong token on loopback"],
)  # fmt: skip
async def test_metrics_are_for_this_machine_or_whoever_has_the_token(
    ask: Ask, peer: str, host: str, headers: dict[str, str], status: int
) -> None:
    assert (await ask("/metrics", peer=peer, host=host, headers=headers)).status_code == status


async def test_requests_are_counted_by_the_template_of_their_path_and_by_nothing_a_stranger_chose(
    ask: Ask,
) -> None:
    def counted(route: str, status: str) -> float:
        found = REGISTRY.get_sample_value(
            "lockstep_http_requests_total", {"method": "GET", "route": route, "status": status}
        )
        return found or 0.0

    before = counted("other", "404"), counted("/health", "200"), counted("/v1/openapi.json", "200")
    await ask("/health")
    await ask("/v1/openapi.json")
    await ask("/no/such/739164")
    assert counted("/health", "200") == before[1] + 1
    assert counted("/v1/openapi.json", "200") == before[2] + 1
    text = (await ask("/metrics")).text
    assert "739164" not in text
