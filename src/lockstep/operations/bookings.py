"""What may be asked of bookings: stays, entered by hand or read from a feed, each with its window.

A booking from a feed may be changed by hand; its own window then holds until the feed tells other dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.obstacles import Beside, obstacles_of
from lockstep.model.permissions import Actor, Scope, require, require_property
from lockstep.model.stay_window import HouseTimes
from lockstep.operations import declaring
from lockstep.operations import events as recorded
from lockstep.operations.booking_window import StayWindow, field_to_correct, window_said
from lockstep.operations.errors import CONNECT_AGAIN, Conflict, Invalid, NotFound
from lockstep.operations.failures import Failed, failed
from lockstep.operations.gate import Tx
from lockstep.operations.guests import CreateGuest, enter_guest, known_guest, refuse_erased
from lockstep.operations.spaces import house_of, known_space
from lockstep.operations.words import words_or_none
from lockstep.storage import bookings, spaces
from lockstep.storage.bookings import BookingFilter, BookingRow, BookingState
from lockstep.storage.guests import GuestRow
from lockstep.storage.spaces import DoorInBrief


@dataclass(frozen=True, slots=True)
class BookingWarning:
    """`code` for programs, such as `no_lock` or `account_disconnected`; `what` and `next_step` for people."""

    code: str
    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as the ways in show it. What is personal is None for whoever may not read guests."""

    booking_id: str
    booking_key: str | None
    property_id: str
    space_id: str
    guest_id: str | None
    calendar_id: str | None
    """The feed that it was read from; None: entered by hand."""
    state: BookingState
    arrives: date
    """Dates at the property, of the window as it is."""
    departs: date
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    guest_name: str | None = field(repr=False)
    reservation_code: str | None = field(repr=False)
    is_changed_by_hand: bool
    """Its window is not the feed's."""
    missing_since: datetime | None
    """Since when its feed lacks it; a feed is believed only after several readings."""
    created_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None
    cancelled_by: str | None
    """`feed` or `hand`."""
    warnings: tuple[BookingWarning, ...]
    """Why doors that it should open, or all of them, stay closed to it although nothing was refused."""
    held: Failed | None
    """Why it does not open its doors as it says, such as for want of free digits; tried again by itself."""


@dataclass(frozen=True, slots=True)
class CreateBooking:
    """From `arrives` (check-in on that day) or `starts_at`, to `departs` (check-out) or `ends_at`: one of each."""

    space_id: str
    arrives: date | None = None
    starts_at: datetime | None = None
    departs: date | None = None
    ends_at: datetime | None = None
    guest_id: str | None = None
    guest: CreateGuest | None = field(default=None, repr=False)
    """A guest to enter with it, instead of one that is known."""
    booking_key: str | None = None
    reservation_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeBooking:
    """What is left out stays; a new end alone extends or shortens the stay."""

    booking_id: str
    arrives: date | None = None
    starts_at: datetime | None = None
    departs: date | None = None
    ends_at: datetime | None = None
    guest_id: str | None = None
    guest: CreateGuest | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CancelBooking:
    booking_id: str


@dataclass(frozen=True, slots=True)
class ConfirmBooking:
    """An entry that awaits an operator is a stay."""

    booking_id: str


@dataclass(frozen=True, slots=True)
class GetBooking:
    booking_id: str


@dataclass(frozen=True, slots=True)
class ListBookings:
    """In the order of starts, behind the start and the id in `after`."""

    most: int = 50
    after: tuple[datetime, str] | None = None
    space_id: str | None = None
    """A space with all that lies in it."""
    guest_id: str | None = None
    state: BookingState | None = None
    since: datetime | None = None
    """Only those that end after it."""
    until: datetime | None = None
    """Only those that start before it."""
    is_held: bool = False
    """Only those that cannot be declared as they are."""


async def create(tx: Tx, actor: Actor, command: CreateBooking) -> Booking:
    """Raises Invalid, NotFound (space, guest), Conflict where the key is in use."""
    require(actor, Scope.BOOKINGS_WRITE)
    space = await known_space(tx, actor, command.space_id)
    house = house_of(await spaces.property_of(tx.db, tx.workspace_id, space.id))
    window = window_said(command, house)
    _refuse_over(window.ends_at, tx.now, field_to_correct(command))
    guest = await _guest(tx, actor, command.guest_id, command.guest)
    id = new_id()
    row = BookingRow(
        id,
        public_id("booking", id),
        words_or_none(command.booking_key, "booking_key"),
        space.id,
        guest.id if guest else None,
        calendar_id=None,
        uid=None,
        instance=None,
        kind="stay",
        state="confirmed",
        arrives=command.arrives,
        departs=command.departs,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        reservation_code=words_or_none(command.reservation_code, "reservation_code"),
        phone_last4=_phone_last4(guest),
        said=None,
        created_at=tx.now,
        changed_at=tx.now,
    )
    if not await bookings.insert(tx.db, tx.workspace_id, row):
        raise Conflict(
            f"A booking has the key {command.booking_key} already.",
            code="booking_key_taken",
            next_step="Change that booking, or choose another key.",
        )
    await recorded.append(tx, actor, events.BookingCreated(booking_id=row.public_id))
    await declaring.declare_booking(tx, actor, row.id)
    return await _shown(tx, actor, row.public_id)


async def change(tx: Tx, actor: Actor, command: ChangeBooking) -> Booking:
    """Raises Invalid, NotFound, Conflict where it is cancelled."""
    require(actor, Scope.BOOKINGS_WRITE)
    before = await known_booking(tx, actor, command.booking_id, locked=True)
    _refuse_cancelled(before)
    house = house_of(await spaces.property_of(tx.db, tx.workspace_id, before.space_id))
    guest = await _guest(tx, actor, command.guest_id, command.guest)
    after = _moved(before, command, house)
    if (after.starts_at, after.ends_at) != (before.starts_at, before.ends_at):
        _refuse_over(max(before.ends_at, after.ends_at), tx.now, field_to_correct(command))
    if guest is not None:
        after = replace(after, guest_id=guest.id, phone_last4=_phone_last4(guest) or before.phone_last4)
    if after != before:
        await bookings.change(tx.db, tx.workspace_id, replace(after, changed_at=tx.now))
        await recorded.append(tx, actor, _changed(after))
        await declaring.declare_booking(tx, actor, after.id)
    return await _shown(tx, actor, command.booking_id)


async def cancel(tx: Tx, actor: Actor, command: CancelBooking) -> Booking:
    """Its codes are withdrawn at once, and its feed does not bring it back. Raises NotFound."""
    require(actor, Scope.BOOKINGS_WRITE)
    booking = await known_booking(tx, actor, command.booking_id, locked=True)
    if booking.state != "cancelled":
        _refuse_over(booking.ends_at, tx.now)
        cancelled = replace(
            booking, state="cancelled", cancelled_at=tx.now, cancelled_by="hand", changed_at=tx.now
        )
        await bookings.change(tx.db, tx.workspace_id, cancelled)
        await recorded.append(
            tx,
            actor,
            events.BookingCancelled(booking_id=booking.public_id, calendar_id=booking.calendar_public_id),
        )
        await declaring.declare_booking(tx, actor, booking.id)
    return await _shown(tx, actor, command.booking_id)


async def confirm(tx: Tx, actor: Actor, command: ConfirmBooking) -> Booking:
    """From now on it opens its doors. Raises NotFound, Conflict where it is cancelled or over."""
    require(actor, Scope.BOOKINGS_WRITE)
    booking = await known_booking(tx, actor, command.booking_id, locked=True)
    _refuse_cancelled(booking)
    if booking.state == "awaiting":
        _refuse_over(booking.ends_at, tx.now)
        confirmed = replace(booking, state="confirmed", kind="stay", changed_at=tx.now)
        await bookings.change(tx.db, tx.workspace_id, confirmed)
        await recorded.append(tx, actor, _changed(confirmed))
        await declaring.declare_booking(tx, actor, booking.id)
    return await _shown(tx, actor, command.booking_id)


async def get(tx: Tx, actor: Actor, command: GetBooking) -> Booking:
    """Raises NotFound."""
    require(actor, Scope.BOOKINGS_READ)
    return await _shown(tx, actor, command.booking_id)


async def listed(tx: Tx, actor: Actor, command: ListBookings) -> tuple[Booking, ...]:
    """Raises NotFound where the space or the guest is not there."""
    require(actor, Scope.BOOKINGS_READ)
    space = await known_space(tx, actor, command.space_id) if command.space_id else None
    within = await spaces.within(tx.db, tx.workspace_id, space.id) if space else None
    guest = await known_guest(tx, actor, command.guest_id) if command.guest_id else None
    wanted = BookingFilter(
        space_ids=None if within is None else tuple(within),
        property_ids=None if actor.property_ids is None else tuple(actor.property_ids),
        guest_id=guest.id if guest else None,
        state=command.state,
        since=command.since,
        until=command.until,
        is_held=command.is_held,
    )
    rows = await bookings.listed(tx.db, tx.workspace_id, wanted, command.after, command.most)
    return await _views(tx, actor, rows)


async def known_booking(tx: Tx, actor: Actor, booking_id: str, *, locked: bool = False) -> BookingRow:
    """For other operations. Raises NotFound, NotAllowed where the actor is confined to other properties."""
    row = await bookings.by_public_id(tx.db, tx.workspace_id, booking_id, locked=locked)
    if row is None:
        raise NotFound("booking", booking_id)
    assert row.property_id is not None
    require_property(actor, row.property_id)
    return row


def _moved(before: BookingRow, command: ChangeBooking, house: HouseTimes) -> BookingRow:
    window = window_said(command, house, StayWindow(before.starts_at, before.ends_at))
    after = replace(before, starts_at=window.starts_at, ends_at=window.ends_at)
    if before.said is not None:
        return after
    # The dates that were told by hand; those of a feed stay the feed's.
    if command.arrives or command.starts_at:
        after = replace(after, arrives=command.arrives)
    if command.departs or command.ends_at:
        after = replace(after, departs=command.departs)
    return after


def _refuse_over(ends_at: datetime, now: datetime, field: str | None = None) -> None:
    if ends_at <= now:
        raise Invalid(
            "The stay is over.",
            code="window_ended",
            next_step="Give an end that lies ahead.",
            field=field,
        )


def _refuse_cancelled(booking: BookingRow) -> None:
    if booking.state == "cancelled":
        raise Conflict(
            f"The booking {booking.public_id} is cancelled.",
            code="booking_cancelled",
            next_step="Enter the stay as a new booking; it gets a code of its own.",
        )


async def _guest(tx: Tx, actor: Actor, guest_id: str | None, new: CreateGuest | None) -> GuestRow | None:
    if guest_id is not None and new is not None:
        raise Invalid(
            "A booking has one guest, and two are named.",
            code="guest_said_twice",
            next_step="Give guest_id or guest.",
            field="guest",
        )
    if new is not None:
        require(actor, Scope.GUESTS_WRITE)
        return await enter_guest(tx, actor, new)
    if guest_id is None:
        return None
    known = await known_guest(tx, actor, guest_id)
    refuse_erased(known)
    return known


def _phone_last4(guest: GuestRow | None) -> str | None:
    return guest.phone[-4:] if guest and guest.phone else None


def _changed(row: BookingRow) -> events.BookingChanged:
    return events.BookingChanged(booking_id=row.public_id, calendar_id=row.calendar_public_id)


async def _shown(tx: Tx, actor: Actor, booking_id: str) -> Booking:
    (shown,) = await _views(tx, actor, [await known_booking(tx, actor, booking_id)])
    return shown


async def _views(tx: Tx, actor: Actor, rows: Sequence[BookingRow]) -> tuple[Booking, ...]:
    """With one statement more for all of them together, for the doors of those that are to open some."""
    opening = {r.space_id for r in rows if r.state == "confirmed" and r.ends_at > tx.now}
    doors = await spaces.doors_in_brief(tx.db, tx.workspace_id, sorted(opening)) if opening else {}
    return tuple(_view(r, actor, _warnings(doors[r.space_id]) if r.space_id in opening else ()) for r in rows)


def _warnings(doors: Sequence[DoorInBrief]) -> tuple[BookingWarning, ...]:
    told = obstacles_of(
        [Beside(d.name, d.account, d.account_state, d.takes_codes) for d in doors], CONNECT_AGAIN
    )
    return tuple(
        BookingWarning(o.code, f"{name}: {o.cause}" if name else o.cause, o.next_step) for name, o in told
    )


def _view(row: BookingRow, actor: Actor, warnings: tuple[BookingWarning, ...]) -> Booking:
    house = HouseTimes(row.time_zone or "UTC")
    is_personal_shown = actor.may(Scope.GUESTS_READ)
    said = row.said.window if row.said else None
    return Booking(
        row.public_id,
        row.booking_key,
        row.property_public_id or "",
        row.space_public_id or "",
        row.guest_public_id,
        row.calendar_public_id,
        row.state,
        house.date_of(row.starts_at),
        house.date_of(row.ends_at),
        row.starts_at,
        row.ends_at,
        house.time_zone,
        row.guest_name if is_personal_shown else None,
        row.reservation_code if is_personal_shown else None,
        said is not None and (said.starts_at, said.ends_at) != (row.starts_at, row.ends_at),
        row.missed_since,
        row.created_at,
        row.changed_at,
        row.cancelled_at,
        row.cancelled_by,
        warnings,
        failed(row.held),
    )
