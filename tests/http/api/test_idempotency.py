"""The same request under the same Idempotency-Key has one effect and one answer (trust.md, line 23)."""

import asyncio

import httpx2
import pytest
from tests.http.api.parts import MakeKey, bearer

from lockstep.http.api.app import create_api
from lockstep.model.permissions import Actor
from lockstep.operations.gate import Gate

ONCE = {"idempotency-key": "0190f5de-6f6e"}


async def names_of_keys(client: httpx2.AsyncClient) -> list[str]:
    return [key["name"] for key in (await client.get("/v1/api_keys?limit=100")).json()["items"]]


async def test_a_hundred_at_once_have_one_effect_and_all_get_its_answer(client: httpx2.AsyncClient) -> None:
    asked = (client.post("/v1/api_keys", json={"name": "Only one"}, headers=ONCE) for _ in range(100))
    answers = await asyncio.gather(*asked)
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert sum("idempotent-replayed" in a.headers for a in answers) == 99
    assert (await names_of_keys(client)).count("Only one") == 1


async def test_without_a_key_each_request_has_its_own_effect(client: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await client.post("/v1/api_keys", json={"name": "One of two"})
    assert (await names_of_keys(client)).count("One of two") == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/v1/api_keys", {"name": "Another"}, id="another body"),
        pytest.param("/v1/api_keys?x=1", {"name": "First"}, id="another query"),
        pytest.param("/v1/workspace/confirm", {"name": "First"}, id="another path"),
    ],
)
async def test_the_same_key_for_something_else_is_refused(
    client: httpx2.AsyncClient, path: str, body: dict[str, str]
) -> None:
    await client.post("/v1/api_keys", json={"name": "First"}, headers=ONCE)
    answer = await client.post(path, json=body, headers=ONCE)
    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotency_key_reused"
    assert "Another" not in await names_of_keys(client)


async def test_the_answer_survives_a_restart(client: httpx2.AsyncClient, gate: Gate) -> None:
    first = await client.post("/v1/api_keys", json={"name": "Kept"}, headers=ONCE)
    restarted = httpx2.ASGITransport(create_api(gate))
    headers = dict(client.headers) | ONCE
    async with httpx2.AsyncClient(
        transport=restarted, base_url="http://lockstep.test", headers=headers
    ) as other:
        again = await other.post("/v1/api_keys", json={"name": "Kept"})
    assert (again.status_code, again.content) == (201, first.content)
    assert (await names_of_keys(client)).count("Kept") == 1


async def test_another_callers_key_is_another_key(
    client: httpx2.AsyncClient, make_key: MakeKey, owner: Actor, neighbour: Actor
) -> None:
    for headers in ({}, bearer(await make_key(owner)), bearer(await make_key(neighbour))):
        answer = await client.post("/v1/api_keys", json={"name": "Each"}, headers=ONCE | headers)
        assert answer.status_code == 201
    assert (await names_of_keys(client)).count("Each") == 2


async def test_a_request_that_failed_may_be_sent_again_under_its_key(client: httpx2.AsyncClient) -> None:
    refused = await client.patch("/v1/webhooks/webhook_1", json={}, headers=ONCE)
    assert refused.status_code == 404
    assert (await client.post("/v1/api_keys", json={"name": "Now"}, headers=ONCE)).status_code == 201


async def test_an_empty_answer_is_replayed_as_empty(client: httpx2.AsyncClient) -> None:
    made = await client.post("/v1/webhooks", json={"url": "https://example.com/h"})
    path = f"/v1/webhooks/{made.json()['webhook']['webhook_id']}"
    answers = [await client.delete(path, headers=ONCE) for _ in range(2)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b""), (204, b"")]


async def test_what_is_kept_is_sealed(client: httpx2.AsyncClient, gate: Gate, owner: Actor) -> None:
    made = await client.post("/v1/api_keys", json={"name": "Sealed"}, headers=ONCE)
    async with gate.database.reading(owner.workspace_id) as db:
        (row,) = await db.fetch("select * from idempotency_keys")
    kept = b"".join(v for v in row.values() if isinstance(v, bytes))
    assert made.json()["secret"].encode() not in kept
    assert b"Sealed" not in kept


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a\tb", "é".encode()])
async def test_a_key_that_is_no_key_is_refused(client: httpx2.AsyncClient, key: bytes) -> None:
    headers = [(b"Idempotency-Key", key)]
    answer = await client.post("/v1/api_keys", json={"name": "A"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_invalid"
