"""Events, webhooks, audit and keys through the API, as a caller meets them."""

import json

import httpx2
import pytest
from tests.http.api.parts import MakeKey, bearer

from lockstep.model import events as facts
from lockstep.model.audit import verify_export
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import events
from lockstep.operations.gate import Gate
from lockstep.workers.sweeps.sequencer import sequence_all


async def tell(gate: Gate, actor: Actor, *names: str) -> None:
    async with gate.transaction(actor.workspace_id) as tx:
        await events.append(tx, actor, *(facts.BookingCreated(booking_id=name) for name in names))
    await sequence_all(gate)


async def test_a_reader_that_keeps_its_cursor_misses_nothing_and_is_told_nothing_twice(
    client: httpx2.AsyncClient, gate: Gate, owner: Actor
) -> None:
    seen: list[int] = []
    cursor = None
    for round_ in range(4):
        await tell(gate, owner, *(f"booking_{round_}_{n}" for n in range(5)))
        has_more = True
        while has_more:
            params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/v1/events", params=params)).json()
            seen += [event["position"] for event in page["items"]]
            cursor, has_more = page["next_cursor"], page["has_more"]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 20


async def test_a_cursor_serves_only_the_list_it_came_from(
    client: httpx2.AsyncClient, gate: Gate, owner: Actor, neighbour: Actor, make_key: MakeKey
) -> None:
    await tell(gate, owner, "booking_1")
    cursor = (await client.get("/v1/events")).json()["next_cursor"]
    tampered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    theirs = bearer(await make_key(neighbour))
    for path, params, headers in (
        ("/v1/audit", {"cursor": cursor}, {}),
        ("/v1/events", {"cursor": cursor, "type": "booking.created"}, {}),
        ("/v1/events", {"cursor": tampered}, {}),
        ("/v1/events", {"cursor": cursor}, theirs),
    ):
        answer = await client.get(path, params=params, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


async def test_one_event_is_shown_as_in_the_list_and_to_its_own_workspace_alone(
    client: httpx2.AsyncClient, gate: Gate, owner: Actor, neighbour: Actor, make_key: MakeKey
) -> None:
    await tell(gate, owner, "booking_1")
    page = (await client.get("/v1/events", params={"type": "booking.created"})).json()
    (event,) = page["items"]
    path = f"/v1/events/{event['event_id']}"
    assert (await client.get(path)).json() == event
    assert (await client.get(path, headers=bearer(await make_key(neighbour)))).status_code == 404


async def test_a_webhook_is_made_changed_rotated_and_removed(client: httpx2.AsyncClient) -> None:
    made = await client.post("/v1/webhooks", json={"url": "https://hooks.example.com/a?token=s3cret"})
    assert made.status_code == 201
    webhook = made.json()["webhook"]
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    assert (webhook["url_host"], webhook["types"], webhook["is_enabled"]) == ("hooks.example.com", None, True)

    changed = await client.patch(path, json={"types": ["booking.created"], "is_enabled": False})
    assert (changed.json()["types"], changed.json()["is_enabled"]) == (["booking.created"], False)
    assert (await client.patch(path, json={"types": None})).json()["types"] is None

    rotated = (await client.post(f"{path}/rotate_secret")).json()
    assert rotated["secret"] != made.json()["secret"]
    assert rotated["webhook"]["old_secret_until"]

    listed = await client.get("/v1/webhooks")
    assert "s3cret" not in listed.text
    assert [item["webhook_id"] for item in listed.json()["items"]] == [webhook["webhook_id"]]
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_deliveries_are_listed_newest_first_and_sent_again(
    client: httpx2.AsyncClient, gate: Gate, owner: Actor
) -> None:
    made = (
        await client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/", "types": ["booking.created"]})
    ).json()
    path = f"/v1/webhooks/{made['webhook']['webhook_id']}/deliveries"
    await tell(gate, owner, "booking_1", "booking_2", "booking_3")
    first = (await client.get(path, params={"limit": 2})).json()
    second = (await client.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    positions = [d["position"] for d in first["items"] + second["items"]]
    assert positions == sorted(positions, reverse=True)
    assert (len(positions), second["next_cursor"]) == (3, None)
    assert {d["state"] for d in first["items"]} == {"pending"}
    delivery_id = first["items"][0]["delivery_id"]
    assert (await client.post(f"{path}/{delivery_id}/send_again")).json()["state"] == "pending"
    assert (await client.post(f"{path}/delivery_x/send_again")).status_code == 404
    assert (await client.get(path, params={"state": "delivered"})).json()["items"] == []


async def test_a_private_address_is_refused_with_the_next_step(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/webhooks", json={"url": "ftp://hooks.example.com/?token=s3cret"})
    assert (answer.status_code, answer.json()["code"]) == (400, "url_refused")
    assert answer.json()["errors"][0]["field"] == "body.url"
    assert "s3cret" not in answer.text


async def test_the_audit_log_is_listed_checked_and_taken_away(
    client: httpx2.AsyncClient, gate: Gate, owner: Actor
) -> None:
    await tell(gate, owner, "booking_1")
    lines = (await client.get("/v1/audit")).json()["items"]
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
    assert (await client.get("/v1/audit/check")).json()["is_whole"] is True
    head = (await client.get("/v1/audit/head")).json()
    assert head["hash"] == lines[-1]["hash"]

    export = await client.get("/v1/audit/export")
    assert export.headers["content-type"].startswith("application/jsonl")
    assert verify_export(export.text.splitlines()).hash.hex() == head["hash"]
    assert len([json.loads(line) for line in export.text.splitlines()]) == len(lines) + 1


@pytest.mark.parametrize("path", ["/v1/audit", "/v1/audit/check", "/v1/audit/head", "/v1/audit/export"])
async def test_the_audit_log_has_a_scope_of_its_own(
    stranger: httpx2.AsyncClient, make_key: MakeKey, owner: Actor, path: str
) -> None:
    key = bearer(await make_key(owner, set(Scope) - {Scope.AUDIT_READ}))
    assert (await stranger.get(path, headers=key)).status_code == 403


async def test_the_workspace_keeps_what_is_not_told_to_change(client: httpx2.AsyncClient) -> None:
    changed = await client.patch("/v1/workspace", json={"retention_days": 30})
    assert changed.json() | {"created_at": 0, "workspace_id": 0, "publishable_key": 0} == {
        "workspace_id": 0,
        "name": "Harbour flats",
        "retention_days": 30,
        "is_ruling": True,
        "is_sandbox": False,
        "publishable_key": 0,
        "is_publishable_key_enabled": False,
        "is_paced": True,
        "partner_name": None,
        "webview_look": dict.fromkeys(
            ("logo_shape", "primary_button_color", "primary_button_text_color", "success_message")
        ),
        "organization_key": None,
        "suspended_at": None,
        "created_at": 0,
    }
    for body in ({"retention_days": 0}, {"retention_days": True}, {"retention_days": "30"}):
        assert (await client.patch("/v1/workspace", json=body)).status_code == 400
    assert (await client.post("/v1/workspace/confirm")).status_code == 200
