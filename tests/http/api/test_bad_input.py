"""Bad input: a clear error with the next step, nothing half-written, nothing lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from tests.http.api.furnished import GRANT, TOKEN, Home, Ids, at_home, furnish, june
from tests.serving import serving

from lockstep.cli.settings import OutboundSettings
from lockstep.cli.vendor_http import vendor_client
from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.feed_text import HostStay
from lockstep.emulation.feeds import FeedBoard, FeedFaultKind, create_feed_app
from lockstep.kit.outbound import OutboundPolicy
from lockstep.workers.calendars.pull import Puller


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    async with at_home(database_url, clock) as home:
        yield home


@dataclass(frozen=True, slots=True)
class Bad:
    """A request that must be refused; names of ids stand in braces."""

    path: str
    body: dict[str, Any]
    status: int
    code: str
    cause: str
    """What the cause must say."""
    field: str | None = None
    method: str = "POST"


def grant(**changes: Any) -> dict[str, Any]:
    return GRANT | {"device_ids": ["{device_id}"], "code": None} | changes


CASES = {
    "an unknown lock": Bad(
        "/v1/access_grants", grant(device_ids=["lock_1"]), 404, "device_not_found", "lock_1"
    ),
    "an unknown space": Bad(
        "/v1/bookings",
        {"space_id": "space_1", "arrives": "2026-06-02", "departs": "2026-06-03"},
        404,
        "space_not_found",
        "space_1",
    ),
    "digits that break a rule of the lock": Bad(
        "/v1/access_grants", grant(code="120345"), 400, "code_breaks_rules", "Door 2", "body.code"
    ),
    "digits of another length": Bad(
        "/v1/access_grants", grant(code="8153"), 400, "code_breaks_rules", "6 digits", "body.code"
    ),
    "letters for digits": Bad(
        "/v1/access_grants", grant(code="secret"), 400, "code_breaks_rules", "0 to 9", "body.code"
    ),
    "digits that another grant has at that time": Bad(
        "/v1/access_grants", grant(code=GRANT["code"]), 409, "code_taken", "in use on the lock Door 2 ("
    ),
    "digits for a grant that reaches no lock": Bad(
        "/v1/access_grants",
        grant(device_ids=[], space_ids=["{empty_space_id}"], code="815347"),
        400,
        "code_cannot_be_chosen",
        "no lock",
        "body.code",
    ),
    "a grant whose window has ended": Bad(
        "/v1/access_grants",
        grant(starts_at="2026-05-01T00:00:00Z", ends_at="2026-05-31T23:59:59Z"),
        400,
        "window_ended",
        "ended",
        "body.ends_at",
    ),
    "a window that ends before it starts": Bad(
        "/v1/access_grants", grant(ends_at="2026-06-01T07:00:00Z"), 400, "window_empty", "", "body.ends_at"
    ),
    "a grant that reaches nothing": Bad(
        "/v1/access_grants", grant(device_ids=[]), 400, "grant_reaches_nothing", "nothing", "body.device_ids"
    ),
    "a stay that is over": Bad(
        "/v1/bookings",
        {"space_id": "{space_id}", "arrives": "2026-05-01", "departs": "2026-05-04"},
        400,
        "window_ended",
        "over",
        "body.departs",
    ),
    "a stay that was over at an instant": Bad(
        "/v1/bookings",
        {"space_id": "{space_id}", "arrives": "2026-05-01", "ends_at": "2026-05-04T10:00:00Z"},
        400,
        "window_ended",
        "over",
        "body.ends_at",
    ),
    "a stay whose arrival is moved behind its departure": Bad(
        "/v1/bookings/{booking_id}",
        {"arrives": "2026-06-20"},
        400,
        "window_empty",
        "after the start",
        "body.arrives",
        "PATCH",
    ),
    "a grant whose start is moved behind its end": Bad(
        "/v1/access_grants/{access_grant_id}",
        {"starts_at": "2026-07-20T00:00:00Z"},
        400,
        "window_empty",
        "",
        "body.starts_at",
        "PATCH",
    ),
    "a stay without an end": Bad(
        "/v1/bookings",
        {"space_id": "{space_id}", "arrives": "2026-06-01"},
        400,
        "window_incomplete",
        "departs or ends_at",
        "body.departs",
    ),
    "an instant without an offset": Bad(
        "/v1/access_grants",
        grant(starts_at="2026-06-01T08:00:00"),
        400,
        "invalid",
        "body.starts_at",
        "body.starts_at",
    ),
    "a new window for a grant that follows its booking": Bad(
        "/v1/access_grants/{booked_grant_id}",
        {"ends_at": "2026-06-09T00:00:00Z"},
        409,
        "grant_of_booking",
        "booking",
        method="PATCH",
    ),
    "a vendor that there is not": Bad(
        "/v1/connected_accounts",
        {"vendor": "nuky", "credentials": {"token": "x"}},
        400,
        "vendor_unknown",
        "nuky",
        "body.vendor",
    ),
    "a credential that is missing": Bad(
        "/v1/connected_accounts",
        {"vendor": "nuki", "credentials": {}},
        400,
        "credential_missing",
        "token",
        "body.credentials.token",
    ),
    "a credential in two lines": Bad(
        "/v1/connected_accounts",
        {"vendor": "nuki", "credentials": {"token": "two\nlines", "endpoint": "http://nuki.test"}},
        400,
        "credential_unreadable",
        "token",
        "body.credentials.token",
    ),
    "an account that the vendor refuses": Bad(
        "/v1/connected_accounts",
        {"vendor": "nuki", "credentials": {"token": "wrong", "endpoint": "http://nuki.test"}},
        400,
        "credentials_refused",
        "refuses",
        "body.credentials",
    ),
    "a vendor that cannot be reached": Bad(
        "/v1/connected_accounts",
        {"vendor": "nuki", "credentials": {"token": TOKEN, "endpoint": "http://nowhere.test"}},
        502,
        "vendor_unreachable",
        "Nuki",
    ),
    "an address of a vendor that is none": Bad(
        "/v1/connected_accounts",
        {"vendor": "nuki", "credentials": {"token": TOKEN, "endpoint": "nuki dot test"}},
        502,
        "vendor_unreachable",
        "Nuki",
    ),
    "an address of a vendor that cannot be read": Bad(
        "/v1/connected_accounts",
        {"vendor": "virtual", "credentials": {"token": TOKEN, "endpoint": "http://[nuki"}},
        502,
        "vendor_unreachable",
        "Virtual",
    ),
    "a credential that no header can hold": Bad(
        "/v1/connected_accounts",
        {"vendor": "virtual", "credentials": {"token": "t\u00f6ken"}},
        400,
        "credential_unreadable",
        "token",
        "body.credentials.token",
    ),
    "an account that is connected already": Bad(
        "/v1/connected_accounts",
        {"vendor": "nuki", "credentials": {"token": TOKEN, "endpoint": "http://nuki.test"}, "label": "Again"},
        409,
        "account_connected_already",
        "{connected_account_id}",
    ),
    "an address of a calendar that is none": Bad(
        "/v1/calendars",
        {"space_id": "{space_id}", "url": "my calendar"},
        400,
        "url_refused",
        "",
        "body.url",
    ),
    "a calendar at a private address": Bad(
        "/v1/calendars",
        {"space_id": "{space_id}", "url": "http://127.0.0.1/private.ics"},
        400,
        "address_refused",
        "",
        "body.url",
    ),
    "a calendar that the space has": Bad(
        "/v1/calendars",
        {"space_id": "{space_id}", "url": "https://calendar.example/private-7f3a.ics"},
        409,
        "calendar_added_already",
        "{calendar_id}",
    ),
    "a property without a time zone": Bad(
        "/v1/spaces", {"name": "House"}, 400, "time_zone_missing", "time zone", "body.time_zone"
    ),
    "a time zone that there is not": Bad(
        "/v1/spaces",
        {"name": "House", "time_zone": "Europe/Atlantis"},
        400,
        "time_zone_unknown",
        "Atlantis",
        "body.time_zone",
    ),
    "a phone number without its country": Bad(
        "/v1/guests", {"phone": "912345678"}, 400, "phone_invalid", "phone", "body.phone"
    ),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
async def test_it_is_refused_with_cause_and_next_step_and_nothing_is_written(home: Home, bad: Bad) -> None:
    ids = await furnished(home)
    before = await home.everything()
    answer = await home.client.request(bad.method, bad.path.format(**ids), json=filled(bad.body, ids))
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (bad.status, bad.code), answer.text
    assert bad.cause.format(**ids) in problem["cause"]
    assert len(problem["next_step"]) > 10
    assert [e["field"] for e in problem["errors"]] == ([bad.field] if bad.field else [])
    assert await home.everything() == before


async def test_what_is_no_json_is_the_fault_of_the_body_and_of_no_field(home: Home) -> None:
    answer = await home.client.post(
        "/v1/spaces", content=b'{"name": ', headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert [e["field"] for e in answer.json()["errors"]] == ["body"]


async def test_a_vendor_at_a_private_address_is_refused_with_the_setting_that_allows_it(home: Home) -> None:
    ids = await furnished(home)
    before = await home.everything()
    credentials = {"token": TOKEN, "endpoint": "http://127.0.0.1:9"}
    async with vendor_client(OutboundSettings()) as http:
        home.house.gate.vendor_http = http
        connected = await home.client.post(
            "/v1/connected_accounts", json={"vendor": "nuki", "credentials": credentials}
        )
        changed = await home.client.put(
            f"/v1/connected_accounts/{ids['connected_account_id']}/credentials",
            json={"credentials": credentials},
        )
    for answer in (connected, changed):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "address_refused"), answer.text
        assert "LOCKSTEP_ALLOW_PRIVATE_ADDRESSES" in problem["next_step"]
        assert [e["field"] for e in problem["errors"]] == ["body.credentials.endpoint"]
    assert await home.everything() == before


async def test_nothing_new_is_promised_on_locks_of_an_account_in_error_and_what_was_stays(home: Home) -> None:
    ids = await furnished(home)
    await home.house.work()
    home.world.revoke(TOKEN)
    await home.post(f"/v1/connected_accounts/{ids['connected_account_id']}/look")
    await home.house.work()
    account = await home.get(f"/v1/connected_accounts/{ids['connected_account_id']}")
    assert account["state"] == "credentials_refused"
    assert account["failure"]["code"] == "credentials_refused"
    assert account["failure"]["next_step"]
    before = await home.everything()
    for path in ("/v1/access_grants", f"/v1/devices/{ids['device_id']}/unlock"):
        answer = await home.client.post(path, json=filled(grant(), ids))
        assert (answer.status_code, answer.json()["code"]) == (403, "account_in_error"), answer.text
        assert "account" in answer.json()["next_step"]
    removed = await home.client.post(
        f"/v1/connected_accounts/{ids['connected_account_id']}/disconnect", json={"codes": "remove"}
    )
    assert (removed.status_code, removed.json()["code"]) == (403, "account_in_error")
    assert await home.everything() == before

    # A booking is a fact: it is kept, and its code is set once the account works again.
    stay = {"space_id": ids["space_id"], "arrives": "2026-06-10", "departs": "2026-06-12"}
    assert (await home.client.post("/v1/bookings", json=stay)).status_code == 201


async def test_a_malformed_calendar_is_told_with_its_next_step_and_no_booking_is_lost(home: Home) -> None:
    gate = home.house.gate
    gate.outbound = OutboundPolicy(allow_private=True)
    home.house.processes["calendars"] = Puller(gate).process
    place = await home.post("/v1/spaces", {"name": "House", "time_zone": "Europe/Lisbon"})
    board = FeedBoard(home.house.clock)
    stays = [HostStay(n, date(2026, 6, 4 * n), date(2026, 6, 4 * n + 2)) for n in (1, 2, 3)]
    path = board.put("flat", "airbnb", stays)
    async with serving(create_feed_app(board), waits=False) as address:
        calendar = await home.post("/v1/calendars", {"space_id": place["space_id"], "url": address + path})
        await home.house.work()
        assert len((await home.get("/v1/bookings"))["items"]) == 3
        for kind in (FeedFaultKind.HTML, FeedFaultKind.TRUNCATED, FeedFaultKind.EMPTY_BODY):
            board.feeds["flat"].fault = kind
            await home.post(f"/v1/calendars/{calendar['calendar_id']}/import")
            await home.house.work()
            shown = await home.get(f"/v1/calendars/{calendar['calendar_id']}")
            assert shown["state"] == "failing", kind
            assert len(shown["failure"]["cause"]) > 10
            assert len(shown["failure"]["next_step"]) > 10
            assert {b["state"] for b in (await home.get("/v1/bookings"))["items"]} == {"confirmed"}
        board.feeds["flat"].fault = None
        await home.post(f"/v1/calendars/{calendar['calendar_id']}/import")
        await home.house.work()
        shown = await home.get(f"/v1/calendars/{calendar['calendar_id']}")
        assert (shown["state"], shown["failure"]) == ("good", None)


@pytest.mark.parametrize(
    ("verb", "is_there_again", "stand"), [("confirm", False, "cancelled"), ("release", True, "confirmed")]
)
async def test_a_calendar_that_lost_everything_is_held_until_somebody_decides(
    home: Home, verb: str, is_there_again: bool, stand: str
) -> None:
    gate = home.house.gate
    gate.outbound = OutboundPolicy(allow_private=True)
    home.house.processes["calendars"] = Puller(gate).process
    place = await home.post("/v1/spaces", {"name": "House", "time_zone": "Europe/Lisbon"})
    board = FeedBoard(home.house.clock)
    stays = [HostStay(n, date(2026, 6, 4 * n), date(2026, 6, 4 * n + 2)) for n in (1, 2, 3)]
    path = board.put("flat", "airbnb", stays)
    async with serving(create_feed_app(board), waits=False) as address:
        calendar = await home.post("/v1/calendars", {"space_id": place["space_id"], "url": address + path})
        await home.house.work()
        board.put("flat", "airbnb", [])
        await home.house.advance(june(1, 3))
        shown = await home.get(f"/v1/calendars/{calendar['calendar_id']}")
        assert (shown["state"], shown["held"]["code"], shown["held"]["live"]) == ("held", "lost_all", 3)
        assert len(shown["held"]["lost_booking_ids"]) == 3
        undecided = await home.client.delete(f"/v1/calendars/{calendar['calendar_id']}")
        assert (undecided.status_code, undecided.json()["code"]) == (409, "bookings_undecided")
        if is_there_again:
            board.put("flat", "airbnb", stays)
        decided = await home.post(f"/v1/calendars/{calendar['calendar_id']}/{verb}")
        assert decided["held"] is None
        await home.house.work()
        shown = await home.get(f"/v1/calendars/{calendar['calendar_id']}")
        assert (shown["state"], shown["held"]) == ("good", None)
        assert [b["state"] for b in (await home.get("/v1/bookings"))["items"]] == [stand] * 3


async def furnished(home: Home) -> Ids:
    ids = (await furnish(home, home.client, await home.connect())).ids
    empty = await home.post("/v1/spaces", {"name": "Nothing in it", "time_zone": "Europe/Lisbon"})
    (booked,) = (await home.get("/v1/access_grants", booking_id=ids["booking_id"]))["items"]
    return ids | {"empty_space_id": empty["space_id"], "booked_grant_id": booked["access_grant_id"]}


def filled(value: Any, ids: Ids) -> Any:
    if isinstance(value, dict):
        return {name: filled(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [filled(part, ids) for part in value]
    return ids[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value
