"""What a booking system tells of one of its customers all at once: places, people and stays, each by its own key.

Level, not edge: told again, it is made so again. What is not told of stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from msgspec import UNSET

from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import bookings, grants, guests, requested_grants, spaces
from lockstep.operations.bookings import CancelBooking, ChangeBooking, CreateBooking
from lockstep.operations.errors import Conflict, Invalid, NotFound, Problem
from lockstep.operations.gate import Tx
from lockstep.operations.grants import ChangeGrant, CreateGrant
from lockstep.operations.guests import ChangeGuest, CreateGuest, EraseGuest
from lockstep.operations.requested_grants import RequestGrant
from lockstep.operations.spaces import ChangeSpace, CreateSpace, RemoveSpace, Space
from lockstep.storage import bookings as stored_bookings
from lockstep.storage import customers
from lockstep.storage import spaces as stored_spaces

TIME_ZONE = "UTC"
"""Of a property for which none is told."""
_GUEST = "Guest"


@dataclass(frozen=True, slots=True)
class Place:
    """A space, by the caller's key; with a parent it lies in that."""

    space_key: str
    name: str
    parent_key: str | None = None
    address: str | None = None
    time_zone: str | None = None
    check_in: time | None = None
    check_out: time | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A guest, by the caller's key."""

    guest_key: str = field(repr=False)
    name: str | None = field(repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Stay:
    """Who may enter which places when. None: as it was, and for a new one from now on, until cancelled."""

    stay_key: str
    place_keys: tuple[str, ...] = ()
    guest_key: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    wanted_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Push:
    customer_key: str
    places: tuple[Place, ...] = ()
    people: tuple[Person, ...] = ()
    stays: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True)
class Forget:
    """Keys of what is to go; of a customer everything."""

    customer_keys: tuple[str, ...] = ()
    place_keys: tuple[str, ...] = ()
    guest_keys: tuple[str, ...] = ()
    stay_keys: tuple[str, ...] = ()


async def push(tx: Tx, actor: Actor, command: Push) -> None:
    """All of it, or nothing. Raises Invalid, NotFound (a key that nothing has), Conflict (a key that is another
    customer's)."""
    require_whole_workspace(actor)
    for place in _parents_first(command.places):
        await _place(tx, actor, command.customer_key, place)
    for person in command.people:
        await _person(tx, actor, command.customer_key, person)
    for stay in command.stays:
        await _stay(tx, actor, command.customer_key, stay)


async def forget(tx: Tx, actor: Actor, command: Forget) -> None:
    """Stays are cancelled, people are erased, places are removed. Keys that nothing has are passed over, so that it can
    be asked again."""
    require_whole_workspace(actor)
    for stay_key in command.stay_keys:
        await _end_stay(tx, actor, stay_key)
    for guest_key in command.guest_keys:
        guest_id = await customers.guest_of_key(tx.db, tx.workspace_id, guest_key)
        if guest_id is not None:
            await guests.erase(tx, actor, EraseGuest(guest_id))
    for place_key in command.place_keys:
        row = await stored_spaces.by_key(tx.db, tx.workspace_id, place_key)
        if row is not None:
            await spaces.remove(tx, actor, RemoveSpace(row.public_id))
    for customer_key in command.customer_keys:
        await _forget_customer(tx, actor, customer_key)


async def _forget_customer(tx: Tx, actor: Actor, customer_key: str) -> None:
    require(actor, Scope.BOOKINGS_WRITE)
    theirs = await customers.belongings(tx.db, tx.workspace_id, customer_key)
    for booking_id in theirs.bookings:
        await _cancel_booking(tx, actor, booking_id)
    for grant_id in theirs.grants:
        await grants.cancel(tx, actor, grant_id)
    for guest_id in theirs.guests:
        await guests.erase(tx, actor, EraseGuest(guest_id))
    for space_id in theirs.spaces:
        await spaces.remove(tx, actor, RemoveSpace(space_id))


def _parents_first(places: Sequence[Place]) -> list[Place]:
    """Raises Invalid where places lie in each other in a circle."""
    left, found = {p.space_key: p for p in places}, list[Place]()
    while left:
        ready = [p for p in left.values() if p.parent_key not in left or p.parent_key == p.space_key]
        if not ready:
            raise Invalid("These places lie in each other in a circle.", field="parent_site_key")
        found += ready
        left = {key: p for key, p in left.items() if p not in ready}
    return found


async def _place(tx: Tx, actor: Actor, customer_key: str, place: Place) -> None:
    row = await stored_spaces.by_key(tx.db, tx.workspace_id, place.space_key)
    if row is not None:
        await _require_own(tx, "spaces", row.public_id, customer_key, place.space_key)
        is_top = row.parent_id is None
        change = ChangeSpace(
            row.public_id,
            place.name,
            (place.address or UNSET) if is_top else UNSET,
            (place.time_zone or UNSET) if is_top else UNSET,
            (place.check_in or UNSET) if is_top else UNSET,
            (place.check_out or UNSET) if is_top else UNSET,
            customer_key=customer_key,
        )
        await spaces.change(tx, actor, change)
        return
    parent = None if place.parent_key is None else await spaces.of_key(tx, actor, place.parent_key)
    await spaces.create(tx, actor, _new_place(place, parent, customer_key))


def _new_place(place: Place, parent: Space | None, customer_key: str) -> CreateSpace:
    if parent is not None:
        return CreateSpace(place.name, parent.space_id, place.space_key, customer_key=customer_key)
    return CreateSpace(
        place.name,
        None,
        place.space_key,
        place.address,
        place.time_zone or TIME_ZONE,
        place.check_in,
        place.check_out,
        customer_key=customer_key,
    )


async def _person(tx: Tx, actor: Actor, customer_key: str, person: Person) -> None:
    guest_id = await customers.guest_of_key(tx.db, tx.workspace_id, person.guest_key)
    if guest_id is None:
        new = CreateGuest(person.name, person.email, person.phone, guest_key=person.guest_key)
        guest_id = (await guests.create(tx, actor, new)).guest_id
    else:
        await _require_own(tx, "guests", guest_id, customer_key, person.guest_key)
        change = ChangeGuest(guest_id, person.name or UNSET, person.email or UNSET, person.phone or UNSET)
        await guests.change(tx, actor, change)
    await customers.give(tx.db, tx.workspace_id, "guests", guest_id, customer_key)


async def _stay(tx: Tx, actor: Actor, customer_key: str, stay: Stay) -> None:
    guest_id = None
    if stay.guest_key is not None:
        guest_id = await customers.guest_of_key(tx.db, tx.workspace_id, stay.guest_key)
        if guest_id is None:
            raise NotFound("guest", stay.guest_key, next_step="Tell of the person too, in the same request.")
    booking = await stored_bookings.by_key(tx.db, tx.workspace_id, stay.stay_key)
    grant_id = await customers.grant_of_key(tx.db, tx.workspace_id, stay.stay_key)
    if booking is not None and booking.state != "cancelled":
        await _require_own(tx, "bookings", booking.public_id, customer_key, stay.stay_key)
        moved = ChangeBooking(
            booking.public_id, starts_at=stay.starts_at, ends_at=stay.ends_at, guest_id=guest_id
        )
        await bookings.change(tx, actor, moved)
    elif grant_id is not None:
        await _require_own(tx, "grants", grant_id, customer_key, stay.stay_key)
        await grants.change(tx, actor, grant_id, ChangeGrant(stay.name, stay.starts_at, stay.ends_at))
    elif stay.ends_at is None or stay.ends_at > tx.now:
        await _new_stay(tx, actor, customer_key, stay, guest_id)


async def _new_stay(tx: Tx, actor: Actor, customer_key: str, stay: Stay, guest_id: str | None) -> None:
    """One place for a time is a booking; several places, or no end, a grant."""
    places = [(await spaces.of_key(tx, actor, key)).space_id for key in dict.fromkeys(stay.place_keys)]
    if len(places) == 1 and stay.starts_at is not None and stay.ends_at is not None:
        new = CreateBooking(
            places[0],
            starts_at=stay.starts_at,
            ends_at=stay.ends_at,
            guest_id=guest_id,
            guest=None if guest_id or not stay.name else CreateGuest(stay.name),
            booking_key=stay.stay_key,
        )
        booking = await bookings.create(tx, actor, new)
        await customers.give(tx.db, tx.workspace_id, "bookings", booking.booking_id, customer_key)
        await _wish(tx, actor, booking.booking_id, stay.wanted_code)
        return
    grant = CreateGrant(
        stay.name or _GUEST,
        stay.starts_at or tx.now,
        stay.ends_at,
        tuple(places),
        guest_id=guest_id,
        grant_key=stay.stay_key,
        wanted_code=stay.wanted_code,
    )
    asked = RequestGrant(grant, reservation_key=stay.stay_key, customer_key=customer_key)
    await requested_grants.create(tx, actor, asked)


async def _wish(tx: Tx, actor: Actor, booking_id: str, wanted_code: str | None) -> None:
    """The digits that were wished for, where they can be had; else the booking keeps those that it got."""
    if wanted_code is None:
        return
    grant = await grants.of_booking(tx, actor, booking_id)
    if grant is None:
        return
    try:
        async with tx.db.transaction():
            await grants.change(tx, actor, grant.row.public_id, ChangeGrant(code=wanted_code))
    except Problem:
        return


async def _end_stay(tx: Tx, actor: Actor, stay_key: str) -> None:
    booking = await stored_bookings.by_key(tx.db, tx.workspace_id, stay_key)
    if booking is not None and booking.state != "cancelled":
        await _cancel_booking(tx, actor, booking.public_id)
    grant_id = await customers.grant_of_key(tx.db, tx.workspace_id, stay_key)
    if grant_id is not None:
        await grants.cancel(tx, actor, grant_id)


async def _cancel_booking(tx: Tx, actor: Actor, booking_id: str) -> None:
    """One that is over stays as it was: nothing of it is left to take back."""
    booking = await bookings.known_booking(tx, actor, booking_id)
    if booking.ends_at > tx.now:
        await bookings.cancel(tx, actor, CancelBooking(booking_id))


async def _require_own(tx: Tx, table: str, public_id: str, customer_key: str, own_key: str) -> None:
    """Raises Conflict where it is another customer's."""
    owner = await customers.owner_of(tx.db, tx.workspace_id, table, public_id)
    if owner not in (None, customer_key):
        raise Conflict(
            f"The key {own_key} belongs to another customer of this workspace.",
            code="key_of_another_customer",
            next_step="Give each thing a key that no other customer's thing has.",
        )
    if owner is None:
        await customers.give(tx.db, tx.workspace_id, table, public_id, customer_key)
