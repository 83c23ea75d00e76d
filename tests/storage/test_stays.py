"""What the schema itself holds of places and stays, whatever the code above it does."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from uuid import UUID

import asyncpg
import pytest
from tests.operations.places import a_property, a_stay, ask, june

from lockstep.kit.ids import new_id
from lockstep.model.feed import Echo, FeedPolicy, FeedStay, FeedWarning, Hold
from lockstep.model.permissions import Actor
from lockstep.model.window import Window
from lockstep.operations import calendars as asked_calendars
from lockstep.operations.calendars import AddCalendar
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.guests import CreateGuest
from lockstep.storage import bookings, calendars, spaces
from lockstep.storage.calendars import FeedFailure, FeedMemory

SAID = FeedStay(
    "u1",
    date(2026, 6, 5),
    date(2026, 6, 8),
    Window(june(5, 14), june(8, 10)),
    kind="unclear",
    keeps_uid=False,
    guest_name="Ana",
    phone_last4="4711",
    reservation_code="HMABC",
)


@pytest.fixture
async def tx(gate: Gate, owner: Actor) -> AsyncIterator[Tx]:
    house = await a_property(gate, owner)
    await a_stay(gate, owner, house.space_id, 5, 8, guest=CreateGuest("Ana"), booking_key="b-1")
    await ask(gate, owner, asked_calendars.add, AddCalendar(house.space_id, "https://example.org/a.ics"))
    async with gate.transaction(owner.workspace_id) as tx:
        yield tx


async def the_booking(tx: Tx) -> bookings.BookingRow:
    row = await bookings.by_key(tx.db, tx.workspace_id, "b-1")
    assert row is not None
    return row


async def test_a_booking_comes_back_as_it_was_stored(tx: Tx) -> None:
    stored = replace(
        await the_booking(tx),
        said=SAID,
        uid="u1",
        missed_readings=2,
        missed_since=june(1),
        reservation_code="HMABC",
        phone_last4="4711",
    )
    await bookings.change(tx.db, tx.workspace_id, stored)
    assert await bookings.get(tx.db, tx.workspace_id, stored.id) == stored


async def test_what_decides_about_a_feed_comes_back_as_it_was_stored(tx: Tx) -> None:
    (row,) = await calendars.listed(tx.db, tx.workspace_id, None, 10)
    stored = replace(
        row,
        state="held",
        policy=replace(FeedPolicy(), longest_nights=14),
        failure=FeedFailure("feed_down", "It is down.", "It is tried again.", june(2)),
        failures=3,
        held=Hold("lost_all", june(2), ("booking_1",), 3),
        memory=FeedMemory(
            frozenset({"booking_1", "booking_2"}),
            (Echo("u1", None, date(2026, 6, 5), date(2026, 6, 8)), Echo("u2", "i", *[date(2026, 6, 9)] * 2)),
            (FeedWarning("overlap", "u1", "Two stays.", "Check."),),
        ),
        etag='W/"1"',
        good_at=june(1),
        whole_at=june(1),
    )
    await calendars.change(tx.db, tx.workspace_id, stored)
    assert await calendars.get(tx.db, tx.workspace_id, stored.id) == stored


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": june(5, 14)},
        {"ends_at": june(1)},
        {"state": "maybe"},
        {"cancelled_by": "nobody"},
        {"guest_id": UUID(int=1)},
        {"space_id": UUID(int=1)},
    ],
    ids=["empty", "backwards", "state", "canceller", "guest", "space"],
)
async def test_a_booking_that_cannot_be_is_not_stored(tx: Tx, change: dict[str, object]) -> None:
    wrong = replace(await the_booking(tx), **change)  # type: ignore[arg-type]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await bookings.change(tx.db, tx.workspace_id, wrong)


async def test_a_property_without_a_zone_is_not_stored(tx: Tx) -> None:
    (row,) = await spaces.listed(tx.db, tx.workspace_id, spaces.SpaceFilter(), None, 10)
    id = new_id()
    wrong = replace(row, id=id, property_id=id, public_id="space_x", space_key=None, time_zone=None)
    with pytest.raises(asyncpg.CheckViolationError):
        await spaces.insert(tx.db, tx.workspace_id, wrong)


@pytest.mark.parametrize("table", ["spaces", "space_devices", "guests", "calendars", "bookings"])
async def test_another_workspace_sees_no_row(tx: Tx, gate: Gate, neighbour: Actor, table: str) -> None:
    async with gate.reading(neighbour.workspace_id) as other:
        assert await other.db.fetchval(f"select count(*) from {table}") == 0
