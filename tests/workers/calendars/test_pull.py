"""Calendars read over real HTTP and followed: what becomes of bookings and codes, and what never does."""

import asyncio
from dataclasses import replace
from datetime import date, time, timedelta
from ipaddress import ip_network

import pytest
from tests.operations.places import a_property, ask, codes_of, june, some_locks
from tests.workers.calendars.hosted import QUARTER, Hosted, stay

from lockstep.emulation.feeds import FeedFaultKind
from lockstep.kit.outbound import OutboundPolicy
from lockstep.model.permissions import Actor
from lockstep.model.window import Window
from lockstep.operations import bookings, calendars, guests, spaces
from lockstep.operations.bookings import Booking, CancelBooking, ChangeBooking, ConfirmBooking
from lockstep.operations.calendars import NameCalendar, PolicyChange, RemoveCalendar
from lockstep.operations.gate import Gate
from lockstep.operations.guests import ChangeGuest, EraseGuest
from lockstep.workers.calendars.pull import Puller
from lockstep.workers.loop import LoopSettings, claim_some

THREE = [stay(1, 5, 8), stay(2, 10, 12), stay(3, 12, 15)]


def days(*numbers: tuple[int, int]) -> list[tuple[date, date]]:
    return [(date(2026, 6, arrives), date(2026, 6, departs)) for arrives, departs in numbers]


async def digits(hosted: Hosted, booking: Booking) -> set[object]:
    codes = await codes_of(hosted.gate, hosted.owner, booking.booking_id)
    return {code.entry.declared.spec.fingerprint for code in codes}


async def windows(hosted: Hosted, booking: Booking) -> set[Window]:
    codes = await codes_of(hosted.gate, hosted.owner, booking.booking_id)
    return {code.entry.declared.spec.window for code in codes}


async def test_stays_become_bookings_with_codes_and_blocks_do_not(
    hosted: Hosted, house: spaces.Space
) -> None:
    closed = stay(4, 20, 25, is_block=True)
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE, closed)
    assert await hosted.living() == days((5, 8), (10, 12), (12, 15))
    assert len(await hosted.bookings()) == 3
    assert (calendar.state, calendar.platform, calendar.good_at) == ("good", "airbnb", june(1))
    assert await hosted.next_look() == QUARTER
    first = (await hosted.bookings())[0]
    assert first.reservation_code == THREE[0].reservation_code
    assert await windows(hosted, first) == {Window(june(5, 14), june(8, 10))}
    assert await hosted.told("booking.created") == 3


async def test_the_name_of_a_guest_reaches_the_lock_and_a_new_one_replaces_it(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "flat", "vrbo", stay(1, 5, 8, guest_name="Ana Lima"))
    hosted.show("flat", stay(1, 5, 8, guest_name="Ana Maria Lima"))
    await hosted.quarters(1)
    (booking,) = await hosted.bookings()
    assert booking.guest_name == "Ana Maria Lima"
    codes = await codes_of(hosted.gate, hosted.owner, booking.booking_id)
    assert {code.entry.declared.spec.name.rpartition(" ")[0] for code in codes} == {"Ana Maria Lima"}


@pytest.mark.parametrize(
    ("arrives", "departs"),
    [(5, 9), (5, 7), (6, 8), (4, 8), (25, 28)],
    ids=["extend", "shorten", "late", "early", "move"],
)
async def test_other_dates_move_the_window_and_keep_the_digits(
    hosted: Hosted, house: spaces.Space, arrives: int, departs: int
) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    before = (await hosted.bookings())[0]
    kept = await digits(hosted, before)
    hosted.show("flat", stay(1, arrives, departs), *THREE[1:])
    await hosted.quarters(1)
    after = await ask(hosted.gate, hosted.owner, bookings.get, bookings.GetBooking(before.booking_id))
    assert [(after.arrives, after.departs)] == days((arrives, departs))
    assert await digits(hosted, after) == kept
    assert await windows(hosted, after) == {Window(june(arrives, 14), june(departs, 10))}
    assert len(await hosted.bookings()) == 3


async def test_a_vanished_stay_is_cancelled_after_three_good_readings_over_45_minutes(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    hosted.show("flat", *THREE[1:])
    alive = []
    for _ in range(4):
        await hosted.quarters(1)
        alive.append(len(await hosted.living()))
    assert alive == [3, 3, 3, 2]
    gone = (await hosted.bookings(state="cancelled"))[0]
    assert (gone.cancelled_by, gone.arrives) == ("feed", date(2026, 6, 5))
    assert await hosted.told("booking.cancelled") == 1


async def test_a_stay_that_is_back_is_missed_from_none_again(hosted: Hosted, house: spaces.Space) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    for _ in range(3):
        hosted.show("flat", *THREE[1:])
        await hosted.quarters(2)
        assert (await hosted.bookings())[0].missing_since is not None
        hosted.show("flat", *THREE)
        await hosted.quarters(1)
        assert (await hosted.bookings())[0].missing_since is None
    assert len(await hosted.living()) == 3


NO_FAILURES = (FeedFaultKind.SLOW, FeedFaultKind.NO_ENTRIES, FeedFaultKind.STUCK_304)
FAULTS = [kind for kind in FeedFaultKind if kind not in NO_FAILURES]


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_fault_of_a_feed_revokes_anything_and_it_is_told_once(
    hosted: Hosted, house: spaces.Space, fault: FeedFaultKind
) -> None:
    # Two feeds, so that "not modified" is never asked for.
    await hosted.add(house.space_id, "other", "vrbo", stay(9, 20, 25))
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    narrow(hosted)
    before = await hosted.living()
    hosted.fault("flat", fault)
    await hosted.quarters(8)
    assert await hosted.living() == before
    failing = await hosted.get(calendar)
    assert failing.state == "failing"
    assert failing.failure is not None
    assert failing.failure.since == june(1, 0, 15)
    assert failing.failure.code
    assert failing.failure.next_step
    assert "s3cret" not in failing.failure.cause
    assert await hosted.told("calendar.failed") == 1
    hosted.fault("flat", None)
    await hosted.quarters(4)
    assert (await hosted.get(calendar)).state == "good"
    assert await hosted.told("calendar.recovered") == 1
    assert await hosted.told("booking.cancelled", "booking.changed") == 0


def narrow(hosted: Hosted) -> None:
    """The calendars' host plays the internet; every other private address stays refused."""
    hosted.gate.outbound = OutboundPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))


async def test_a_feed_that_fails_is_read_less_and_less_often(hosted: Hosted, house: spaces.Space) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    hosted.fault("flat", FeedFaultKind.ERROR_500)
    waits = []
    for _ in range(5):
        wait = await hosted.next_look()
        assert wait is not None
        hosted.clock.advance(wait)
        await hosted.read()
        waits.append(await hosted.next_look())
    assert waits == [timedelta(minutes=m) for m in (15, 30, 60, 60, 60)]


async def test_an_empty_calendar_is_held_and_obeyed_once_confirmed(
    hosted: Hosted, house: spaces.Space
) -> None:
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    hosted.show("flat")
    await hosted.quarters(20)
    held = await hosted.get(calendar)
    assert (held.state, held.held and held.held.code) == ("held", "lost_all")
    assert held.held is not None
    assert set(held.held.lost_booking_ids) == {b.booking_id for b in await hosted.bookings()}
    assert len(await hosted.living()) == 3
    assert await hosted.told("calendar.held") == 1
    await ask(hosted.gate, hosted.owner, calendars.confirm_hold, NameCalendar(calendar.calendar_id))
    await hosted.read()
    assert await hosted.living() == []
    assert (await hosted.get(calendar)).state == "good"


async def test_a_held_calendar_that_is_released_is_held_again_or_goes_on(
    hosted: Hosted, house: spaces.Space
) -> None:
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    hosted.show("flat")
    await hosted.quarters(1)
    release = NameCalendar(calendar.calendar_id)
    await ask(hosted.gate, hosted.owner, calendars.release_hold, release)
    await hosted.read()
    assert (await hosted.get(calendar)).state == "held"
    hosted.show("flat", *THREE)
    await hosted.quarters(1)
    await ask(hosted.gate, hosted.owner, calendars.release_hold, release)
    await hosted.read()
    assert (await hosted.get(calendar)).state == "good"
    assert len(await hosted.living()) == 3


async def test_who_is_inside_keeps_the_code_whatever_the_calendar_says(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    await hosted.until(june(6))
    hosted.show("flat", *THREE[1:])
    await hosted.quarters(8)
    hosted.show("flat")
    await hosted.quarters(8)
    assert days((5, 8))[0] in await hosted.living()


async def test_a_start_that_moves_with_the_day_under_new_uids_is_no_change(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "flat", "booking_com", stay(1, 5, 9), stay(2, 9, 12))
    first = (await hosted.bookings())[0]
    kept = await digits(hosted, first)
    for day in range(6, 9):
        await hosted.until(june(day, 9))
    (same, _) = await hosted.bookings()
    assert replace(same, changed_at=first.changed_at) == first
    assert await digits(hosted, same) == kept
    assert await hosted.told("booking.changed", "booking.cancelled", "calendar.held") == 0


@pytest.mark.parametrize("order", [("airbnb", "booking_com"), ("booking_com", "airbnb")])
async def test_two_platforms_that_block_each_other_give_one_code(
    hosted: Hosted, house: spaces.Space, order: tuple[str, str]
) -> None:
    for platform in order:
        await hosted.add(house.space_id, platform, platform, stay(1, 5, 8))
    await hosted.quarters(2)
    assert await hosted.living() == days((5, 8))
    (booking,) = await hosted.bookings(state="confirmed")
    assert booking.reservation_code == stay(1, 5, 8).reservation_code
    before = await hosted.all_that_is_kept()
    await hosted.quarters(1)
    assert await hosted.all_that_is_kept() == before


async def test_a_mirror_that_outlives_the_cancelled_stay_gives_no_code(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "airbnb", "airbnb", *THREE)
    await hosted.add(house.space_id, "booking_com", "booking_com", *THREE)
    hosted.show("airbnb", *THREE[1:])
    await hosted.quarters(5)
    assert await hosted.living() == days((10, 12), (12, 15))


async def test_entries_that_may_be_closures_wait_for_a_hand(hosted: Hosted, house: spaces.Space) -> None:
    policy = PolicyChange(unclear_entries="by_hand")
    await hosted.add(house.space_id, "flat", "booking_com", stay(1, 5, 8), stay(2, 10, 12), policy=policy)
    assert await hosted.living() == []
    first, second = await hosted.bookings(state="awaiting")
    assert await hosted.told("booking.held") == 2
    await ask(hosted.gate, hosted.owner, bookings.confirm, ConfirmBooking(first.booking_id))
    await ask(hosted.gate, hosted.owner, bookings.cancel, CancelBooking(second.booking_id))
    assert await hosted.living() == days((5, 8))
    hosted.show("flat", stay(1, 5, 9), stay(2, 10, 12), stay(3, 15, 18))
    await hosted.quarters(2)
    assert await hosted.living() == days((5, 9))
    assert [b.arrives for b in await hosted.bookings(state="awaiting")] == [date(2026, 6, 15)]
    assert [b.booking_id for b in await hosted.bookings(state="cancelled")] == [second.booking_id]


async def test_an_entry_that_waits_follows_its_dates_and_goes_with_its_entry(
    hosted: Hosted, house: spaces.Space
) -> None:
    policy = PolicyChange(unclear_entries="by_hand")
    await hosted.add(house.space_id, "flat", "booking_com", stay(1, 1, 8), stay(2, 10, 12), policy=policy)
    waiting = await hosted.bookings(state="awaiting")
    hosted.show("flat", stay(1, 1, 8))
    await hosted.until(june(2, 9))
    (left,) = await hosted.bookings(state="awaiting")
    assert left.booking_id == waiting[0].booking_id
    assert await hosted.living() == []


async def test_another_policy_turns_what_waited_into_stays(hosted: Hosted, house: spaces.Space) -> None:
    policy = PolicyChange(unclear_entries="by_hand")
    calendar = await hosted.add(house.space_id, "flat", "booking_com", stay(1, 5, 8), policy=policy)
    (waiting,) = await hosted.bookings(state="awaiting")
    command = calendars.ChangeCalendar(calendar.calendar_id, policy=PolicyChange(unclear_entries="all"))
    await ask(hosted.gate, hosted.owner, calendars.change, command)
    await hosted.read()
    (confirmed,) = await hosted.bookings()
    assert (confirmed.booking_id, confirmed.state) == (waiting.booking_id, "confirmed")
    assert await hosted.living() == days((5, 8))


async def test_what_a_hand_changed_holds_until_the_calendar_tells_other_dates(
    hosted: Hosted, house: spaces.Space
) -> None:
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    first = (await hosted.bookings())[0]
    later = ChangeBooking(first.booking_id, ends_at=june(8, 13))
    changed = await ask(hosted.gate, hosted.owner, bookings.change, later)
    assert changed.is_changed_by_hand
    await hosted.quarters(4)
    assert (await hosted.bookings())[0].ends_at == june(8, 13)
    hosted.show("flat", stay(1, 5, 9), *THREE[1:])
    await hosted.quarters(1)
    assert (await hosted.bookings())[0].ends_at == june(9, 10)
    warned = await hosted.get(calendar)
    assert [w.code for w in warned.warnings] == ["edit_replaced"]
    await hosted.quarters(4)
    assert await hosted.told("calendar.warned") == 1


async def test_a_stay_cancelled_by_hand_stays_cancelled(hosted: Hosted, house: spaces.Space) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    first = (await hosted.bookings())[0]
    await ask(hosted.gate, hosted.owner, bookings.cancel, CancelBooking(first.booking_id))
    hosted.show("flat", *THREE, stay(4, 25, 28))
    await hosted.quarters(4)
    assert await hosted.living() == days((10, 12), (12, 15), (25, 28))


async def test_a_stay_ended_early_by_hand_does_not_come_back(hosted: Hosted, house: spaces.Space) -> None:
    await hosted.add(house.space_id, "flat", "vrbo", stay(1, 1, 28))
    (first,) = await hosted.bookings()
    await hosted.until(june(3))
    over = ChangeBooking(first.booking_id, ends_at=june(3, 1))
    await ask(hosted.gate, hosted.owner, bookings.change, over)
    for day in range(4, 20):
        hosted.show("flat", stay(1, 1, 28), stay(day, 28, 30, is_block=True))
        await hosted.until(june(day))
    assert [b.booking_id for b in await hosted.bookings()] == [first.booking_id]
    assert await hosted.living() == []


async def test_a_name_given_by_hand_is_not_replaced_and_an_erased_one_does_not_come_back(
    hosted: Hosted, house: spaces.Space
) -> None:
    named, erased = stay(1, 5, 8, guest_name="R. Costa"), stay(2, 10, 12, guest_name="Ana Lima")
    await hosted.add(house.space_id, "flat", "vrbo", named, erased)
    one, two = await hosted.bookings()
    assert one.guest_id is not None
    assert two.guest_id is not None
    await ask(hosted.gate, hosted.owner, guests.change, ChangeGuest(one.guest_id, name="Rui Costa"))
    await ask(hosted.gate, hosted.owner, guests.erase, EraseGuest(two.guest_id))
    hosted.show("flat", replace(named, guest_name="R. D. Costa"), replace(erased, guest_name="Ana M. Lima"))
    await hosted.quarters(2)
    assert [b.guest_name for b in await hosted.bookings()] == ["Rui Costa", None]
    kept = await hosted.all_that_is_kept()
    assert not any("Ana" in row for rows in kept.values() for row in rows)


async def test_a_change_of_hours_moves_imported_stays_and_the_next_reading_agrees(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    command = spaces.ChangeSpace(house.space_id, check_in=time(16), check_out=time(10))
    await ask(hosted.gate, hosted.owner, spaces.change, command)
    first = (await hosted.bookings())[0]
    assert await windows(hosted, first) == {Window(june(5, 15), june(8, 9))}
    changed = await hosted.told("booking.changed")
    await hosted.quarters(2)
    assert await hosted.told("booking.changed") == changed


async def test_a_removed_calendar_is_not_read_and_its_stays_go_or_stay_as_asked(
    hosted: Hosted, house: spaces.Space
) -> None:
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    before = await hosted.bookings()
    await ask(hosted.gate, hosted.owner, calendars.remove, RemoveCalendar(calendar.calendar_id, "keep"))
    asked = hosted.board.feeds["flat"].asked
    await hosted.quarters(4)
    assert hosted.board.feeds["flat"].asked == asked
    assert await hosted.next_look() is None
    assert len(await hosted.living()) == 3
    again = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    assert again.calendar_id == calendar.calendar_id
    assert await hosted.bookings() == before
    await ask(hosted.gate, hosted.owner, calendars.remove, RemoveCalendar(calendar.calendar_id, "cancel"))
    assert await hosted.living() == []


async def test_a_reading_whose_lease_has_passed_to_another_writes_nothing(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    hosted.show("flat", *THREE, stay(4, 25, 28))
    hosted.clock.advance(QUARTER)
    (late,) = await claim_some(hosted.gate, "calendars", timedelta(0), 1)
    (next_one,) = await claim_some(hosted.gate, "calendars", LoopSettings().lease, 1)
    before = await hosted.all_that_is_kept()
    await Puller(hosted.gate).process(late)
    assert await hosted.all_that_is_kept() == before
    await Puller(hosted.gate).process(next_one)
    assert len(await hosted.living()) == 4


async def test_a_wake_during_a_reading_is_not_lost(hosted: Hosted, house: spaces.Space) -> None:
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    hosted.clock.advance(QUARTER)
    (claimed,) = await claim_some(hosted.gate, "calendars", LoopSettings().lease, 1)
    await ask(hosted.gate, hosted.owner, calendars.import_now, NameCalendar(calendar.calendar_id))
    await Puller(hosted.gate).process(claimed)
    assert await hosted.next_look() == timedelta(0)


async def test_many_readers_of_many_calendars_make_each_booking_once(
    hosted: Hosted, gate: Gate, owner: Actor
) -> None:
    locks = tuple(await some_locks(gate, owner, "front"))
    house = await a_property(gate, owner, device_ids=locks)
    for number in range(4):
        flat = await ask(gate, owner, spaces.create, spaces.CreateSpace(f"Flat {number}", house.space_id))
        stays = [stay(10 * number + day, day, day + 2) for day in range(3, 23, 4)]
        url = hosted.url(f"flat{number}", "airbnb", stays)
        await ask(gate, owner, calendars.add, calendars.AddCalendar(flat.space_id, url))
    await asyncio.gather(*(hosted.read() for _ in range(6)))
    found = await hosted.bookings(most=100)
    assert len(found) == 20
    assert all([await codes_of(gate, owner, b.booking_id) for b in found])


async def test_hands_and_readings_at_once_leave_codes_equal_to_bookings(
    hosted: Hosted, gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    flats = [
        await ask(gate, owner, spaces.create, spaces.CreateSpace(f"Flat {number}", house.space_id))
        for number in range(2)
    ]
    for number, flat in enumerate(flats):
        (lock,) = await some_locks(gate, owner, f"flat {number}")
        await ask(gate, owner, spaces.add_devices, spaces.AddDevices(flat.space_id, (lock,)))
        await hosted.add(flat.space_id, f"flat{number}", "airbnb", *THREE)
    stays = await hosted.bookings()
    for turn in range(3):
        for number in range(2):
            hosted.show(f"flat{number}", *(stay(n, 5 * n + turn, 5 * n + 3 + turn) for n in (1, 2, 3)))
        hosted.clock.advance(QUARTER)
        hours = spaces.ChangeSpace(house.space_id, check_in=time(14 + turn))
        hands = [ChangeBooking(b.booking_id, ends_at=june(28, turn)) for b in stays]
        await asyncio.gather(
            *(hosted.read() for _ in range(2)),
            ask(gate, owner, spaces.change, hours),
            *(ask(gate, owner, bookings.change, hand) for hand in hands),
        )
    for booking in await hosted.bookings():
        assert await windows(hosted, booking) == {Window(booking.starts_at, booking.ends_at)}


async def test_no_part_of_an_address_but_its_host_is_shown_or_kept_in_clear(
    hosted: Hosted, house: spaces.Space
) -> None:
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    assert calendar.host == "127.0.0.1"
    command = calendars.AddCalendar(house.space_id, hosted.url("flat", "airbnb", THREE))
    assert "s3cret" not in repr((calendar, command, await hosted.all_that_is_kept()))
