"""/v1/bookings: stays, entered by hand or read from calendars."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import Day, Instant, PathId, PublicId, QueryId, Sent, Text
from lockstep.http.api.guests import GuestCreation
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import bookings
from lockstep.operations.bookings import (
    Booking,
    CancelBooking,
    ChangeBooking,
    ConfirmBooking,
    CreateBooking,
    GetBooking,
    ListBookings,
)

router = Router(prefix="/v1/bookings", tags=["Bookings"])


class BookingChange(Sent):
    """What is left out stays: a new `departs` or `ends_at` alone extends or shortens the stay.

    A start is `arrives` (a day at the property, from check-in) or `starts_at`; an end is `departs` (until check-out)
    or `ends_at`.
    """

    arrives: Day | None = None
    starts_at: Instant | None = None
    departs: Annotated[Day | None, Field(examples=["2026-06-05"])] = None
    ends_at: Annotated[Instant | None, Field(examples=["2026-06-05T11:00:00Z"])] = None
    guest_id: PublicId | None = None
    guest: GuestCreation | None = None
    """A guest to enter with it, instead of one that is known."""


class BookingCreation(BookingChange):
    """A start is `arrives` (a day at the property, from check-in) or `starts_at`; an end is `departs` (until check-out)
    or `ends_at`."""

    space_id: PublicId
    booking_key: Annotated[Text | None, Field(examples=["pms-2026-0142"])] = None
    """Your own id for it."""
    reservation_code: Annotated[Text | None, Field(examples=["HMABCDEF12"])] = None


@router.get("", response_model=Page[Booking])
async def list_bookings(
    call: Asked,
    limit: Limit = 50,
    cursor: Cursor = None,
    space_id: QueryId = None,
    guest_id: QueryId = None,
    state: Annotated[Literal["confirmed", "awaiting", "cancelled"] | None, Query()] = None,
    since: Annotated[Instant | None, Query(description="Only those that end after it.")] = None,
    until: Annotated[Instant | None, Query(description="Only those that start before it.")] = None,
) -> Response:
    """List bookings in the order of their starts; of a space with all that lies in it."""
    of = f"bookings {space_id} {guest_id} {state} {since} {until}"
    place = call.place(of, cursor)
    after = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    command = ListBookings(limit + 1, after, space_id, guest_id, state, since, until)
    found = await call.read(lambda tx: bookings.listed(tx, call.actor, command))
    return call.page(of, found, limit, lambda booking: (booking.starts_at, booking.booking_id))


@router.post("", response_model=Booking, status_code=201)
async def create_booking(call: Asked, body: BookingCreation) -> Response:
    """Enter a stay. Its guest gets a code for every door of the space, from start to end."""
    command = CreateBooking(
        body.space_id,
        body.arrives,
        body.starts_at,
        body.departs,
        body.ends_at,
        body.guest_id,
        body.guest.command() if body.guest else None,
        body.booking_key,
        body.reservation_code,
    )
    return await call.change(lambda tx: bookings.create(tx, call.actor, command), lambda b: b, status=201)


@router.get("/{booking_id}", response_model=Booking)
async def get_booking(call: Asked, booking_id: PathId) -> Response:
    """Show one booking. Its access grant is found by `GET /v1/access_grants?booking_id=`."""
    return answer(await call.read(lambda tx: bookings.get(tx, call.actor, GetBooking(booking_id))))


@router.patch("/{booking_id}", response_model=Booking)
async def change_booking(call: Asked, booking_id: PathId, body: BookingChange) -> Response:
    """Move, extend or shorten a stay, or name its guest. Its code keeps its digits."""
    command = ChangeBooking(
        booking_id,
        body.arrives,
        body.starts_at,
        body.departs,
        body.ends_at,
        body.guest_id,
        body.guest.command() if body.guest else None,
    )
    return await call.change(lambda tx: bookings.change(tx, call.actor, command), lambda b: b)


@router.post("/{booking_id}/cancel", response_model=Booking)
async def cancel_booking(call: Asked, booking_id: PathId) -> Response:
    """Cancel a stay: its codes are withdrawn at once, and its calendar does not bring it back."""
    return await call.change(
        lambda tx: bookings.cancel(tx, call.actor, CancelBooking(booking_id)), lambda b: b
    )


@router.post("/{booking_id}/confirm", response_model=Booking)
async def confirm_booking(call: Asked, booking_id: PathId) -> Response:
    """Say that a calendar's entry that is `awaiting` is a stay: it gets its code."""
    return await call.change(
        lambda tx: bookings.confirm(tx, call.actor, ConfirmBooking(booking_id)), lambda b: b
    )
