"""The virtual vendor's cloud against its manual, over HTTP and without our driver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from lockstep.emulation.clock import VirtualClock
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world
from lockstep.vendors.virtual.tests.worlds import BEGIN

STAY = {"starts_at": "2026-06-01T10:00:00Z", "ends_at": "2026-06-03T10:00:00Z"}
ANNA = {"name": "Anna", "digits": "358241", **STAY}


class Client:
    """A client written from the manual alone."""

    def __init__(self, world: VirtualWorld) -> None:
        self.world = world
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(create_app(world)),
            base_url="http://virtual.test",
            headers={"authorization": "Bearer virtual-token"},
        )

    @property
    def clock(self) -> VirtualClock:
        assert isinstance(self.world.clock, VirtualClock)
        return self.world.clock

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        reply = await self.http.request(method, path, json=body)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None

    async def refused(self, method: str, path: str, body: Any, status: int) -> str:
        return str((await self.ask(method, path, body, status))["error"])

    async def opens(self, digits: str, lock: str = "lock_1") -> bool:
        entered = await self.ask("POST", f"/_emulator/locks/{lock}/enter", {"code": digits})
        return bool(entered["opened"])


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client(create_world(VirtualClock(BEGIN), "plain", locks=2))
    yield client
    await client.http.aclose()


def client_of(model: str, **features: Any) -> Client:
    return Client(create_world(VirtualClock(BEGIN), model, locks=2, features=features))


async def test_a_code_is_listed_at_once_and_on_the_lock_later(client: Client) -> None:
    added = await client.ask("POST", "/v1/locks/lock_1/codes", ANNA, 201)
    assert added["code"]["state"] == "listed"
    assert not await client.opens("358241")
    client.clock.advance(timedelta(seconds=5))
    assert await client.opens("358241")
    listed = await client.ask("GET", "/v1/locks/lock_1/codes")
    assert [code["state"] for code in listed["codes"]] == ["on_lock"]
    await client.ask("DELETE", f"/v1/codes/{added['code']['id']}", None, 204)
    leaving = await client.ask("GET", "/v1/locks/lock_1/codes")
    assert [code["state"] for code in leaving["codes"]] == ["leaving"]
    client.clock.advance(timedelta(seconds=5))
    assert (await client.ask("GET", "/v1/codes"))["codes"] == []
    assert not await client.opens("358241")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"digits": "35824"}, 422, "rule_broken"),
        ({"digits": None}, 400, "malformed"),
        ({"digits": "35824x"}, 422, "rule_broken"),
        ({"pin": "1"}, 400, "malformed"),
        ({"name": "x" * 65}, 422, "rule_broken"),
        ({"starts_at": "2026-06-01T10:00:00"}, 400, "malformed"),
        ({"starts_at": "soon"}, 400, "malformed"),
        ({"starts_at": None}, 400, "malformed"),
        ({"starts_at": "2026-06-01T10:00:00.5Z"}, 422, "rule_broken"),
        ({"ends_at": "2026-06-01T09:00:00Z"}, 422, "rule_broken"),
        ({"ends_at": "2026-06-01T10:00:00Z"}, 422, "rule_broken"),
        ({"starts_at": "2026-06-01T09:00:00Z"}, 422, "rule_broken"),
        ({"enabled": False}, 422, "unsupported"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_body_against_the_manual_is_refused(
    client: Client, changes: dict[str, Any], status: int, error: str
) -> None:
    assert await client.refused("POST", "/v1/locks/lock_1/codes", ANNA | changes, status) == error
    assert (await client.ask("GET", "/v1/codes"))["codes"] == []


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/v1/locks/lock_9/codes", 404, "not_found"),
        ("PUT", "/v1/codes/code_9", 404, "not_found"),
        ("DELETE", "/v1/codes/code_9", 404, "not_found"),
        ("GET", "/v1/jobs/job_9", 404, "not_found"),
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("POST", "/v1/account", 405, "not_allowed"),
        ("PUT", "/v1/locks/lock_1/slots/1", 422, "unsupported"),
        ("POST", "/v1/locks/lock_1/issued", 422, "unsupported"),
    ],
    ids=lambda value: str(value),
)
async def test_a_call_that_leads_nowhere_says_why(
    client: Client, method: str, path: str, status: int, error: str
) -> None:
    body = ANNA if method in ("PUT", "POST") else None
    assert await client.refused(method, path, body, status) == error


@pytest.mark.parametrize("header", ["", "Bearer other", "Basic virtual-token"])
async def test_a_call_without_the_token_is_refused(client: Client, header: str) -> None:
    reply = await client.http.get("/v1/account", headers={"authorization": header})
    assert reply.status_code == 401


async def test_features_that_have_their_default_are_left_out_and_the_manual_tells_all(client: Client) -> None:
    account = await client.ask("GET", "/v1/account")
    features = account["locks"][0]["features"]
    assert "addressing" not in features
    assert features["schedule"] == {"refuses_past_starts": True}


async def test_an_account_without_a_subscription_takes_no_writes(client: Client) -> None:
    await client.ask("PATCH", "/_emulator/settings", {"has_subscription": False})
    error = await client.refused("POST", "/v1/locks/lock_1/codes", ANNA, 402)
    assert error == "subscription_required"


async def test_a_gateway_is_at_one_write_at_a_time() -> None:
    client = client_of("gateway")
    await client.ask("POST", "/v1/locks/lock_1/codes", ANNA, 201)
    other = ANNA | {"digits": "418352"}
    reply = await client.http.post("/v1/locks/lock_2/codes", json=other)
    assert (reply.status_code, reply.json()["error"], reply.headers["retry-after"]) == (409, "busy", "20")
    client.clock.advance(timedelta(seconds=20))
    await client.ask("POST", "/v1/locks/lock_2/codes", other, 201)


async def test_a_refused_write_leaves_the_gateway_free() -> None:
    client = client_of("gateway")
    client.world.put_code_in_app("lock_1", None, {"digits": ANNA["digits"]})
    assert await client.refused("POST", "/v1/locks/lock_1/codes", ANNA, 409) == "duplicate"
    await client.ask("POST", "/v1/locks/lock_2/codes", ANNA, 201)


async def test_pages_follow_each_other_and_a_lost_cursor_is_gone(client: Client) -> None:
    await client.ask("PATCH", "/_emulator/settings", {"page_size": 2})
    references = [
        client.world.put_code_in_app("lock_1", None, {"digits": f"35824{n}", "name": f"{n}"})
        for n in range(5)
    ]
    found, cursor, pages = [], "", 0
    while cursor is not None:
        query = f"?cursor={cursor}" if cursor else ""
        page = await client.ask("GET", f"/v1/codes{query}")
        found += [code["id"] for code in page["codes"]]
        cursor, pages = page["next"], pages + 1
    assert (found, pages) == (references, 3)
    client.world.delete_code_in_app("lock_1", references[1])
    assert await client.refused("GET", f"/v1/codes?cursor={references[1]}", None, 410) == "cursor_gone"


async def test_digits_that_are_not_used_in_time_die() -> None:
    client = client_of("computed")
    issued = await client.ask("POST", "/v1/locks/lock_1/issued", {"name": "Anna", **STAY}, 201)
    other = await client.ask("POST", "/v1/locks/lock_2/issued", {"name": "Anna", **STAY}, 201)
    client.clock.advance(timedelta(hours=5))
    assert await client.opens(issued["code"]["digits"])
    client.clock.advance(timedelta(hours=20))
    assert await client.opens(issued["code"]["digits"]), "it was used within a day"
    assert not await client.opens(other["code"]["digits"], "lock_2")


async def test_a_wall_time_that_comes_twice_means_its_first_coming() -> None:
    client = client_of("lock_local")
    client.clock.set(BEGIN.replace(month=10, day=24))
    stay = {"starts_at": "2026-10-24T20:00:00", "ends_at": "2026-10-25T02:30:00"}
    await client.ask("POST", "/v1/locks/lock_1/codes", ANNA | stay, 201)
    client.clock.set(BEGIN.replace(month=10, day=25, hour=0, minute=29))
    assert await client.opens("358241")
    client.clock.set(BEGIN.replace(month=10, day=25, hour=0, minute=30))
    assert not await client.opens("358241")


async def test_a_job_runs_out_of_time_and_may_still_land_later() -> None:
    client = client_of("jobs")
    fault = {"kind": "write_late", "seconds": 300}
    await client.ask("POST", "/_emulator/faults", fault)
    job = (await client.ask("POST", "/v1/locks/lock_1/codes", ANNA, 202))["job"]
    client.clock.advance(timedelta(seconds=120))
    asked = (await client.ask("GET", f"/v1/jobs/{job['id']}"))["job"]
    assert (asked["state"], asked["error"]) == ("failed", "timed_out")
    assert not await client.opens("358241")
    client.clock.advance(timedelta(seconds=180))
    assert await client.opens("358241")


async def test_a_code_deleted_before_it_lands_may_appear_all_the_same(client: Client) -> None:
    """The tombstone's reason: a late create is not called off by a delete that went before it."""
    await client.ask("POST", "/_emulator/faults", {"kind": "write_late", "seconds": 60})
    added = await client.ask("POST", "/v1/locks/lock_1/codes", ANNA, 201)
    await client.ask("DELETE", f"/v1/codes/{added['code']['id']}", None, 404)
    client.clock.advance(timedelta(seconds=60))
    assert await client.opens("358241")


async def test_the_log_comes_oldest_first_and_page_by_page(client: Client) -> None:
    for _ in range(201):
        client.world.enter("lock_1", "999999")
    first = await client.ask("GET", "/v1/log")
    assert (len(first["visits"]), first["more"]) == (200, True)
    rest = await client.ask("GET", f"/v1/log?after={first['visits'][-1]['id']}")
    assert (len(rest["visits"]), rest["more"]) == (1, False)
    assert rest["visits"][0]["opened"] is False


async def test_the_journal_masks_digits_and_tells_what_could_change_something(client: Client) -> None:
    await client.ask("POST", "/v1/locks/lock_1/codes", ANNA, 201)
    await client.ask("GET", "/v1/codes")
    calls = (await client.ask("GET", "/_emulator/journal"))["calls"]
    assert [(call["method"], call["is_mutating"], call["status"]) for call in calls] == [
        ("POST", True, 201),
        ("GET", False, 200),
    ]
    assert "358241" not in str(calls)


async def test_callbacks_go_to_https_or_loopback_only(client: Client) -> None:
    hook = {"url": "http://hooks.example/virtual"}
    assert await client.refused("POST", "/v1/hooks", hook, 422) == "rule_broken"
    made = await client.ask("POST", "/v1/hooks", {"url": "http://127.0.0.1:9/hook"}, 201)
    assert made["secret"]
    assert (await client.ask("GET", "/v1/hooks"))["hooks"] == [{"id": made["id"], "url": made["url"]}]
    await client.ask("DELETE", f"/v1/hooks/{made['id']}", None, 204)
    assert (await client.ask("GET", "/v1/hooks"))["hooks"] == []


async def test_the_control_surface_makes_changes_and_shows_locks(client: Client) -> None:
    wanted = {"id": "cellar", "model": "slots", "features": {"places": 2}, "time_zone": "Asia/Kolkata"}
    made = await client.ask("POST", "/_emulator/locks", wanted)
    assert (made["id"], made["features"]["places"], made["time_zone"]) == ("cellar", 2, "Asia/Kolkata")
    put = await client.ask("POST", "/_emulator/locks/cellar/codes", {"digits": "4821", "name": "Cook"})
    assert put["reference"] == "cellar/1"
    await client.ask("PUT", "/_emulator/locks/cellar/codes/cellar%2F1", {"digits": "4822"}, 404)
    client.world.put_code_in_app("cellar", "cellar/1", {"digits": "4822"})
    assert await client.opens("4822", "cellar")
    state = await client.ask("GET", "/_emulator/locks/cellar")
    assert [entry["reference"] for entry in state["on_lock"]] == ["cellar/1"]
    changed = await client.ask(
        "PATCH", "/_emulator/locks/cellar", {"battery": 0.1, "features": {"places": 3}}
    )
    assert changed["features"]["places"] == 3
    for wrong in ({"model": "none"}, {"features": {"places": "many"}}, {"colour": "red"}):
        assert await client.refused("POST", "/_emulator/locks", wrong, 400) == "not_settable"


async def test_what_the_app_changes_is_past_every_rule(client: Client) -> None:
    client.world.put_code_in_app("lock_1", None, {"digits": "1", "name": "x" * 99})
    assert await client.opens("1")


async def test_a_card_takes_a_place_and_shows_no_digits() -> None:
    client = client_of("slots", places=1)
    client.world.put_code_in_app("lock_1", None, {"kind": "card", "digits": "", "name": "Fob"})
    listed = await client.ask("GET", "/v1/locks/lock_1/codes")
    assert [(code["kind"], "digits" in code) for code in listed["codes"]] == [("card", False)]
    body = ANNA | {"digits": "3582"}
    assert await client.refused("PUT", "/v1/locks/lock_1/slots/1", body | {"only_if_empty": True}, 409) == (
        "occupied"
    )


async def test_a_lock_with_auto_lock_locks_by_itself_unless_its_door_stands_open(client: Client) -> None:
    async def opened_and_after_20_seconds() -> list[bool]:
        await client.ask("POST", "/v1/locks/lock_1/unlock", {})
        before = (await client.ask("GET", "/v1/account"))["locks"][0]["locked"]
        client.clock.advance(timedelta(seconds=20))
        return [before, (await client.ask("GET", "/v1/account"))["locks"][0]["locked"]]

    settings = {"enabled": True, "delay_seconds": 20}
    assert await client.ask("PUT", "/v1/locks/lock_1/auto_lock", settings) == {"auto_lock": settings}
    assert await opened_and_after_20_seconds() == [False, True]
    await client.ask("PATCH", "/_emulator/locks/lock_1", {"door_open": True})
    assert await opened_and_after_20_seconds() == [False, False]
    assert await client.refused("POST", "/v1/locks/lock_1/lock", {}, 422) == "door_open"
    too_long = {"enabled": True, "delay_seconds": 9999}
    assert await client.refused("PUT", "/v1/locks/lock_1/auto_lock", too_long, 422) == "rule_broken"
