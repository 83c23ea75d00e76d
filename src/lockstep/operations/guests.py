"""What may be asked of guests: who is let in, and that they be forgotten."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from lockstep.operations.errors import Conflict, Invalid, NotAllowed, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.held_bookings import declare_or_hold
from lockstep.operations.words import told, words_or_none
from lockstep.storage import bookings, grants, guests
from lockstep.storage.guests import GuestFilter, GuestRow

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
    is_managed: bool
    """False: known from an access system alone, until somebody takes them in."""


@dataclass(frozen=True, slots=True)
class MergedGuest:
    """Who a guest is as well."""

    guest_id: str
    guest_key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CreateGuest:
    """Nothing has to be known of a guest."""

    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    """With the country's code, such as +351 912 345 678."""
    language: str | None = None
    guest_key: str | None = field(default=None, repr=False)
    is_alone: bool = False
    """Refuse it where another guest has this email address or number."""


@dataclass(frozen=True, slots=True)
class ChangeGuest:
    """What is left out stays. What was entered by hand is not replaced by a calendar."""

    guest_id: str
    name: str | UnsetType | None = field(default=UNSET, repr=False)
    email: str | UnsetType | None = field(default=UNSET, repr=False)
    phone: str | UnsetType | None = field(default=UNSET, repr=False)
    language: str | UnsetType | None = UNSET
    guest_key: str | UnsetType | None = field(default=UNSET, repr=False)
    is_alone: bool = False
    """As of `CreateGuest`."""


@dataclass(frozen=True, slots=True)
class GetGuest:
    guest_id: str


@dataclass(frozen=True, slots=True)
class ListGuests:
    """In the order of creation, behind the guest `after`."""

    most: int = 50
    after: str | None = None
    guest_ids: tuple[str, ...] | None = None
    contains: str | None = field(default=None, repr=False)
    """In name, email, phone or key."""
    created_before: datetime | None = None
    is_managed: bool | None = None
    only_present: bool = False
    """Neither erased nor merged into others."""


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
    if command.is_alone:
        await _require_alone(tx, row)
    if not await guests.insert(tx.db, tx.workspace_id, row):
        raise _key_taken()
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
            guest_key=told(command.guest_key, before.guest_key),
        )
    )
    if after == before:
        return _shown(before)
    if command.is_alone:
        await _require_alone(tx, after)
    if not await guests.change(tx.db, tx.workspace_id, after):
        raise _key_taken()
    await recorded.append(tx, actor, events.GuestChanged(guest_id=after.public_id))
    await redeclare(tx, actor, after)
    return _shown(after)


async def get(tx: Tx, actor: Actor, command: GetGuest) -> Guest:
    """Raises NotFound."""
    require(actor, Scope.GUESTS_READ)
    return _shown(await known_guest(tx, actor, command.guest_id))


async def listed(tx: Tx, actor: Actor, command: ListGuests) -> tuple[Guest, ...]:
    require(actor, Scope.GUESTS_READ)
    require_whole_workspace(actor)
    wanted = GuestFilter(
        None if command.guest_ids is None else list(command.guest_ids),
        command.contains,
        command.created_before,
        command.is_managed,
        command.only_present,
    )
    rows = await guests.listed(tx.db, tx.workspace_id, command.after, command.most, wanted)
    return tuple(_shown(r) for r in rows)


async def own(tx: Tx, actor: Actor) -> tuple[Guest, ...]:
    """Whom a client session is of."""
    require(actor, Scope.GUESTS_READ)
    return tuple(_shown(r) for r in await guests.get_many(tx.db, tx.workspace_id, sorted(actor.guest_ids)))


async def of_key(tx: Tx, actor: Actor, guest_key: str) -> Guest:
    """By the caller's own id; that of somebody who was merged shows whom they turned out to be. Raises NotFound."""
    require(actor, Scope.GUESTS_READ)
    row = await guests.by_key(tx.db, tx.workspace_id, guest_key)
    if row is None:
        # The key may be an address, and is not repeated.
        raise NotFound("guest", "with this key")
    return _shown(await known_guest(tx, actor, row.public_id))


async def merged_into(tx: Tx, actor: Actor, guest_ids: Sequence[str]) -> dict[str, list[MergedGuest]]:
    """Of each of these guests, whom else it was known as."""
    require(actor, Scope.GUESTS_READ)
    rows = await guests.listed(
        tx.db, tx.workspace_id, None, len(guest_ids), GuestFilter(public_ids=list(guest_ids))
    )
    found: dict[str, list[MergedGuest]] = {row.public_id: [] for row in rows}
    names = {row.id: row.public_id for row in rows}
    for merged in await guests.merged_into(tx.db, tx.workspace_id, list(names)):
        found[names[merged.survivor_id]].append(MergedGuest(merged.public_id, merged.guest_key))
    return found


async def erase(tx: Tx, actor: Actor, command: EraseGuest) -> Guest:
    """Forget the person for good. Stays and codes go on without a name; a calendar does not bring it back."""
    require(actor, Scope.GUESTS_WRITE)
    guest = await known_guest(tx, actor, command.guest_id, locked=True)
    if guest.erased_at is not None:
        return _shown(guest)
    await guests.erase(tx.db, tx.workspace_id, guest.id, tx.now)
    await recorded.append(tx, actor, events.GuestErased(guest_id=guest.public_id))
    await redeclare(tx, actor, guest)
    return _shown(await known_guest(tx, actor, command.guest_id))


async def known_guest(tx: Tx, actor: Actor, guest_id: str, *, locked: bool = False) -> GuestRow:
    """For other operations; of somebody who was merged, whom they turned out to be. Raises NotFound, NotAllowed where
    the guest stays at other properties too."""
    row = await guests.by_public_id(tx.db, tx.workspace_id, guest_id, locked=locked)
    while row is not None and row.merged_into is not None:
        survivor = await guests.get(tx.db, tx.workspace_id, row.merged_into)
        assert survivor is not None, "a reference holds it"
        row = await guests.by_public_id(tx.db, tx.workspace_id, survivor.public_id, locked=locked)
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


async def redeclare(tx: Tx, actor: Actor, guest: GuestRow) -> None:
    """For other operations: names on locks follow the guest's."""
    for booking in await bookings.open_of_guest(tx.db, tx.workspace_id, guest.id, tx.now):
        await declare_or_hold(tx, actor, booking.id)
    for grant in await grants.living_of_guest(tx.db, tx.workspace_id, guest.id, tx.now):
        if grant.booking_id is None:
            await declaring.declare_grant(tx, actor, grant, None, Wish())


async def _require_alone(tx: Tx, row: GuestRow) -> None:
    """Raises Conflict: two guests of one address would be one person twice."""
    await guests.look_alone(tx.db, tx.workspace_id)
    for other in await guests.at_addresses(tx.db, tx.workspace_id, row.email, row.phone):
        if other.id != row.id:
            what = "phone" if row.phone is not None and other.phone == row.phone else "email"
            raise Conflict(
                f"The guest {other.public_id} has this {what} already.",
                code=f"guest_{what}_taken",
                next_step="Use that guest, or merge the two.",
            )


def _key_taken() -> Conflict:
    return Conflict(
        "A guest has this key already.",
        code="guest_key_taken",
        next_step="Change that guest, or choose another key.",
    )


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
        row.is_managed,
    )
