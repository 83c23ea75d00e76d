"""The emulator against the vendor's official OpenAPI: every body, every status, every path."""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_schema_validator import OAS30ReadValidator
from openapi_schema_validator import validate as validate_body

from lockstep.emulation.faults import FaultKind
from lockstep.vendors.nuki.emulator import app as emulator
from lockstep.vendors.nuki.emulator.paths import operation_of, operations
from lockstep.vendors.nuki.tests.emulated import DIGITS, Account
from lockstep.vendors.nuki.tests.official import OFFICIAL

README = Path(emulator.__file__).with_name("README.md")

LIMITS = {
    "allowedFromDate": "2026-11-20T14:00:00.000Z",
    "allowedUntilDate": "2026-11-23T10:00:00.000Z",
    "allowedWeekDays": 127,
    "allowedFromTime": 0,
    "allowedUntilTime": 0,
}
GUEST = {"name": "Guest", "type": 13, "code": DIGITS, **LIMITS}
NOBODY = "0" * 24
UNKNOWN_LOCK = "17179869184"

Said = list[tuple[str, str, httpx2.Response]]


class Conversation:
    """Calls an account and keeps what was said."""

    def __init__(self, **switches: Any) -> None:
        self.account = Account(**switches)
        self.said: Said = []

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        reply = await self.account.call(method, path, body, **headers)
        self.said.append((method, path.replace("{lock}", self.account.lock).partition("?")[0], reply))
        return reply


async def _locks_and_codes() -> Said:
    talk = Conversation(listing="before")
    account = talk.account
    await talk.call("PUT", "/smartlock/{lock}/auth", GUEST)
    await talk.call("GET", "/smartlock/{lock}/auth")
    account.wait()
    (code,) = await account.codes()
    one = f"/smartlock/{{lock}}/auth/{code['id']}"
    account.clock.set(account.clock.now().replace(day=21))
    account.opens()
    account.opens("999999")
    await talk.call("POST", one, {"name": "Changed", **LIMITS})
    for path in ("/smartlock", "/smartlock/{lock}", "/smartlock/auth", "/smartlock/{lock}/auth", one):
        await talk.call("GET", path)
    await talk.call("POST", one, {"name": "Again"})
    await talk.call("DELETE", one)
    await talk.call("DELETE", "/smartlock/auth", [code["id"]])
    await talk.call("POST", "/smartlock/auth", [{"id": code["id"], "name": "Again"}])
    account.wait()
    await talk.call("PUT", "/smartlock/{lock}/auth", GUEST)
    await talk.call("PUT", "/smartlock/auth", {**GUEST, "smartlockIds": [int(account.lock)]})
    await talk.call("POST", "/smartlock/auth", [{"id": code["id"], "name": "Again"}])
    account.wait()
    await talk.call("DELETE", one)
    account.wait()
    await talk.call("PUT", "/smartlock/auth", {**GUEST, "smartlockIds": [int(account.lock)]})
    await talk.call("DELETE", "/smartlock/auth", [])
    for path in ("/smartlock/log", "/smartlock/{lock}/log"):
        await talk.call("GET", path)
    return talk.said


async def _actions_and_configuration() -> Said:
    talk = Conversation()
    account = talk.account
    for path, body in (
        ("/action", {"action": 3}),
        ("/action/lock", None),
        ("/action/unlock", None),
        ("/action/advanced", {"action": 1}),
        ("/action/lock/advanced", None),
        ("/action/unlock/advanced", None),
        ("/config", {"ledBrightness": 2}),
        ("/advanced/config", {"autoLock": True}),
        ("/advanced/openerconfig", {"lngTimeout": 20}),
        ("/web/config", {"batteryWarningPerMailEnabled": True}),
        ("/admin/pin", {"adminPin": 1234}),
        ("/sync", None),
        ("", {"name": "Gate", "favorite": True}),
    ):
        await talk.call("POST", f"/smartlock/{{lock}}{path}", body)
        if "action" in path:
            await talk.call("GET", "/smartlock/{lock}")
            await talk.call("POST", f"/smartlock/{{lock}}{path}", body)
        account.wait()
    for type_, part, changed in ((2, "openerconfig", "soundLevel"), (3, "smartdoorconfig", "lngTimeout")):
        other = account.world.add_lock({"name": "Other", "type": type_})
        await talk.call("POST", f"/smartlock/{other}/advanced/{part}", {changed: 20})
        account.wait()
    await talk.call("GET", "/smartlock")
    box = account.world.add_lock({"name": "Box", "type": 1})
    await talk.call("POST", f"/smartlock/{box}/action/lock")
    await talk.call("POST", f"/smartlock/{box}/action/lock/advanced")
    for state in ("ACTIVE", "CANCELLED", "EXPIRED"):
        account.world.change_lock(
            box, {"subscription": {"state": state, "expires_at": "2027-01-01T00:00:00Z"}}
        )
        await talk.call("GET", "/smartlock")
    account.world.take_offline(box)
    await talk.call("GET", "/smartlock")
    await talk.call("DELETE", f"/smartlock/{box}")
    return talk.said


async def _account() -> Said:
    talk = Conversation()
    account = talk.account
    user = (await talk.call("PUT", "/account/user", {"email": "a@example.org", "name": "A"})).json()
    await talk.call("PUT", "/account/user", {"email": "b@example.org", "name": "B"})
    one = f"/account/user/{user['accountUserId']}"
    await talk.call("POST", one, {"email": "b@example.org"})
    await talk.call("POST", one, {"name": "C"})
    app = {"name": "A", "remoteAllowed": True, "accountUserId": user["accountUserId"]}
    await talk.call("PUT", "/smartlock/auth/advanced", {**app, "smartlockIds": [int(account.lock)]})
    account.wait()
    await talk.call("PUT", "/smartlock/auth/advanced", {**app, "smartlockIds": [int(account.lock)]})
    await talk.call("POST", "/smartlock/{lock}/auth/advanced/sharedkey", {"name": "Shared"})
    await talk.call("POST", "/smartlock/{lock}/auth/advanced/sharedkey", app)
    await talk.call("DELETE", one)
    for path in ("/account/user", one):
        await talk.call("GET", path)
    await talk.call("DELETE", one)
    hook = {"webhookUrl": "https://example.org/", "webhookFeatures": ["DEVICE_AUTHS", "DEVICE_STATUS"]}
    made = (await talk.call("PUT", "/api/decentralWebhook", hook)).json()
    account.wait()
    await account.world.deliver_webhooks()
    await talk.call("GET", "/api/key/1/webhook/logs")
    await talk.call("GET", "/api/decentralWebhook")
    await talk.call("DELETE", f"/api/decentralWebhook/{made['id']}")
    await talk.call("DELETE", f"/api/decentralWebhook/{made['id']}")
    body = {"os": 2, "pushId": "https://example.org/", "settings": [{"triggerEvents": ["unlock"]}]}
    notification = (await talk.call("PUT", "/notification", body)).json()
    one = f"/notification/{notification['notificationId']}"
    for method, path in (
        ("GET", "/notification"),
        ("GET", one),
        ("POST", one),
        ("DELETE", one),
        ("DELETE", one),
    ):
        await talk.call(method, path, body if method == "POST" else None)
    return talk.said


async def _refusals() -> Said:
    """Every operation with a wrong token, an unreadable body, unknown ids, no subscription, too fast, a 502."""
    talk = Conversation()
    account = talk.account
    own = (await account.call("GET", "/smartlock/{lock}/auth")).json()[0]["id"]

    async def each(lock: str, id: str, body: Any, **headers: str) -> None:
        for row in sorted(operations(), key=lambda row: row.path):
            path = re.sub(r"\{[^}]+\}", id, row.path.replace("{smartlockId}", lock))
            if (row.method, row.path) != ("DELETE", "/smartlock/{smartlockId}") or lock != account.lock:
                await talk.call(row.method, path, body, **headers)

    await each(account.lock, own, None, Authorization="Bearer wrong")
    await each("x", "x", {"name": "A", "email": "a@example.org", "type": 13})
    await each(
        account.lock, own, {"name": "x" * 40, "code": 111111, "remoteAllowed": True, "smartlockIds": ["x"]}
    )
    await each(
        UNKNOWN_LOCK, NOBODY, {"name": "A", "smartlockIds": [UNKNOWN_LOCK], "action": 1, "adminPin": 1}
    )
    await each(account.lock, NOBODY, [{"id": NOBODY, "name": "A"}])
    account.world.change_lock(account.lock, {"subscription": None})
    await each(account.lock, own, {"name": "A", "smartlockIds": [account.lock], "action": 1})
    await each(account.lock, own, [{"id": own, "name": "A"}])
    account.strike(FaultKind.ERROR_BEFORE)
    await talk.call("GET", "/smartlock")
    account.strike(FaultKind.RATE_LIMITED)
    await talk.call("GET", "/smartlock")
    return talk.said


CONVERSATIONS = pytest.mark.parametrize(
    "converse",
    [_locks_and_codes, _actions_and_configuration, _account, _refusals],
    ids=["locks and codes", "actions and configuration", "account", "refusals"],
)


@CONVERSATIONS
async def test_a_body_with_a_documented_status_is_what_the_openapi_says(converse: Any) -> None:
    for method, path, reply in await converse():
        row = next(row for row in operations() if row.name == operation_of(method, path))
        if reply.status_code not in row.statuses:
            continue
        schema = _schema_of(row.method, row.path, reply.status_code)
        if schema is None:
            assert reply.status_code != 200
        else:
            _validate(reply.json(), schema)


@CONVERSATIONS
async def test_every_status_is_documented_by_the_vendor_or_stands_in_the_readme_with_its_source(
    converse: Any,
) -> None:
    strange = set()
    for method, path, reply in await converse():
        row = next(row for row in operations() if row.name == operation_of(method, path))
        told = (reply.status_code, f"{method} {path}")
        if reply.status_code not in row.statuses and not any(
            _tells_of(line, *told) for line in _undocumented()
        ):
            strange.add((reply.status_code, method, row.path))
    assert not strange


async def test_no_line_of_the_readme_s_table_is_idle() -> None:
    said = [
        *await _locks_and_codes(),
        *await _actions_and_configuration(),
        *await _account(),
        *await _refusals(),
    ]
    undocumented = {
        (reply.status_code, f"{method} {path}")
        for method, path, reply in said
        if reply.status_code
        not in next(row.statuses for row in operations() if row.name == operation_of(method, path))
    }
    idle = [
        status
        for status, calls in _undocumented()
        if not any(_tells_of((status, calls), *told) for told in undocumented)
    ]
    assert not idle


def test_the_list_of_operations_is_the_official_one() -> None:
    official = {
        (method.upper(), path, frozenset(map(int, operation["responses"])), operation["operationId"])
        for path, methods in _official()["paths"].items()
        for method, operation in methods.items()
    }
    assert official == {(row.method, row.path, row.statuses, row.name) for row in operations()}


def test_the_list_of_operations_asks_for_the_official_scopes() -> None:
    for row in operations():
        needs = _official()["paths"][row.path][row.method.lower()].get("security", [])
        assert row.scopes == {scope for need in needs for scopes in need.values() for scope in scopes}


def test_everything_built_is_an_operation_of_the_vendor() -> None:
    assert emulator.built() <= {(row.method, row.path) for row in operations()}


@cache
def _official() -> dict[str, Any]:
    """The OpenAPI with the contradictions that README.md names put right, and no field that it does not know."""
    document: dict[str, Any] = json.loads(OFFICIAL.read_text("utf-8"))
    schemas = document["components"]["schemas"]
    schemas["SmartlockAuth"]["properties"]["type"]["maximum"] = 15
    schemas["SmartlockAuth"]["properties"]["operationId"] = {"type": "string"}
    schemas["SmartlockLog"]["properties"]["state"]["minimum"] = 0
    for schema in schemas.values():
        if schema.get("properties"):
            schema.setdefault("additionalProperties", False)
    return document


def _schema_of(method: str, path: str, status: int) -> dict[str, Any] | None:
    content = _official()["paths"][path][method.lower()]["responses"][str(status)].get("content", {})
    schema: dict[str, Any] | None = next((part["schema"] for part in content.values()), None)
    return schema


def _validate(body: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": _official()["components"]}
    validate_body(body, whole, cls=OAS30ReadValidator)


@cache
def _undocumented() -> tuple[tuple[int, tuple[str, ...]], ...]:
    _, _, section = README.read_text("utf-8").partition("## Statuses that the OpenAPI does not document")
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return tuple((int(row[0]), tuple(call.strip().strip("`") for call in row[1].split(","))) for row in rows)


def _tells_of(line: tuple[int, tuple[str, ...]], status: int, call: str) -> bool:
    return line[0] == status and any(fnmatchcase(call, pattern) for pattern in line[1])
