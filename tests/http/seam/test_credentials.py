"""Who asks at Seam's door: API keys, personal tokens, client sessions, publishable keys, and console sessions."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from seam import Seam, SeamHttpUnauthorizedError, SeamWithoutWorkspace
from tests.conftest import TLS
from tests.http.api.parts import bearer
from tests.http.seam.parts import Home, key_of

from lockstep.emulation.clock import VirtualClock
from lockstep.http.seam.app import Seam as SeamDoor
from lockstep.kit.ids import number_of
from lockstep.model.permissions import SEAM_SCOPES, Role, Scope
from lockstep.operations import api_keys, client_sessions, operators, workspaces
from lockstep.operations.client_sessions import AskedSession, KnownSession
from lockstep.operations.workspaces import ChangeWorkspace


async def person(home: Home, known_id: str | None = None) -> str:
    """The id of an operator who belongs to the workspace."""
    gate, workspace_id = home.house.gate, home.house.actor.workspace_id
    operator_id = (await operators.create(gate, "John", known_id=known_id)).operator_id
    await operators.join(gate, operator_id, workspace_id, Role.OWNER)
    return operator_id


async def workspace_of(home: Home) -> str:
    """As the door shows it."""
    return str(number_of(await home.house.gate.public_id_of(home.house.actor.workspace_id)))


async def ask(
    home: Home, path: str, body: object = None, verb: str = "POST", **headers: str
) -> httpx2.Response:
    """Without the key of the house."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(base_url=home.url, timeout=20, verify=TLS) as http:
        return await http.request(verb, path, json=body, headers=named)


async def test_a_key_that_another_process_revoked_is_refused_on_the_next_request(home: Home) -> None:
    actor = home.house.actor
    assert (await home.raw("/devices/list")).status_code == 200
    async with home.house.gate.transaction(actor.workspace_id) as tx:
        (key,) = await api_keys.listed(tx, actor, None, 10)
        await api_keys.revoke(tx, actor, key.api_key_id)
    refused = await home.raw("/devices/list")
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "unauthorized")
    with pytest.raises(SeamHttpUnauthorizedError):
        await home.ask(home.seam.devices.list)


async def test_a_person_acts_in_the_workspace_that_they_name_and_sees_all_of_theirs(home: Home) -> None:
    gate = home.house.gate
    made = await operators.create_token(gate, await person(home), "Laptop")
    workspace_id = await workspace_of(home)
    seam = Seam.from_personal_access_token(made.secret, workspace_id, endpoint=home.url)
    assert len(await home.ask(seam.devices.list)) == 2
    apart = SeamWithoutWorkspace.from_personal_access_token(made.secret, endpoint=home.url)
    fresh = await home.ask(apart.workspaces.create, name="Try", is_sandbox=True, connect_partner_name="Acme")
    assert (fresh.is_sandbox, fresh.connect_partner_name) == (True, "Acme")
    listed = await home.ask(apart.workspaces.list)
    assert {w.workspace_id for w in listed} == {workspace_id, fresh.workspace_id}
    within = Seam.from_personal_access_token(made.secret, fresh.workspace_id, endpoint=home.url)
    assert await home.ask(within.devices.list) == []
    await operators.revoke_token(gate, made.token.operator_token_id)
    with pytest.raises(SeamHttpUnauthorizedError):
        await home.ask(seam.devices.list)


async def test_a_person_says_in_which_workspace_and_belongs_to_it(home: Home) -> None:
    secret = (await operators.create_token(home.house.gate, await person(home), "Laptop")).secret
    nowhere = await ask(home, "/devices/list", **bearer(secret))
    assert (nowhere.status_code, nowhere.json()["error"]["type"]) == (400, "missing_workspace_id")
    await workspaces.create(home.house.gate, workspaces.CreateWorkspace("Others"))
    elsewhere = await ask(home, "/devices/list", **bearer(secret), seam_workspace="ws_others")
    assert (elsewhere.status_code, elsewhere.json()["error"]["type"]) == (401, "unauthorized")
    assert (await home.raw("/workspaces/create", {"name": "A key's"})).status_code == 403


async def test_a_client_session_sees_that_persons_devices_alone(home: Home) -> None:
    account = (await home.ask(home.seam.devices.list))[0].connected_account_id
    full = await home.ask(
        home.seam.client_sessions.create, user_identifier_key="anna", connected_account_ids=[account]
    )
    empty = await home.ask(home.seam.client_sessions.get_or_create, user_identifier_key="ben")
    assert (full.device_count, empty.device_count) == (2, 0)
    for session, count in ((full, 2), (empty, 0)):
        sent = {"client_session_token": session.token}
        both = await ask(home, "/devices/list", **bearer(session.token), **sent)
        assert len(both.json()["devices"]) == count
        assert (await ask(home, "/devices/list", **sent)).json() == both.json()
        assert (await ask(home, "/client_sessions/get", **sent)).json()["client_session"][
            "token"
        ] == session.token
        assert (await ask(home, "/workspaces/get", **sent)).status_code == 200
        assert (await ask(home, "/client_sessions/list", {}, **sent)).status_code == 403
    lock = {"device_id": await home.lock()}
    assert (await ask(home, "/devices/get", lock, client_session_token=full.token)).status_code == 200
    assert (await ask(home, "/devices/get", lock, client_session_token=empty.token)).status_code == 403
    await home.ask(home.seam.client_sessions.revoke, client_session_id=full.client_session_id)
    assert (await ask(home, "/devices/list", client_session_token=full.token)).status_code == 401
    assert [s.client_session_id for s in await home.ask(home.seam.client_sessions.list)] == [
        empty.client_session_id
    ]


NAMES_NOBODY: list[tuple[dict[str, str], int, str]] = [
    ({"client_session_token": "seam_lockstep_x"}, 400, "invalid_client_session_token"),
    ({"client_session_token": "seam_cst1_nobody"}, 401, "unauthorized"),
    (
        {"client_session_token": "seam_cst1_nobody", "authorization": "Bearer seam_cst1_other"},
        401,
        "unauthorized",
    ),
    ({"authorization": "Bearer seam_at1_nobody", "seam_workspace": "x"}, 401, "unauthorized"),
    ({"authorization": "Bearer seam_pk1_nobody"}, 401, "unauthorized"),
    ({"authorization": "Bearer not_of_seam"}, 401, "unauthorized"),
    ({"authorization": "Basic c2VhbTpzZWFt"}, 401, "unauthorized"),
    ({"seam_publishable_key": "seam_pk1_nobody"}, 401, "unauthorized"),
    (
        {"seam_publishable_key": "seam_pk1_nobody", "authorization": "Bearer seam_cst1_x"},
        400,
        "token_auth_not_accepted",
    ),
    ({}, 401, "unauthorized"),
]


@pytest.mark.parametrize("missing", [Scope.SESSIONS_WRITE, Scope.CODES_READ, Scope.DEVICES_UNLOCK])
async def test_a_key_makes_no_session_that_may_do_more_than_itself(home: Home, missing: Scope) -> None:
    secret = await key_of(home.house, set(SEAM_SCOPES - {missing}))
    made = await ask(home, "/client_sessions/create", {"user_identifier_key": "anna"}, **bearer(secret))
    assert (made.status_code, made.json()["error"]["type"]) == (403, "forbidden")
    assert missing.value in made.json()["error"]["message"]


async def test_what_names_nobody_is_refused(home: Home) -> None:
    for headers, status, type in NAMES_NOBODY:
        answer = await ask(home, "/devices/list", {}, **headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, type), headers


async def test_a_publishable_key_gets_sessions_where_allowed_and_nothing_else(home: Home) -> None:
    wanted = {"user_identifier_key": "anna"}
    key = (await home.ask(home.seam.workspaces.get)).publishable_key
    headers = {"seam_publishable_key": str(key)}
    assert (await ask(home, "/client_sessions/get_or_create", wanted, **headers)).status_code == 401
    await home.ask(home.seam.workspaces.update, is_publishable_key_auth_enabled=True)
    made = await ask(home, "/client_sessions/get_or_create", wanted, **headers)
    again = await ask(home, "/client_sessions/create", wanted, **headers)
    assert made.json()["client_session"]["token"].startswith("seam_cst1_")
    assert (again.status_code, again.json()["error"]["type"]) == (400, "client_session_token_already_exists")
    nobody = await ask(home, "/client_sessions/get_or_create", {}, **headers)
    assert (nobody.status_code, nobody.json()["error"]["type"]) == (400, "missing_user_identifier_key")
    more = await ask(
        home, "/client_sessions/get_or_create", {**wanted, "connected_account_ids": ["x"]}, **headers
    )
    assert more.status_code == 403
    for path in ("/devices/list", "/client_sessions/list", "/workspaces/get", "/workspaces/list"):
        assert (await ask(home, path, {}, **headers)).status_code == 401, path


async def test_a_page_of_another_origin_may_ask_and_is_told_so_before(home: Home) -> None:
    origin = {"origin": "https://app.example"}
    asked_before = {**origin, "access-control-request-method": "GET", "authorization": ""}
    before = await ask(home, "/devices/list", verb="OPTIONS", **asked_before)
    assert (before.status_code, before.headers["access-control-allow-methods"]) == (204, "GET, POST")
    assert "client-session-token" in before.headers["access-control-allow-headers"]
    for answer in (
        before,
        await home.http.get("/devices/list", headers=origin),
        await home.http.get("/devices/list", headers={**origin, "authorization": ""}),
    ):
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert answer.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in (await home.http.get("/devices/list")).headers
    assert (await ask(home, "/devices/nowhere", verb="OPTIONS", **origin)).status_code == 404
    home.witness.wrong.clear()


async def test_a_session_that_is_put_twice_is_made_once(home: Home) -> None:
    for verb, status in (("PUT", 200), ("PUT", 200), ("POST", 400)):
        answer = await home.raw("/client_sessions/create", {"user_identifier_key": "anna"}, verb)
        assert answer.status_code == status
    assert len(await home.ask(home.seam.client_sessions.list)) == 1


def console_token(**said: str) -> str:
    """As a console makes it; nobody looks at the signature."""
    parts = ({"alg": "HS256", "typ": "JWT"}, said)
    head, body = (base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    return f"{head}.{body}.signature"


@pytest.fixture
async def trusting(home: Home) -> AsyncIterator[httpx2.AsyncClient]:
    """The door of a seeded sandbox, asked from this machine."""
    transport = httpx2.ASGITransport(
        SeamDoor(home.house.gate, 1e6, 1_000_000, 1_000_000, trusts_console=True)
    )
    async with httpx2.AsyncClient(transport=transport, base_url="http://lockstep.test", verify=TLS) as client:
        yield client


async def test_only_pages_of_this_machine_may_ask_a_seeded_sandbox_whose_keys_everybody_knows(
    home: Home, trusting: httpx2.AsyncClient
) -> None:
    for origin, may in (
        ("http://localhost:5173", True),
        ("http://127.0.0.1:3000", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://[", False),
        ("null", False),
    ):
        headers = {"origin": origin, "access-control-request-method": "POST"}
        before = await trusting.options("/webhooks/create", headers=headers)
        after = await trusting.post("/devices/list", headers={"origin": origin, **bearer(home.key)})
        assert (before.status_code, after.status_code) == (204 if may else 405, 200)
        for answer in (before, after):
            assert ("access-control-allow-origin" in answer.headers) == may


async def test_a_console_session_is_believed_in_a_seeded_sandbox_alone(
    home: Home, trusting: httpx2.AsyncClient
) -> None:
    await operators.begin_console(home.house.gate, await person(home, "john_user_id"), "john_user_key")
    good = console_token(user_id="john_user_id", key="john_user_key")
    headers = {"authorization": f"Bearer {good}", "seam-workspace": await workspace_of(home)}
    assert (await trusting.post("/devices/list", headers=headers)).status_code == 200
    assert (await trusting.post("/workspaces/list", headers=bearer(good))).status_code == 200
    for other in (
        console_token(user_id="john_user_id", key="other"),
        console_token(user_id="jane"),
        "eyJ.eyJ.x",
        "ey",
    ):
        answer = await trusting.post("/devices/list", headers={**headers, "authorization": f"Bearer {other}"})
        assert answer.status_code == 401
    assert (await home.http.post("/devices/list", headers=headers)).status_code == 401


async def test_a_console_session_is_believed_from_this_machine_alone(home: Home) -> None:
    await operators.begin_console(home.house.gate, await person(home, "john_user_id"), "john_user_key")
    door = SeamDoor(home.house.gate, 1e6, 1_000_000, 1_000_000, trusts_console=True)
    transport = httpx2.ASGITransport(door, client=("192.0.2.7", 1))
    good = console_token(user_id="john_user_id", key="john_user_key")
    headers = {"authorization": f"Bearer {good}", "seam-workspace": await workspace_of(home)}
    async with httpx2.AsyncClient(transport=transport, base_url="http://lockstep.test", verify=TLS) as client:
        assert (await client.post("/devices/list", headers=headers)).status_code == 401


async def test_seeded_ids_and_tokens_pass_as_they_are(home: Home, clock: VirtualClock) -> None:
    gate, actor = home.house.gate, home.house.actor
    async with gate.transaction(actor.workspace_id) as tx:
        await workspaces.change(tx, actor, ChangeWorkspace(is_publishable_key_enabled=True))
        known = KnownSession("john_session", "seam_cst1_token")
        await client_sessions.create(tx, actor, AskedSession("john_user_identifier_key"), known)
    shown = await home.ask(home.seam.client_sessions.get, client_session_id="john_session")
    assert (shown.token, shown.user_identifier_key) == ("seam_cst1_token", "john_user_identifier_key")
    home.witness.wrong.clear()
