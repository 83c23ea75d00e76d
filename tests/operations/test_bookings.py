"""Bookings by hand: windows from dates or instants, edits that reach the lock, and what is refused."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.operations.places import a_property, a_stay, ask, codes_of, june, opens, some_locks, told

from lockstep.emulation.clock import VirtualClock
from lockstep.model.capabilities import Capabilities
from lockstep.model.permissions import Actor, NotAllowed, Scope
from lockstep.model.window import Window
from lockstep.operations import bookings, grants, spaces
from lockstep.operations.bookings import (
    Booking,
    CancelBooking,
    ChangeBooking,
    ConfirmBooking,
    CreateBooking,
    GetBooking,
    ListBookings,
)
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate
from lockstep.operations.grants import ListGrants
from lockstep.operations.guests import CreateGuest


@pytest.fixture
async def house(gate: Gate, owner: Actor) -> spaces.Space:
    return await a_property(gate, owner, device_ids=tuple(await some_locks(gate, owner, "front")))


async def window_on_lock(gate: Gate, owner: Actor, booking: Booking) -> Window:
    (code,) = await codes_of(gate, owner, booking.booking_id)
    return code.entry.declared.spec.window


async def test_a_stay_told_in_dates_opens_from_check_in_to_check_out(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    assert (stay.starts_at, stay.ends_at) == (june(5, 14), june(8, 10))
    assert (stay.arrives, stay.departs, stay.state) == (date(2026, 6, 5), date(2026, 6, 8), "confirmed")
    assert await window_on_lock(gate, owner, stay) == Window(june(5, 14), june(8, 10))
    assert await told(gate, owner) == [
        "workspace.created",
        "property.created",
        "property.changed",
        "booking.created",
        "access_grant.created",
        "access_code.created",
    ]


@pytest.mark.parametrize(
    ("zone", "arrives", "departs", "starts_at", "ends_at"),
    [
        ("Pacific/Apia", "2026-06-05", "2026-06-08", "2026-06-05T02Z", "2026-06-07T22Z"),
        ("Pacific/Pago_Pago", "2026-06-05", "2026-06-08", "2026-06-06T02Z", "2026-06-08T22Z"),
        ("Europe/Berlin", "2026-10-24", "2026-10-26", "2026-10-24T13Z", "2026-10-26T10Z"),
        ("America/New_York", "2027-03-13", "2027-03-15", "2027-03-13T20Z", "2027-03-15T15Z"),
    ],
    ids=["+13", "-11", "clocks-back", "clocks-forward"],
)
async def test_dates_are_those_of_the_property(
    gate: Gate, owner: Actor, zone: str, arrives: str, departs: str, starts_at: str, ends_at: str
) -> None:
    house = await a_property(gate, owner, time_zone=zone)
    dates = date.fromisoformat(arrives), date.fromisoformat(departs)
    command = CreateBooking(house.space_id, arrives=dates[0], departs=dates[1])
    stay = await ask(gate, owner, bookings.create, command)
    assert stay.starts_at == datetime.fromisoformat(starts_at)
    assert stay.ends_at == datetime.fromisoformat(ends_at)


TIMES: dict[str, Any] = {"arrives": date(2026, 6, 5), "departs": date(2026, 6, 8)}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"departs": date(2026, 6, 5)}, "window_empty"),
        ({"departs": date(2026, 6, 4)}, "window_empty"),
        ({"departs": None}, "window_incomplete"),
        ({"arrives": None}, "window_incomplete"),
        ({"starts_at": june(5, 15)}, "window_said_twice"),
        ({"departs": None, "ends_at": datetime(2026, 6, 8)}, "instant_naive"),  # noqa: DTZ001
        ({"departs": date(9999, 12, 31)}, "date_out_of_range"),
        ({"arrives": date(2020, 1, 1), "departs": date(2020, 1, 3)}, "window_ended"),
        ({"booking_key": "a\tb\x00"}, "text_unreadable"),
    ],
)
async def test_a_stay_that_cannot_be_is_refused_and_nothing_is_half_written(
    gate: Gate, owner: Actor, house: spaces.Space, said: dict[str, Any], code: str
) -> None:
    before = await told(gate, owner)
    command = CreateBooking(house.space_id, guest=CreateGuest("Ana"), **{**TIMES, **said})
    with pytest.raises(Invalid) as refused:
        await ask(gate, owner, bookings.create, command)
    assert refused.value.code == code
    assert await ask(gate, owner, bookings.listed, ListBookings()) == ()
    assert await told(gate, owner) == before


async def test_a_key_names_one_booking_and_a_second_replaces_nothing(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    first = await a_stay(gate, owner, house.space_id, 5, 8, booking_key="b-1")
    with pytest.raises(Conflict) as refused:
        await a_stay(gate, owner, house.space_id, 15, 18, booking_key="b-1", guest=CreateGuest("Eve"))
    assert refused.value.code == "booking_key_taken"
    assert await ask(gate, owner, bookings.listed, ListBookings()) == (first,)


async def test_an_extension_moves_the_end_and_keeps_the_digits(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    (before,) = await codes_of(gate, owner, stay.booking_id)
    longer = await ask(gate, owner, bookings.change, ChangeBooking(stay.booking_id, departs=date(2026, 6, 9)))
    assert (longer.starts_at, longer.ends_at) == (june(5, 14), june(9, 10))
    (after,) = await codes_of(gate, owner, stay.booking_id)
    assert after.entry.declared.spec.window == Window(june(5, 14), june(9, 10))
    assert after.entry.declared.spec.fingerprint == before.entry.declared.spec.fingerprint
    assert after.public_id == before.public_id


async def test_a_late_check_out_is_an_instant(gate: Gate, owner: Actor, house: spaces.Space) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    later = await ask(gate, owner, bookings.change, ChangeBooking(stay.booking_id, ends_at=june(8, 13)))
    assert (later.ends_at, later.departs) == (june(8, 13), date(2026, 6, 8))
    assert (await window_on_lock(gate, owner, stay)).ends_at == june(8, 13)


async def test_a_change_that_changes_nothing_writes_nothing(
    gate: Gate, owner: Actor, house: spaces.Space, clock: VirtualClock
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    before = await told(gate, owner)
    clock.advance(timedelta(minutes=5))
    same = ChangeBooking(stay.booking_id, arrives=date(2026, 6, 5), departs=date(2026, 6, 8))
    assert await ask(gate, owner, bookings.change, same) == stay
    assert await told(gate, owner) == before


async def test_a_cancelled_booking_opens_nothing_and_is_cancelled_once(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    cancelled = await ask(gate, owner, bookings.cancel, CancelBooking(stay.booking_id))
    assert (cancelled.state, cancelled.cancelled_by) == ("cancelled", "hand")
    assert await opens(gate, owner, stay.booking_id) == set()
    before = await told(gate, owner)
    assert await ask(gate, owner, bookings.cancel, CancelBooking(stay.booking_id)) == cancelled
    assert await told(gate, owner) == before
    with pytest.raises(Conflict) as refused:
        await ask(gate, owner, bookings.change, ChangeBooking(stay.booking_id, departs=date(2026, 6, 9)))
    assert refused.value.code == "booking_cancelled"


async def test_a_stay_that_is_over_is_neither_cancelled_nor_moved_within_the_past(
    gate: Gate, owner: Actor, house: spaces.Space, clock: VirtualClock
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    clock.set(june(10))
    for operation, command in (
        (bookings.cancel, CancelBooking(stay.booking_id)),
        (bookings.change, ChangeBooking(stay.booking_id, departs=date(2026, 6, 9))),
    ):
        with pytest.raises(Invalid) as refused:
            await ask(gate, owner, operation, command)  # type: ignore[arg-type]
        assert refused.value.code == "window_ended"
    later = await ask(gate, owner, bookings.change, ChangeBooking(stay.booking_id, departs=date(2026, 6, 12)))
    assert later.ends_at == june(12, 10)


@pytest.mark.parametrize(
    ("lengths", "warning"), [({4, 6}, None), ({6}, "phone_digits_not_possible")], ids=["takes four", "six"]
)
async def test_the_phones_last_four_digits_are_a_wish_and_a_warning_where_the_lock_does_not_take_them(
    gate: Gate, owner: Actor, lengths: set[int], warning: str | None
) -> None:
    capabilities = Capabilities(code_lengths=frozenset(lengths))
    locks = await some_locks(gate, owner, "front", capabilities=capabilities)
    house = await a_property(gate, owner, device_ids=tuple(locks))
    guest = CreateGuest("Ana", phone="+351912345678")
    stay = await a_stay(gate, owner, house.space_id, 5, 8, guest=guest)
    (grant,) = await ask(gate, owner, grants.listed, ListGrants(booking_id=stay.booking_id))
    assert grant.access_method is not None
    assert grant.access_method.warning == warning
    code = grant.access_method.code or ""
    assert len(code) == 6 if warning else code == "5678"


async def test_a_guest_can_come_later_and_their_name_goes_to_the_lock(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    guest = CreateGuest("Ana", phone="+351912345678")
    (before,) = await codes_of(gate, owner, stay.booking_id)
    named = await ask(gate, owner, bookings.change, ChangeBooking(stay.booking_id, guest=guest))
    assert named.guest_name == "Ana"
    (code,) = await codes_of(gate, owner, stay.booking_id)
    assert code.entry.declared.spec.name.startswith("Ana ")
    assert code.entry.declared.spec.fingerprint == before.entry.declared.spec.fingerprint


async def test_a_booking_names_one_guest(gate: Gate, owner: Actor, house: spaces.Space) -> None:
    with pytest.raises(Invalid) as refused:
        await a_stay(gate, owner, house.space_id, 5, 8, guest=CreateGuest("Ana"), guest_id="guest_x")
    assert refused.value.code == "guest_said_twice"
    with pytest.raises(NotFound):
        await a_stay(gate, owner, house.space_id, 5, 8, guest_id="guest_x")


async def test_confirming_what_is_confirmed_changes_nothing(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    assert await ask(gate, owner, bookings.confirm, ConfirmBooking(stay.booking_id)) == stay


async def test_bookings_are_listed_by_arrival_and_filtered(
    gate: Gate, owner: Actor, house: spaces.Space
) -> None:
    flat = await ask(gate, owner, spaces.create, spaces.CreateSpace("Flat", house.space_id))
    other = await a_property(gate, owner, "Other")
    late = await a_stay(gate, owner, house.space_id, 20, 25)
    soon = await a_stay(gate, owner, flat.space_id, 5, 8)
    there = await a_stay(gate, owner, other.space_id, 10, 12)

    async def found(**fields: Any) -> list[Booking]:
        return list(await ask(gate, owner, bookings.listed, ListBookings(**fields)))

    assert await found() == [soon, there, late]
    assert await found(most=1) == [soon]
    assert await found(after=(soon.starts_at, soon.booking_id)) == [there, late]
    assert await found(space_id=house.space_id) == [soon, late]
    assert await found(space_id=flat.space_id) == [soon]
    assert await found(since=june(8, 10), until=june(20)) == [there]
    await ask(gate, owner, bookings.cancel, CancelBooking(there.booking_id))
    assert [b.booking_id for b in await found(state="cancelled")] == [there.booking_id]
    assert await found(state="confirmed") == [soon, late]


async def test_who_may_not_read_guests_sees_no_names(gate: Gate, owner: Actor, house: spaces.Space) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8, guest=CreateGuest("Ana"), reservation_code="HMX")
    assert (stay.guest_name, stay.reservation_code) == ("Ana", "HMX")
    cleaner = replace(owner, scopes=frozenset({Scope.BOOKINGS_READ}))
    seen = await ask(gate, cleaner, bookings.get, GetBooking(stay.booking_id))
    assert (seen.guest_name, seen.reservation_code) == (None, None)
    with pytest.raises(NotAllowed):
        await ask(gate, cleaner, bookings.cancel, CancelBooking(stay.booking_id))


async def test_another_workspace_cannot_touch_it(
    gate: Gate, owner: Actor, neighbour: Actor, house: spaces.Space
) -> None:
    stay = await a_stay(gate, owner, house.space_id, 5, 8)
    with pytest.raises(NotFound):
        await ask(gate, neighbour, bookings.cancel, CancelBooking(stay.booking_id))
    assert await ask(gate, neighbour, bookings.listed, ListBookings()) == ()


async def test_what_identifies_a_guest_is_in_no_repr(gate: Gate, owner: Actor, house: spaces.Space) -> None:
    command = CreateBooking(
        house.space_id,
        **TIMES,
        guest=CreateGuest("Ana Lima", phone="+351912345678"),
        reservation_code="HMSECRET",
    )
    stay = await ask(gate, owner, bookings.create, command)
    shown = repr((command, stay))
    assert not any(secret in shown for secret in ("Ana", "5678", "HMSECRET"))
