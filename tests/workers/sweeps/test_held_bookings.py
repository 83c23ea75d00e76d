"""Stays for which no digits are free: held, told once, and declared by themselves as soon as there are some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.operations.places import a_property, a_stay, ask, codes_of, june, some_locks
from tests.workers.calendars.hosted import Hosted, hosting, stay

from lockstep.emulation.clock import VirtualClock
from lockstep.model.capabilities import Capabilities
from lockstep.model.permissions import Actor
from lockstep.operations import bookings, examining, spaces
from lockstep.operations import today as page
from lockstep.operations.bookings import Booking, CancelBooking
from lockstep.operations.errors import Conflict
from lockstep.operations.gate import Gate
from lockstep.operations.held_bookings import next_try_at
from lockstep.operations.today import AskToday
from lockstep.workers.sweeps.held_bookings import try_all_again
from lockstep.workers.sweeps.running import Sweeps

TEN_CODES = Capabilities(code_lengths=frozenset({1}))


@pytest.fixture
async def hosted(gate: Gate, owner: Actor, clock: VirtualClock) -> AsyncIterator[Hosted]:
    async with hosting(gate, owner, clock) as hosted:
        yield hosted


@pytest.fixture
async def house(gate: Gate, owner: Actor) -> spaces.Space:
    """Its one lock takes codes of one digit."""
    locks = await some_locks(gate, owner, "front", capabilities=TEN_CODES)
    return await a_property(gate, owner, device_ids=tuple(locks))


@pytest.fixture
async def crowd(gate: Gate, owner: Actor, house: spaces.Space) -> list[Booking]:
    """All ten digits are somebody's from the 5th to the 8th of June."""
    return [await a_stay(gate, owner, house.space_id, 5, 8) for _ in range(10)]


async def leave(gate: Gate, owner: Actor, booking: Booking) -> None:
    """Cancelled, and proven gone from the lock."""
    await ask(gate, owner, bookings.cancel, CancelBooking(booking.booking_id))
    async with gate.database.transaction(owner.workspace_id) as db:
        await db.execute("update entries set settled_at = withdrawn_at where withdrawn_at is not null")


async def from_feed(hosted: Hosted, space_id: str, *stays: tuple[int, int]) -> list[Booking]:
    """The stays that a calendar brings, by days of June."""
    told = [stay(number, *days) for number, days in enumerate(stays)]
    await hosted.add(space_id, "flat", "airbnb", *told)
    return [b for b in await hosted.bookings() if b.calendar_id is not None]


async def test_a_stay_for_which_no_digits_are_free_is_held_and_no_other_waits_for_it(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    held, other = await from_feed(hosted, house.space_id, (6, 7), (10, 12))
    assert held.held is not None
    assert (held.held.code, held.held.at, held.state) == ("no_free_code", june(1), "confirmed")
    assert other.held is None
    assert not await codes_of(hosted.gate, hosted.owner, held.booking_id)
    assert await codes_of(hosted.gate, hosted.owner, other.booking_id)
    assert await hosted.told("booking.held") == 1


async def test_it_is_declared_by_itself_once_digits_are_free(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    (held,) = await from_feed(hosted, house.space_id, (6, 7))
    await leave(hosted.gate, hosted.owner, crowd[0])
    assert await try_all_again(hosted.gate) == 0
    hosted.clock.advance(timedelta(minutes=1))
    assert await try_all_again(hosted.gate) == 1
    booking = next(b for b in await hosted.bookings() if b.booking_id == held.booking_id)
    assert booking.held is None
    assert await codes_of(hosted.gate, hosted.owner, held.booking_id)
    assert await next_try_at(hosted.gate) is None
    assert await hosted.told("booking.held") == await hosted.told("booking.released") == 1


async def test_it_is_tried_less_and_less_often_and_told_once(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    await from_feed(hosted, house.space_id, (6, 7))
    waits = []
    for _ in range(8):
        at = await next_try_at(hosted.gate)
        assert at is not None
        waits.append((at - hosted.clock.now()).total_seconds() / 60)
        hosted.clock.set(at)
        assert await try_all_again(hosted.gate) == 1
    assert waits == [1, 1, 2, 4, 8, 15, 15, 15]
    assert await hosted.told("booking.held") == 1
    assert await hosted.told("booking.released") == 0


async def test_a_change_that_cannot_be_followed_leaves_the_code_as_it_was(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    (moved,) = await from_feed(hosted, house.space_id, (10, 12))
    before = await codes_of(hosted.gate, hosted.owner, moved.booking_id)
    # Its own digits are somebody else's then, as all are.
    hosted.show("flat", stay(0, 6, 7))
    await hosted.quarters(1)
    (booking,) = [b for b in await hosted.bookings() if b.calendar_id is not None]
    assert booking.held is not None
    after = await codes_of(hosted.gate, hosted.owner, moved.booking_id)
    assert [c.entry.declared.spec for c in after] == [c.entry.declared.spec for c in before]
    await leave(hosted.gate, hosted.owner, crowd[0])
    hosted.clock.advance(timedelta(minutes=1))
    await try_all_again(hosted.gate)
    (code,) = await codes_of(hosted.gate, hosted.owner, moved.booking_id)
    assert code.entry.declared.spec.window.starts_at == june(6, 14)


async def test_a_stay_that_is_cancelled_or_over_is_held_no_more(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    cancelled, over = await from_feed(hosted, house.space_id, (6, 7), (7, 8))
    await ask(hosted.gate, hosted.owner, bookings.cancel, CancelBooking(cancelled.booking_id))
    hosted.clock.set(over.ends_at)
    assert await try_all_again(hosted.gate) == 1
    assert [b.held for b in await hosted.bookings()] == [None] * 12
    assert await next_try_at(hosted.gate) is None


async def test_whoever_enters_a_stay_by_hand_is_told_at_once_and_nothing_is_stored(
    gate: Gate, owner: Actor, house: spaces.Space, crowd: list[Booking]
) -> None:
    with pytest.raises(Conflict) as refused:
        await a_stay(gate, owner, house.space_id, 6, 7)
    assert refused.value.code == "no_free_code"
    assert "Remove old codes" in refused.value.next_step
    async with gate.reading(owner.workspace_id) as tx:
        assert len(await bookings.listed(tx, owner, bookings.ListBookings(50))) == 10


async def test_the_first_page_and_the_doctor_tell_of_it(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    (held,) = await from_feed(hosted, house.space_id, (6, 7))
    async with hosted.gate.reading(hosted.owner.workspace_id) as tx:
        today = await page.today(tx, hosted.owner, AskToday())
        found = await examining.of_workspace(tx, hosted.owner)
    assert [b.booking_id for b in today.held] == [held.booking_id]
    (finding,) = [f for f in found if f.check == "bookings"]
    assert held.booking_id in finding.subject
    assert "Remove old codes" in finding.next_step


async def test_a_fault_of_ours_at_one_holds_up_none_of_the_others(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    broken, well = await from_feed(hosted, house.space_id, (5, 7), (6, 8))
    await leave(hosted.gate, hosted.owner, crowd[0])
    async with hosted.gate.database.transaction(hosted.owner.workspace_id) as db:
        await db.execute("update bookings set said = '[]' where public_id = $1", broken.booking_id)
    hosted.clock.advance(timedelta(minutes=1))
    assert await try_all_again(hosted.gate) == 2
    assert await codes_of(hosted.gate, hosted.owner, well.booking_id)
    at = await next_try_at(hosted.gate)
    assert at is not None
    assert at > hosted.clock.now()


async def test_the_sweeps_of_a_process_try_it_when_its_time_comes(
    hosted: Hosted, house: spaces.Space, crowd: list[Booking]
) -> None:
    (held,) = await from_feed(hosted, house.space_id, (6, 7))
    await leave(hosted.gate, hosted.owner, crowd[0])
    sweeps = Sweeps(hosted.gate)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(sweeps.run())
        await sweeps.listening.wait()
        hosted.clock.advance(timedelta(minutes=1))
        while not await codes_of(hosted.gate, hosted.owner, held.booking_id):
            pass
        sweeps.stop()
