"""What may be asked of guests: who is let in, and that they be forgotten."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime

import phonenumbers
from msgspec import UNSET, UnsetType

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import declaring
from lockstep.operations import events as recorded
from lockstep.operations.chosen_digits import Wish
from lockstep.operations.devices import known_device
from lockstep.operations.errors import Conflict, Invalid, NotAllowed, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.held_bookings import declare_or_hold
from lockstep.operations.words import told, words_or_none
from lockstep.storage import bookings, grants, guest_devices, guests
from lockstep.storage.guests import GuestRow

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# BCP 47, as far as languages of guests go: pt, pt-BR, zh-Hant-TW.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest as the ways in show one. All but the ids is None once erased."""

    guest_id: str
    guest_key: str | None = field(repr=False)
    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    """E.164, such as +351912345678."""
    language: str | None
    created_at: datetime
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreateGuest:
    """Nothing has to be known of a guest."""

    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    """With the country's code, such as +351 912 345 678."""
    language: str | None = None
    guest_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeGuest:
    """What is left out stays. What was entered by hand is not replaced by a calendar."""

    guest_id: str
    name: str | UnsetType | None = field(default=UNSET, repr=False)
    email: str | UnsetType | None = field(default=UNSET, repr=False)
    phone: str | UnsetType | None = field(default=UNSET, repr=False)
    language: str | UnsetType | None = UNSET


@dataclass(frozen=True, slots=True)
class GetGuest:
    guest_id: str


@dataclass(frozen=True, slots=True)
class ListGuests:
    """In the order of creation, behind the guest `after`."""

    most: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class EraseGuest:
    guest_id: str


async def create(tx: Tx, actor: Actor, command: CreateGuest) -> Guest:
    """Raises Invalid, Conflict where the key is in use."""
    require(actor, Scope.GUESTS_WRITE)
    # Nothing ties a guest without a booking to a property.
    require_whole_workspace(actor)
    return _shown(await enter_guest(tx, actor, command))


async def enter_guest(tx: Tx, actor: Actor, command: CreateGuest, known_id: str | None = None) -> GuestRow:
    """For other operations: as `create`, for whoever may enter a booking. `known_id`: for a sandbox that is seeded, and
    nothing else."""
    id = new_id()
    row = _checked(
        GuestRow(
            id,
            known_id or public_id("guest", id),
            command.guest_key,
            command.name,
            command.email,
            command.phone,
            command.language,
            tx.now,
        )
    )
    if not await guests.insert(tx.db, tx.workspace_id, row):
        raise Conflict(
            "A guest has this key already.",
            code="guest_key_taken",
            next_step="Change that guest, or choose another key.",
        )
    await recorded.append(tx, actor, events.GuestCreated(guest_id=row.public_id))
    return row


async def change(tx: Tx, actor: Actor, command: ChangeGuest) -> Guest:
    """A new name reaches the locks whose codes carry it. Raises Invalid, NotFound, Conflict where erased."""
    require(actor, Scope.GUESTS_WRITE)
    before = await known_guest(tx, actor, command.guest_id, locked=True)
    refuse_erased(before)
    after = _checked(
        replace(
            before,
            name=told(command.name, before.name),
            email=told(command.email, before.email),
            phone=told(command.phone, before.phone),
            language=told(command.language, before.language),
        )
    )
    if after == before:
        return _shown(before)
    await guests.change(tx.db, tx.workspace_id, after)
    await recorded.append(tx, actor, events.GuestChanged(guest_id=after.public_id))
    await _redeclare(tx, actor, after)
    return _shown(after)


async def get(tx: Tx, actor: Actor, command: GetGuest) -> Guest:
    """Raises NotFound."""
    require(actor, Scope.GUESTS_READ)
    return _shown(await known_guest(tx, actor, command.guest_id))


async def listed(tx: Tx, actor: Actor, command: ListGuests) -> tuple[Guest, ...]:
    require(actor, Scope.GUESTS_READ)
    require_whole_workspace(actor)
    rows = await guests.listed(tx.db, tx.workspace_id, command.after, command.most)
    return tuple(_shown(r) for r in rows)


async def erase(tx: Tx, actor: Actor, command: EraseGuest) -> Guest:
    """Forget the person for good. Stays and codes go on without a name; a calendar does not bring it back."""
    require(actor, Scope.GUESTS_WRITE)
    guest = await known_guest(tx, actor, command.guest_id, locked=True)
    if guest.erased_at is not None:
        return _shown(guest)
    await guests.erase(tx.db, tx.workspace_id, guest.id, tx.now)
    await recorded.append(tx, actor, events.GuestErased(guest_id=guest.public_id))
    await _redeclare(tx, actor, guest)
    return _shown(await known_guest(tx, actor, command.guest_id))


async def give_device(tx: Tx, actor: Actor, guest_id: str, device_id: str) -> None:
    """Let a guest's own app reach this device, apart from any stay. Again changes nothing."""
    require(actor, Scope.GUESTS_WRITE)
    require_whole_workspace(actor)
    guest = await known_guest(tx, actor, guest_id, locked=True)
    refuse_erased(guest)
    device = await known_device(tx, actor, device_id)
    if await guest_devices.give(tx.db, tx.workspace_id, guest.id, device.id, tx.now):
        given = events.GuestDeviceGiven(guest_id=guest.public_id, device_id=device.public_id)
        await recorded.append(tx, actor, given)


async def take_device(tx: Tx, actor: Actor, guest_id: str, device_id: str) -> None:
    """The other way. Codes of stays and grants are not touched."""
    require(actor, Scope.GUESTS_WRITE)
    require_whole_workspace(actor)
    guest = await known_guest(tx, actor, guest_id, locked=True)
    device = await known_device(tx, actor, device_id)
    if await guest_devices.take(tx.db, tx.workspace_id, guest.id, device.id):
        taken = events.GuestDeviceTaken(guest_id=guest.public_id, device_id=device.public_id)
        await recorded.append(tx, actor, taken)


async def known_guest(tx: Tx, actor: Actor, guest_id: str, *, locked: bool = False) -> GuestRow:
    """For other operations. Raises NotFound, NotAllowed where the guest stays at other properties too."""
    row = await guests.by_public_id(tx.db, tx.workspace_id, guest_id, locked=locked)
    if row is None:
        raise NotFound("guest", guest_id)
    if actor.property_ids is not None and row.id not in actor.guest_ids:
        stays_at = await guests.properties_of(tx.db, tx.workspace_id, row.id)
        if not stays_at or not stays_at <= actor.property_ids:
            raise NotAllowed(
                "This key is confined to some properties, and the guest does not stay at these alone.",
                next_step="Use a key that is not confined.",
            )
    return row


def refuse_erased(guest: GuestRow) -> None:
    """Raises Conflict: who is forgotten stays so."""
    if guest.erased_at is not None:
        raise Conflict(
            f"The guest {guest.public_id} was erased.",
            code="guest_erased",
            next_step="Create a new guest.",
        )


async def _redeclare(tx: Tx, actor: Actor, guest: GuestRow) -> None:
    """Names on locks follow the guest's."""
    for booking in await bookings.open_of_guest(tx.db, tx.workspace_id, guest.id, tx.now):
        await declare_or_hold(tx, actor, booking.id)
    for grant in await grants.living_of_guest(tx.db, tx.workspace_id, guest.id, tx.now):
        if grant.booking_id is None:
            await declaring.declare_grant(tx, actor, grant, None, Wish())


def _checked(row: GuestRow) -> GuestRow:
    email = words_or_none(row.email, "email")
    if email is not None and not _EMAIL.fullmatch(email):
        raise Invalid("The email address is not one.", code="email_invalid", field="email")
    language = words_or_none(row.language, "language")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise Invalid(
            "The language is not a tag of BCP 47.",
            code="language_invalid",
            next_step="Give a tag such as pt or pt-BR.",
            field="language",
        )
    return replace(
        row,
        guest_key=words_or_none(row.guest_key, "guest_key"),
        name=words_or_none(row.name, "name"),
        email=email,
        phone=_phone(row.phone),
        language=language,
    )


def _phone(text: str | None) -> str | None:
    given = words_or_none(text, "phone", 40)
    if given is None:
        return None
    try:
        number = phonenumbers.parse(given, None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Invalid(
            "The phone number cannot be read.",
            code="phone_invalid",
            next_step="Give it with the country's code, such as +351 912 345 678.",
            field="phone",
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _shown(row: GuestRow) -> Guest:
    return Guest(
        row.public_id,
        row.guest_key,
        row.name,
        row.email,
        row.phone,
        row.language,
        row.created_at,
        row.erased_at,
    )
