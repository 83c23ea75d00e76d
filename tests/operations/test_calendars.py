"""Calendars as a host asks for them: added once, of addresses that may be called, believed as far as told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.operations.places import a_property, a_stay, ask, told

from lockstep.kit.outbound import OutboundPolicy
from lockstep.model.feed import FeedPolicy
from lockstep.model.permissions import Actor, NotAllowed, Scope
from lockstep.operations import calendars, spaces
from lockstep.operations.calendars import (
    AddCalendar,
    ChangeCalendar,
    ListCalendars,
    NameCalendar,
    PolicyChange,
    RemoveCalendar,
)
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate

URL = "https://www.airbnb.com/calendar/ical/1.ics?s=topsecret"


@pytest.fixture
async def house(gate: Gate, owner: Actor) -> spaces.Space:
    return await a_property(gate, owner)


async def test_a_calendar_is_due_at_once_and_shows_only_its_host(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    made = await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL))
    assert (made.host, made.name, made.state) == ("www.airbnb.com", "www.airbnb.com", "new")
    assert (made.policy, made.good_at, made.next_reading_at) == (FeedPolicy(), None, gate.clock.now())
    assert "topsecret" not in repr(made)
    assert await ask(gate, owner, calendars.listed, ListCalendars()) == (made,)
    async with gate.reading(owner.workspace_id) as tx:
        kept = await tx.db.fetchval("select calendars::text from calendars")
    assert "topsecret" not in kept


@pytest.mark.parametrize("again", [URL, f" {URL} ", URL.replace("https:", "webcal:")])
async def test_the_same_address_on_the_same_space_is_refused_and_nothing_is_replaced(
    gate: Gate, owner: Actor, house: spaces.Space, again: str
) -> None:
    made = await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL, "Airbnb"))
    with pytest.raises(Conflict) as refused:
        await ask(gate, owner, calendars.add, AddCalendar(house.space_id, again, "Other"))
    assert refused.value.code == "calendar_added_already"
    assert made.calendar_id in refused.value.cause
    assert await ask(gate, owner, calendars.listed, ListCalendars()) == (made,)
    flat = await ask(gate, owner, spaces.create, spaces.CreateSpace("Flat", house.space_id))
    elsewhere = await ask(gate, owner, calendars.add, AddCalendar(flat.space_id, URL))
    assert elsewhere.calendar_id != made.calendar_id


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url_refused"),
        ("ftp://example.org/topsecret.ics", "url_refused"),
        ("file:///etc/topsecret", "url_refused"),
        ("https:///topsecret", "url_refused"),
        ("not an address topsecret", "url_refused"),
        ("http://127.0.0.1/topsecret", "address_refused"),
        ("http://localhost:8080/topsecret", "address_refused"),
        ("http://169.254.169.254/topsecret", "address_refused"),
        ("https://[::1]/topsecret", "address_refused"),
        ("webcal://10.0.0.1/topsecret", "address_refused"),
    ],
)
async def test_an_address_that_may_not_be_called_is_refused_without_showing_it(
    gate: Gate, owner: Actor, house: spaces.Space, url: str, code: str
) -> None:
    gate.outbound = OutboundPolicy()
    with pytest.raises(Invalid) as refused:
        await ask(gate, owner, calendars.add, AddCalendar(house.space_id, url))
    assert (refused.value.code, refused.value.field) == (code, "url")
    assert refused.value.next_step
    assert "topsecret" not in refused.value.cause
    assert await ask(gate, owner, calendars.listed, ListCalendars()) == ()


@pytest.mark.parametrize(
    "policy",
    [
        {"pull_every": timedelta(seconds=1)},
        {"pull_every": timedelta(days=30)},
        {"vanish_after_readings": 0},
        {"vanish_over": timedelta(days=-1)},
        {"hold_above_share": 1.5},
        {"hold_above_share": float("nan")},
        {"hold_from_stays": 0},
        {"longest_nights": 0},
        {"unclear_entries": "none"},
    ],
    ids=lambda policy: next(iter(policy)),
)
async def test_a_policy_out_of_bounds_is_refused(
    gate: Gate, owner: Actor, house: spaces.Space, policy: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refused:
        await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL, policy=PolicyChange(**policy)))
    assert refused.value.code == "policy_out_of_bounds"
    assert refused.value.field == f"policy.{next(iter(policy))}"


async def test_a_policy_changes_by_what_is_named(gate: Gate, owner: Actor, house: spaces.Space) -> None:
    made = await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL))
    change = ChangeCalendar(made.calendar_id, name="Airbnb", policy=PolicyChange(longest_nights=14))
    changed = await ask(gate, owner, calendars.change, change)
    assert (changed.name, changed.policy) == ("Airbnb", replace(FeedPolicy(), longest_nights=14))
    before = await told(gate, owner)
    assert await ask(gate, owner, calendars.change, change) == changed
    assert await told(gate, owner) == before


async def test_a_calendar_goes_on_under_another_address(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    made = await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL))
    taken = "https://example.org/other.ics"
    await ask(gate, owner, calendars.add, AddCalendar(house.space_id, taken))
    fresh = ChangeCalendar(made.calendar_id, url="https://example.com/fresh.ics")
    assert (await ask(gate, owner, calendars.change, fresh)).host == "example.com"
    with pytest.raises(Conflict):
        await ask(gate, owner, calendars.change, ChangeCalendar(made.calendar_id, url=taken))


async def test_a_calendar_that_holds_nothing_has_nothing_to_confirm(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    made = await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL))
    for operation in (calendars.confirm_hold, calendars.release_hold):
        with pytest.raises(Conflict) as refused:
            await ask(gate, owner, operation, NameCalendar(made.calendar_id))
        assert refused.value.code == "calendar_not_held"


async def test_a_calendar_with_stays_is_removed_only_when_told_what_becomes_of_them(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    made = await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL))
    await a_stay(gate, owner, house.space_id, 5, 8)
    async with gate.transaction(owner.workspace_id) as tx:
        await tx.db.execute("update bookings set calendar_id = (select id from calendars)")
    with pytest.raises(Conflict) as refused:
        await ask(gate, owner, calendars.remove, RemoveCalendar(made.calendar_id))
    assert refused.value.code == "bookings_undecided"
    await ask(gate, owner, calendars.remove, RemoveCalendar(made.calendar_id, "cancel"))
    with pytest.raises(NotFound):
        await ask(gate, owner, calendars.get, NameCalendar(made.calendar_id))


async def test_a_calendar_is_its_workspaces_and_its_propertys(
    gate: Gate, owner: Actor, neighbour: Actor, house: spaces.Space
) -> None:
    made = await ask(gate, owner, calendars.add, AddCalendar(house.space_id, URL))
    name = NameCalendar(made.calendar_id)
    with pytest.raises(NotFound):
        await ask(gate, neighbour, calendars.import_now, name)
    confined = replace(owner, property_ids=frozenset())
    with pytest.raises(NotAllowed):
        await ask(gate, confined, calendars.get, name)
    assert await ask(gate, confined, calendars.listed, ListCalendars()) == ()
    reader = replace(owner, scopes=frozenset({Scope.CALENDARS_READ}))
    assert await ask(gate, reader, calendars.get, name) == made
    with pytest.raises(NotAllowed):
        await ask(gate, reader, calendars.import_now, name)
