"""What every request of the API passes: key, size, request id; and how it tells what went wrong."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs
from tests.connections import without_tables
from tests.http.api.parts import MakeKey, Seconds, bearer

from lockstep.emulation.clock import VirtualClock
from lockstep.http.api.app import create_api
from lockstep.http.api.settings import ApiSettings
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import api_keys
from lockstep.operations.gate import Gate

CANARY = "815347"


async def test_the_workspace_of_the_key_is_shown(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/workspace")
    assert answer.status_code == 200
    assert answer.json()["name"] == "Harbour flats"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no header"),
        pytest.param({"authorization": "Bearer "}, id="no key in it"),
        pytest.param({"authorization": "Basic bG9ja3N0ZXA6eA=="}, id="another scheme"),
        pytest.param(bearer("seam_lockstep_" + "x" * 40), id="unknown key"),
        pytest.param(bearer("x" * 5000), id="much too long"),
        pytest.param({"authorization": b"Bearer seam_lockstep_\xff\x00"}, id="bytes that are no text"),
    ],
)
async def test_without_a_good_key_nothing_is_shown(stranger: httpx2.AsyncClient, headers: Any) -> None:
    answer = await stranger.get("/v1/workspace", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "not_signed_in"


async def test_a_revoked_key_is_refused_at_once_where_it_was_revoked(
    client: httpx2.AsyncClient, make_key: MakeKey, owner: Actor
) -> None:
    doomed = bearer(await make_key(owner))
    assert (await client.get("/v1/workspace", headers=doomed)).status_code == 200
    keys = (await client.get("/v1/api_keys")).json()["items"]
    await client.post(f"/v1/api_keys/{keys[-1]['api_key_id']}/revoke")
    assert (await client.get("/v1/workspace", headers=doomed)).status_code == 401
    assert (await client.get("/v1/workspace")).status_code == 200


async def test_a_key_revoked_by_another_process_is_refused_a_second_later(
    client: httpx2.AsyncClient, gate: Gate, owner: Actor, make_key: MakeKey, seconds: Seconds
) -> None:
    doomed = bearer(await make_key(owner))
    assert (await client.get("/v1/workspace", headers=doomed)).status_code == 200
    async with gate.transaction(owner.workspace_id) as tx:
        for key in await api_keys.listed(tx, owner, None, 10):
            await api_keys.revoke(tx, owner, key.api_key_id)
    seconds.now += 1.1
    assert (await client.get("/v1/workspace", headers=doomed)).status_code == 401


async def test_a_key_stops_at_its_expiry_though_it_was_good_a_moment_ago(
    stranger: httpx2.AsyncClient, make_key: MakeKey, owner: Actor, clock: VirtualClock
) -> None:
    key = bearer(await make_key(owner, expires_at=clock.now() + timedelta(hours=1)))
    assert (await stranger.get("/v1/workspace", headers=key)).status_code == 200
    clock.advance(timedelta(hours=1))
    assert (await stranger.get("/v1/workspace", headers=key)).status_code == 401


async def test_a_key_without_the_scope_is_told_which_one_is_missing(
    stranger: httpx2.AsyncClient, make_key: MakeKey, owner: Actor
) -> None:
    key = bearer(await make_key(owner, {Scope.EVENTS_READ}))
    answer = await stranger.get("/v1/workspace", headers=key)
    assert answer.status_code == 403
    assert "workspace:read" in answer.json()["cause"]
    assert "workspace:read" in answer.json()["next_step"]


async def test_a_problem_names_code_cause_and_next_step(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/events/event_unknown", headers={"x-request-id": "abc-1"})
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem == {
        "type": "urn:lockstep:problem:event_not_found",
        "title": "There is no such thing here",
        "status": 404,
        "detail": "There is no event event_unknown in this workspace.",
        "code": "event_not_found",
        "cause": "There is no event event_unknown in this workspace.",
        "next_step": problem["next_step"],
        "request_id": "abc-1",
        "errors": [],
    }


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("abc-1", True), ("x" * 200, False), ("a b", False), ("", False)],
)
async def test_a_request_has_an_id_that_the_caller_may_give(
    client: httpx2.AsyncClient, given: str, is_kept: bool
) -> None:
    answer = await client.get("/v1/workspace", headers={"x-request-id": given})
    assert (answer.headers["x-request-id"] == given) is is_kept
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "body.name", id="missing"),
        pytest.param({"name": 7}, "body.name", id="number for text"),
        pytest.param({"name": ""}, "body.name", id="empty"),
        pytest.param({"name": "x" * 300}, "body.name", id="too long"),
        pytest.param({"name": "a\x00b"}, "body.name", id="NUL"),
        pytest.param({"name": "A", "colour": CANARY}, "body.colour", id="unknown field"),
        pytest.param({"name": "A", "expires_at": 1780000000}, "body.expires_at", id="number for instant"),
        pytest.param({"name": "A", "expires_at": "2027-01-01T00:00:00"}, "body.expires_at", id="no offset"),
        pytest.param({"name": "A", "scopes": ["doors:all"]}, "body.scopes", id="unknown scope"),
        pytest.param({"name": "A", "scopes": []}, "body.scopes", id="no scope"),
        pytest.param({"name": "A", "property_ids": [{}]}, "body.property_ids.0", id="object for id"),
    ],
)
async def test_what_cannot_be_taken_is_400_and_names_the_field(
    client: httpx2.AsyncClient, body: dict[str, object], field: str
) -> None:
    answer = await client.post("/v1/api_keys", json=body)
    assert answer.status_code == 400, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(b"{", "application/json", id="broken JSON"),
        pytest.param(b'{"name": "\\ud800"}', "application/json", id="half a character"),
        pytest.param(b"\xff\xfe", "application/json", id="no UTF-8"),
        pytest.param(b"[" * 50_000, "application/json", id="nested without end"),
        pytest.param(b"name=x", "application/x-www-form-urlencoded", id="a form"),
        pytest.param(b'{"name": "x"}', "", id="no content type"),
    ],
)
async def test_a_body_that_cannot_be_read_is_400(
    client: httpx2.AsyncClient, content: bytes, content_type: str
) -> None:
    answer = await client.post("/v1/api_keys", content=content, headers={"content-type": content_type})
    assert answer.status_code == 400, answer.text
    assert answer.json()["next_step"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "no_such_path"),
        ("PUT", "/v1/workspace", 405, "no_such_method"),
        ("GET", "/v1/events?limit=0", 400, "invalid"),
        ("GET", "/v1/events?limit=101", 400, "invalid"),
        ("GET", "/v1/events?cursor=x", 400, "cursor_invalid"),
        ("GET", "/v1/events?type=a.b", 400, "event_type_unknown"),
        ("GET", "/v1/events/%00", 400, "invalid"),
        ("GET", "/v1/webhooks/webhook_1", 404, "webhook_not_found"),
        ("POST", "/v1/api_keys/key_1/revoke", 404, "api_key_not_found"),
    ],
)
async def test_problems_of_addresses_have_their_status(
    client: httpx2.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["x-request-id"]


async def test_a_body_that_is_too_large_is_refused_announced_or_not(client: httpx2.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    headers = {"content-type": "application/json"}
    announced = await client.post("/v1/api_keys", content=b" " * 400_000, headers=headers)
    in_pieces = await client.post("/v1/api_keys", content=pieces(), headers=headers)
    assert [announced.status_code, in_pieces.status_code] == [413, 413]
    assert announced.json()["code"] == in_pieces.json()["code"] == "too_large"


async def test_a_fault_of_ours_is_logged_and_answered_without_details(
    client: httpx2.AsyncClient, gate: Gate
) -> None:
    assert (await client.get("/v1/workspace")).status_code == 200
    async with without_tables(gate):
        with capture_logs() as logs:
            answer = await client.get("/v1/workspace")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "relation" not in answer.text
    assert [(line["event"], line["request_id"]) for line in logs] == [
        ("request_failed", answer.json()["request_id"])
    ]


class TestPace:
    @pytest.fixture
    def settings(self) -> ApiSettings:
        return ApiSettings(requests_per_second=2, burst=3)

    async def test_a_key_that_asks_too_often_is_told_how_long_to_wait(
        self, client: httpx2.AsyncClient, make_key: MakeKey, owner: Actor, seconds: Seconds
    ) -> None:
        answers = [await client.get("/v1/workspace") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert [a.headers["ratelimit"] for a in answers[:2]] == ['"default";r=2;t=1', '"default";r=1;t=1']
        assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=2'
        assert answers[3].headers["retry-after"] == "1"
        assert answers[3].json()["code"] == "too_many_requests"

        other = bearer(await make_key(owner))
        assert (await client.get("/v1/workspace", headers=other)).status_code == 200
        seconds.now += 0.5
        assert (await client.get("/v1/workspace")).status_code == 200
        assert (await client.get("/v1/workspace")).status_code == 429

    async def test_whoever_tries_keys_is_slowed_down_without_slowing_good_ones(
        self, client: httpx2.AsyncClient
    ) -> None:
        wrong = bearer("seam_lockstep_" + "x" * 40)
        answers = [await client.get("/v1/workspace", headers=wrong) for _ in range(4)]
        assert [a.status_code for a in answers] == [401, 401, 401, 429]
        assert (await client.get("/v1/workspace")).status_code == 200


async def test_a_second_process_knows_the_same_keys_and_cursors(
    client: httpx2.AsyncClient, gate: Gate, make_key: MakeKey, owner: Actor
) -> None:
    for _ in range(2):
        await make_key(owner)
    first = (await client.get("/v1/api_keys?limit=1")).json()
    transport = httpx2.ASGITransport(create_api(gate))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://other.test", headers=client.headers
    ) as other:
        second = await other.get("/v1/api_keys", params={"limit": 1, "cursor": first["next_cursor"]})
    assert second.status_code == 200
    assert second.json()["items"][0] != first["items"][0]
