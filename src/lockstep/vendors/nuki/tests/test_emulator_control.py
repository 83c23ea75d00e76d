"""The Nuki emulator steered over HTTP alone, as `lockstep emulate nuki` offers it."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from lockstep.emulation.clock import VirtualClock
from lockstep.kit.clock import SystemClock
from lockstep.vendors.nuki.emulator.app import build
from lockstep.vendors.nuki.tests.emulated import DIGITS, Account


async def test_a_new_emulator_has_its_locks_and_lets_its_token_in() -> None:
    app = build(SystemClock(), locks=3, token="mine")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://nuki.test"
    ) as client:
        listed = (await client.get("/smartlock", headers={"Authorization": "Bearer mine"})).json()
        assert [lock["name"] for lock in listed] == ["Front door", "Flat 1", "Flat 2"]
        assert (await client.get("/_emulator/clock")).json()["virtual"] is False
        assert (await client.post("/_emulator/clock", json={"advance_seconds": 1})).status_code == 400


async def test_locks_are_added_read_changed_and_taken_offline() -> None:
    account = Account()
    lock = (await account.call("POST", "/_emulator/locks", {"name": "Cellar", "type": 0})).json()
    path = f"/_emulator/locks/{lock['id']}"
    assert (lock["name"], lock["most_codes"], lock["online"]) == ("Cellar", 100, True)
    assert (await account.call("PATCH", path, {"keypad_paired": False})).json()["keypad_paired"] is False
    assert (await account.call("POST", f"{path}/offline")).json()["online"] is False
    assert (await account.call("POST", f"{path}/online")).json()["online"] is True
    assert (await account.call("GET", path)).json()["codes"] == []
    assert len((await account.call("GET", "/_emulator/locks")).json()["locks"]) == 2


async def test_the_door_answers_whether_it_opened_and_why() -> None:
    account = Account()
    await account.create()
    path = "/_emulator/locks/{lock}/enter"
    before = (await account.call("POST", path, {"code": DIGITS})).json()
    moved = (await account.call("POST", "/_emulator/clock", {"advance_seconds": 3})).json()
    after = (await account.call("POST", path, {"code": DIGITS})).json()
    assert (before["opened"], before["why"]) == (False, "no_such_code")
    assert (after["opened"], after["why"]) == (True, "opened")
    assert moved == {"now": "2026-11-20T12:00:03Z", "virtual": True}


async def test_the_app_adds_edits_and_deletes_codes() -> None:
    account = Account(app_changes="at_once")
    path = "/_emulator/locks/{lock}/codes"
    made = (await account.call("POST", path, {"name": "Cleaner", "code": 456789})).json()["reference"]
    assert account.opens("456789")
    edited = await account.call("PUT", f"{path}/{made}", {"name": "Cleaners", "enabled": False})
    assert edited.json() == {"reference": made}
    assert not account.opens("456789")
    (listed,) = await account.codes()
    assert (listed["name"], listed["enabled"]) == ("Cleaners", False)
    assert (await account.call("DELETE", f"{path}/{made}")).status_code == 204
    assert await account.codes() == []


async def test_faults_are_put_in_force_listed_and_taken_away() -> None:
    account = Account()
    rule = {"kind": "error_before", "path": "/smartlock", "times": None, "status": 500}
    id = (await account.call("POST", "/_emulator/faults", rule)).json()["id"]
    assert (await account.call("GET", "/smartlock")).status_code == 500
    (listed,) = (await account.call("GET", "/_emulator/faults")).json()["faults"]
    assert (listed["id"], listed["kind"], listed["left"]) == (id, "error_before", None)
    assert (await account.call("DELETE", f"/_emulator/faults/{id}")).status_code == 204
    assert (await account.call("DELETE", f"/_emulator/faults/{id}")).status_code == 404
    assert (await account.call("GET", "/smartlock")).status_code == 200
    await account.call("POST", "/_emulator/faults", rule)
    assert (await account.call("DELETE", "/_emulator/faults")).status_code == 204
    assert (await account.call("GET", "/smartlock")).status_code == 200


async def test_switches_are_read_and_changed() -> None:
    account = Account()
    changed = (await account.call("PATCH", "/_emulator/settings", {"write_delay_seconds": 60})).json()
    assert changed["write_delay_seconds"] == 60
    assert (await account.call("GET", "/_emulator/settings")).json() == changed


async def test_tokens_are_allowed_with_scopes_and_revoked() -> None:
    account = Account()
    allowed = {"token": "other", "scopes": ["smartlock.readOnly"]}
    assert (await account.call("POST", "/_emulator/tokens/allow", allowed)).status_code == 204
    assert (await account.call("GET", "/smartlock", Authorization="Bearer other")).status_code == 200
    assert (await account.call("POST", "/_emulator/tokens/revoke", {"token": "other"})).status_code == 204
    assert (await account.call("GET", "/smartlock", Authorization="Bearer other")).status_code == 401


async def test_an_integration_for_advanced_calls_is_set() -> None:
    wanted = {"url": "http://127.0.0.1:9/", "secret": "s"}
    assert (await Account().call("PUT", "/_emulator/integration", wanted)).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_emulator/locks/7", None, 404),
        ("DELETE", "/_emulator/locks/{lock}/codes/999999", None, 404),
        ("POST", "/_emulator/locks", {"name": "Loft", "time_zone": "Europe/Atlantis"}, 400),
        ("POST", "/_emulator/locks", {"colour": "red"}, 400),
        ("PATCH", "/_emulator/locks/{lock}", {"most_codes": "many"}, 400),
        ("PATCH", "/_emulator/settings", {"mood": "good"}, 400),
        ("PATCH", "/_emulator/settings", [], 400),
        ("POST", "/_emulator/faults", {"kind": "earthquake"}, 400),
        ("POST", "/_emulator/clock", {"set": "2020-01-01T00:00:00Z"}, 400),
        ("POST", "/_emulator/clock", {"wind": 1}, 400),
        ("POST", "/_emulator/clock", {"advance_seconds": 1e30}, 400),
        ("POST", "/_emulator/clock", {"jump": "9999-12-31T23:00:00-05:00"}, 400),
        ("POST", "/_emulator/locks/{lock}/enter", {}, 400),
        ("POST", "/_emulator/locks/{lock}/codes", {"name": "Cleaner", "code": 1}, 400),
        ("POST", "/_emulator/tokens/allow", {}, 400),
        ("PUT", "/_emulator/integration", {}, 400),
    ],
)
async def test_what_cannot_be_set_is_refused_with_a_reason(
    method: str, path: str, body: Any, status: int
) -> None:
    reply = await Account().call(method, path, body)
    assert reply.status_code == status
    assert reply.json()["detail"]


async def test_a_clock_may_jump_back() -> None:
    account = Account()
    jumped = await account.call("POST", "/_emulator/clock", {"jump": "2026-11-20T11:00:00Z"})
    assert jumped.json()["now"] == "2026-11-20T11:00:00Z"


async def test_a_leap_over_months_settles_one_daily_sync_and_goes_on() -> None:
    account = Account()
    account.world.put_code_in_app(account.lock, None, {"name": "Cleaner", "code": 456789})
    account.clock.set(datetime(2027, 6, 1, tzinfo=UTC))
    assert len(await account.codes()) == 1
    due_at = account.world.effects.next_due
    assert due_at == datetime(2027, 6, 1, 3, tzinfo=UTC)
    assert isinstance(account.world.clock, VirtualClock)
