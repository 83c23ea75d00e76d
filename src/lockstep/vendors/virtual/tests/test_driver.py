"""What the driver makes of single answers, and what it asks for. The suite tests the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import pytest

from lockstep.driver.changes import EnsureAbsent, EnsurePresent, Intent, ObserveScope
from lockstep.driver.contract import Driver, Person, TargetKind
from lockstep.driver.outcomes import (
    CredentialsRefused,
    DeviceOffline,
    Done,
    DriverError,
    Reason,
    Refused,
    UnexpectedReply,
    Unknown,
    VendorBusy,
    VendorUnreachable,
)
from lockstep.emulation.clock import VirtualClock
from lockstep.kit.ids import new_id
from lockstep.model.window import Window
from lockstep.vendors.virtual import VIRTUAL
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.world import create_world
from lockstep.vendors.virtual.tests.worlds import BEGIN, ENDPOINT, open_world

STAY = Window(BEGIN, BEGIN + timedelta(days=2))
SET = EnsurePresent(frozenset({"lock_1"}), "358241", STAY, "Anna")
INTENT = Intent(new_id(), 10)


class Proxy(httpx2.AsyncBaseTransport):
    """Between driver and vendor: answers every write itself."""

    def __init__(self, vendor: httpx2.AsyncBaseTransport, answer: httpx2.Response | Exception) -> None:
        self.vendor = vendor
        self.answer = answer
        self.writes = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return await self.vendor.handle_async_request(request)
        self.writes += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@asynccontextmanager
async def answered(answer: httpx2.Response | Exception) -> AsyncIterator[tuple[Driver, Proxy]]:
    clock = VirtualClock(BEGIN)
    proxy = Proxy(httpx2.ASGITransport(create_app(create_world(clock))), answer)
    async with httpx2.AsyncClient(transport=proxy) as http:
        yield VIRTUAL.connect({"endpoint": ENDPOINT, "token": "virtual-token"}, http=http, clock=clock), proxy


def error(status: int, word: str, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json={"error": word, "detail": "358241 it is"}, headers=headers)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(409, "duplicate"), Reason.DUPLICATE_DIGITS),
        (error(422, "full"), Reason.FULL),
        (error(422, "rule_broken"), Reason.RULE_BROKEN),
        (error(422, "not_revocable"), Reason.NOT_REVOCABLE),
        (error(402, "subscription_required"), Reason.SUBSCRIPTION_REQUIRED),
        (error(409, "occupied"), Reason.OTHER),
        (error(422, "unsupported"), Reason.OTHER),
        (error(418, "teapot"), Reason.OTHER),
        (error(404, "not_found"), Reason.OTHER),
        (httpx2.Response(400, text="<html>no</html>"), Reason.OTHER),
    ],
    ids=lambda value: f"{value.status_code}" if isinstance(value, httpx2.Response) else value.value,
)
async def test_an_explicit_no_is_a_refusal_with_its_reason(answer: httpx2.Response, reason: Reason) -> None:
    async with answered(answer) as (driver, proxy):
        outcome = await driver.apply(INTENT, SET)
        assert isinstance(outcome, Refused)
        assert outcome.reason is reason
        assert "358241" not in outcome.said
        assert proxy.writes == 1


@pytest.mark.parametrize(
    "answer",
    [
        *(httpx2.Response(status, json={"error": "busy"}) for status in (500, 502, 503, 504, 302, 408, 499)),
        httpx2.Response(201, text="<html>fine</html>"),
        httpx2.Response(201, json=["fine"]),
        httpx2.Response(201, json={"code": {"id": 7}}),
        httpx2.Response(201, json={"code": {"locks": ["lock_1"]}}),
        httpx2.Response(202, json={"job": {"id": "job_1"}}),
        httpx2.ReadTimeout("slow"),
        httpx2.WriteTimeout("slow"),
        httpx2.ReadError("reset"),
        httpx2.WriteError("reset"),
        httpx2.RemoteProtocolError("cut"),
        httpx2.LocalProtocolError("odd"),
    ],
    ids=lambda value: f"{value.status_code}" if isinstance(value, httpx2.Response) else type(value).__name__,
)
async def test_whatever_may_have_been_done_is_unknown(answer: httpx2.Response | Exception) -> None:
    async with answered(answer) as (driver, proxy):
        assert isinstance(await driver.apply(INTENT, SET), Unknown)
        assert proxy.writes == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(401, "unauthorized"), CredentialsRefused),
        (error(403, "forbidden"), CredentialsRefused),
        (error(429, "too_many"), VendorBusy),
        (error(409, "busy"), VendorBusy),
        (error(409, "lock_offline"), DeviceOffline),
        (httpx2.ConnectError("refused"), VendorUnreachable),
        (httpx2.ConnectTimeout("slow"), VendorUnreachable),
        (httpx2.PoolTimeout("busy"), VendorUnreachable),
    ],
    ids=lambda value: (
        f"{value.status_code}" if isinstance(value, httpx2.Response) else getattr(value, "__name__", "")
    ),
)
async def test_what_certainly_changed_nothing_is_an_error(
    answer: httpx2.Response | Exception, kind: type[DriverError]
) -> None:
    async with answered(answer) as (driver, proxy):
        with pytest.raises(kind) as raised:
            await driver.apply(INTENT, SET)
        assert "358241" not in str(raised.value)
        assert proxy.writes == 1


async def test_the_seconds_to_wait_are_passed_on() -> None:
    async with answered(error(429, "too_many", **{"Retry-After": "17"})) as (driver, _):
        with pytest.raises(VendorBusy) as raised:
            await driver.apply(INTENT, SET)
        assert raised.value.retry_after == timedelta(seconds=17)
        assert raised.value.is_account_wide
    async with answered(error(409, "busy", **{"Retry-After": "soon"})) as (driver, _):
        with pytest.raises(VendorBusy) as raised:
            await driver.apply(INTENT, SET)
        assert raised.value.retry_after is None
        assert not raised.value.is_account_wide


class Silent(httpx2.AsyncBaseTransport):
    """A vendor that takes writes and answers none."""

    def __init__(self, vendor: httpx2.AsyncBaseTransport) -> None:
        self.vendor = vendor

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method != "GET":
            await asyncio.Event().wait()
        return await self.vendor.handle_async_request(request)


async def test_a_write_that_is_not_answered_before_its_deadline_is_unknown() -> None:
    clock = VirtualClock(BEGIN)
    vendor = httpx2.ASGITransport(create_app(create_world(clock)))
    async with httpx2.AsyncClient(transport=Silent(vendor)) as http:
        credentials = {"endpoint": ENDPOINT, "token": "virtual-token"}
        driver = VIRTUAL.connect(credentials, http=http, clock=clock)
        await driver.describe()
        assert isinstance(await driver.apply(Intent(new_id(), 0.02), SET), Unknown)


async def test_a_deletion_of_what_is_not_there_is_done() -> None:
    async with answered(error(404, "not_found")) as (driver, _):
        assert isinstance(await driver.apply(INTENT, EnsureAbsent(frozenset({"lock_1"}), "code_9")), Done)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"codes": "none"}', UnexpectedReply),
        (b'{"codes": [{"id": "code_1", "locks": []}], "locks": []}', UnexpectedReply),
        (b'{"codes": [], "locks": [{"id": "lock_1"}]}', UnexpectedReply),
        (b'{"codes": [', UnexpectedReply),
        (b"<html></html>", UnexpectedReply),
    ],
)
async def test_a_listing_that_cannot_be_read_is_an_error(body: bytes, kind: type[DriverError]) -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body))
    async with httpx2.AsyncClient(transport=transport) as http:
        driver = VIRTUAL.connect({"token": "virtual-token"}, http=http, clock=VirtualClock(BEGIN))
        with pytest.raises(kind):
            await driver.observe(ObserveScope(frozenset({"lock_1"})))


async def test_a_listing_in_pages_is_read_whole() -> None:
    async with open_world("plain") as world:
        world.emulated.change_settings({"page_size": 2})
        for number in range(5):
            world.app_add("lock_1", f"35824{number}", STAY, f"Guest {number}")
        reading = await world.driver().observe(ObserveScope())
        assert len(reading.entries) == 5
        assert reading.complete_for == set(world.targets)


async def test_one_listing_serves_a_whole_account() -> None:
    async with open_world("plain", locks=9) as world:
        driver = world.driver()
        await driver.observe(ObserveScope())
        assert [call.path for call in world.emulated.journal] == ["/v1/account", "/v1/codes"]
        world.emulated.journal.clear()
        await driver.observe(ObserveScope(frozenset({"lock_1", "lock_5"})))
        assert [call.path for call in world.emulated.journal] == ["/v1/codes"]


async def test_one_lock_is_read_and_written_with_one_call_each() -> None:
    async with open_world("slots") as world:
        driver, targets = world.driver(), frozenset({"lock_1"})
        await driver.observe(ObserveScope(targets))
        place = driver.place(targets, frozenset(), 10)
        outcome = await driver.apply(INTENT, EnsurePresent(targets, "3582", STAY, "Anna", place=place))
        assert isinstance(outcome, Done)
        assert outcome.reference == "lock_1/1"
        assert [call.path for call in world.emulated.journal] == [
            "/v1/locks/lock_1/codes",
            "/v1/locks/lock_1/slots/1",
        ]


async def test_a_lock_that_left_the_account_is_unread() -> None:
    async with open_world("plain") as world:
        reading = await world.driver().observe(ObserveScope(frozenset({"lock_9"})))
        assert reading.complete_for == frozenset()
        reading = await world.driver().observe(ObserveScope(frozenset({"lock_1", "lock_9"})))
        assert reading.complete_for == {"lock_1"}
        change = EnsurePresent(frozenset({"lock_9"}), "358241", STAY, "Anna")
        with pytest.raises(VendorUnreachable):
            await world.driver().apply(INTENT, change)
        assert world.mutating_calls() == 0


async def test_a_slot_is_needed_where_slots_are_numbered() -> None:
    async with open_world("few_places") as world:
        outcome = await world.driver().apply(INTENT, SET)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.FULL
        assert world.mutating_calls() == 0


async def test_domains_follow_gateway_and_site() -> None:
    async with open_world("gateway") as world:
        described = await world.driver().describe()
        assert {target.domain for target in described.targets} == {"gateway:gateway_1"}
    async with open_world("doors") as world:
        world.emulated.add_lock({"id": "elsewhere", "model": "doors", "site": "site_2"})
        described = await world.driver().describe()
        assert {t.reference: t.domain for t in described.targets} == {
            "lock_1": "site:site_1",
            "lock_2": "site:site_1",
            "lock_3": "site:site_1",
            "elsewhere": "site:site_2",
        }
        assert {target.kind for target in described.targets} == {TargetKind.DOOR}
    async with open_world("plain") as world:
        described = await world.driver().describe()
        assert [target.domain for target in described.targets] == ["lock_1", "lock_2", "lock_3"]


async def test_whom_an_access_system_knows_is_told() -> None:
    async with open_world("doors") as world:
        assert (await world.driver().describe()).people == ()
        ben = {"id": "p1", "name": "Ben", "email": "ben@example.com", "phone": None}
        world.emulated.change_settings({"people": [ben]})
        assert (await world.driver().describe()).people == (Person("p1", "Ben", "ben@example.com"),)


async def test_problems_of_account_and_lock_are_told() -> None:
    async with open_world("plain") as world:
        world.emulated.change_settings({"has_subscription": False})
        world.emulated.change_lock(
            "lock_1", {"features": {"code_rules": ["no_zeros", "lucky"]}, "battery": 0.1}
        )
        first = (await world.driver().describe()).targets[0]
        assert first.state.problems == ("subscription_required", "code_rule_unknown")
        assert first.state.is_battery_critical
        assert first.capabilities.constraints == ("no_zeros",)


async def test_the_fleet_of_the_roster_is_what_the_locks_tell() -> None:
    for line in VIRTUAL.fleet:
        async with open_world(line.name) as world:
            described = await world.driver().describe()
            assert described.targets[0].capabilities == line.capabilities
            assert described.targets[0].model == line.name


async def test_makers_and_what_stands_beside_the_locks_are_told() -> None:
    async with open_world("plain", locks=0) as world:
        world.emulated.add_lock({"id": "front", "maker": "august"})
        world.emulated.add_lock({"id": "warm", "kind": "thermostat", "maker": "ecobee"})
        world.emulated.add_lock({"id": "loud", "kind": "noise_sensor"})
        front, loud, warm = sorted((await world.driver().describe()).targets, key=lambda t: t.reference)
        assert [t.kind for t in (front, loud, warm)] == [
            TargetKind.LOCK,
            TargetKind.NOISE_SENSOR,
            TargetKind.THERMOSTAT,
        ]
        assert [t.maker for t in (front, loud, warm)] == ["august", None, "ecobee"]
        assert front.capabilities.credential_kinds
        assert not warm.capabilities.credential_kinds | loud.capabilities.credential_kinds
        refused = await world.driver().apply(INTENT, EnsurePresent(frozenset({"warm"}), "358241", STAY, "A"))
        assert isinstance(refused, Refused)


async def test_a_lock_behind_a_dead_hub_is_offline_and_one_that_is_not_paid_for_refuses_codes() -> None:
    async with open_world("plain") as world:
        world.emulated.disconnect_hub("lock_1")
        world.emulated.set_subscription("lock_2", is_paid=False)
        first, second, third = sorted((await world.driver().describe()).targets, key=lambda t: t.reference)
        assert (first.state.is_online, first.state.problems) == (False, ("hub_disconnected",))
        assert (second.state.is_online, second.state.problems) == (True, ("subscription_required",))
        assert (third.state.is_online, third.state.problems) == (True, ())
        refused = await world.driver().apply(
            INTENT, EnsurePresent(frozenset({"lock_2"}), "358241", STAY, "A")
        )
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.SUBSCRIPTION_REQUIRED
        world.emulated.connect_hub("lock_1")
        reading = await world.driver().observe(ObserveScope(None, None))
        assert reading.states["lock_1"].is_online
