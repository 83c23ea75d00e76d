"""What may be asked of spaces: places that hold devices and nest; a property is one at the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from uuid import UUID

from msgspec import UNSET, UnsetType

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import (
    Actor,
    ActorKind,
    Scope,
    customer_of,
    require,
    require_account,
    require_property,
    require_whole_workspace,
)
from lockstep.model.stay_window import HouseTimes, TimeZoneUnknown, stay_window, zone_named
from lockstep.operations import declaring
from lockstep.operations import events as recorded
from lockstep.operations.confinement import require_devices
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.held_bookings import declare_or_hold
from lockstep.operations.words import told, words, words_or_none
from lockstep.storage import accounts, bookings, calendars, claims, devices, domains, furnishings, spaces
from lockstep.storage.bookings import BookingRow
from lockstep.storage.spaces import SpaceFilter, SpaceRow

CHECK_IN = time(15)
CHECK_OUT = time(11)
"""What a property has where nothing is said."""


@dataclass(frozen=True, slots=True)
class Space:
    """A space as the ways in show it. Address, time zone and hours are the property's, so None further in."""

    space_id: str
    space_key: str | None
    parent_space_id: str | None
    property_id: str
    """The property that it lies in, or is."""
    name: str
    address: str | None
    time_zone: str | None
    check_in: time | None
    check_out: time | None
    device_ids: tuple[str, ...]
    """Devices that stand in this space itself."""
    created_at: datetime
    customer_key: str | None = None
    """Whose it is, by the caller's own key."""


@dataclass(frozen=True, slots=True)
class CreateSpace:
    """Without a parent it is a property, and then needs a time zone (IANA name)."""

    name: str
    parent_space_id: str | None = None
    space_key: str | None = None
    address: str | None = None
    time_zone: str | None = None
    check_in: time | None = None
    check_out: time | None = None
    device_ids: tuple[str, ...] = ()
    customer_key: str | None = None
    connected_account_ids: tuple[str, ...] = ()
    """To be kept with it, whether or not all of their devices stand in it."""


@dataclass(frozen=True, slots=True)
class ChangeSpace:
    """What is left out stays. Bookings told in dates follow new hours, those that were changed by hand do not."""

    space_id: str
    name: str | UnsetType = UNSET
    address: str | UnsetType | None = UNSET
    time_zone: str | UnsetType = UNSET
    check_in: time | UnsetType = UNSET
    check_out: time | UnsetType = UNSET
    space_key: str | UnsetType | None = UNSET
    customer_key: str | UnsetType | None = UNSET


@dataclass(frozen=True, slots=True)
class RemoveSpace:
    space_id: str


@dataclass(frozen=True, slots=True)
class GetSpace:
    space_id: str


@dataclass(frozen=True, slots=True)
class ListSpaces:
    """In the order of creation, behind the space `after`."""

    most: int = 50
    after: str | None = None
    parent_space_id: str | None = None
    only_properties: bool = False
    space_ids: tuple[str, ...] | None = None
    space_keys: tuple[str, ...] | None = None
    customer_key: str | None = None
    name_contains: str | None = None
    connected_account_id: str | None = None


@dataclass(frozen=True, slots=True)
class AddDevices:
    space_id: str
    device_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveDevices:
    space_id: str
    device_ids: tuple[str, ...]


async def create(tx: Tx, actor: Actor, command: CreateSpace) -> Space:
    """Raises Invalid, NotFound (parent, device), Conflict where the key is in use."""
    require(actor, Scope.PROPERTIES_WRITE)
    parent = await known_space(tx, actor, command.parent_space_id) if command.parent_space_id else None
    if parent is None or command.device_ids:
        _require_to_furnish(actor)
    id = new_id()
    if parent is None and actor.property_ids is not None:
        # Whoever makes a property reaches it.
        actor = replace(actor, property_ids=actor.property_ids | {id})
    row = SpaceRow(
        id,
        public_id("space", id),
        command.space_key,
        parent.id if parent else None,
        parent.property_id if parent else id,
        words(command.name, "name"),
        command.address,
        command.time_zone,
        command.check_in,
        command.check_out,
        tx.now,
        customer_key=words_or_none(customer_of(actor, command.customer_key), "customer_key"),
    )
    if not await spaces.insert(tx.db, tx.workspace_id, _with_hours(row)):
        raise _key_taken(command.space_key)
    await recorded.append(tx, actor, _created(row, parent))
    if command.device_ids:
        await _stand(tx, actor, row, command.device_ids)
    for account_id in command.connected_account_ids:
        await keep_account(tx, actor, row.public_id, account_id)
    return await _shown(tx, actor, row.public_id)


async def change(tx: Tx, actor: Actor, command: ChangeSpace) -> Space:
    """Raises Invalid, NotFound."""
    require(actor, Scope.PROPERTIES_WRITE)
    # Its calendars first: a reading holds its calendar before it locks the property.
    unlocked = await known_space(tx, actor, command.space_id)
    if command.customer_key is not UNSET:
        customer_of(actor, command.customer_key or "")
    await calendars.lock_of_property(tx.db, tx.workspace_id, unlocked.property_id)
    before = await known_space(tx, actor, command.space_id, locked=True)
    after = _with_hours(
        replace(
            before,
            name=before.name if command.name is UNSET else words(command.name, "name"),
            address=told(command.address, before.address),
            time_zone=told(command.time_zone, before.time_zone),
            check_in=told(command.check_in, before.check_in),
            check_out=told(command.check_out, before.check_out),
            space_key=told(command.space_key, before.space_key),
            customer_key=told(command.customer_key, before.customer_key),
        )
    )
    if after != before:
        if not await spaces.change(tx.db, tx.workspace_id, after):
            raise _key_taken(after.space_key)
        await recorded.append(tx, actor, _changed(after))
    if after.parent_id is None and house_of(before) != house_of(after):
        await _follow_hours(tx, actor, before, after)
    return await _shown(tx, actor, after.public_id)


async def change_with_devices(
    tx: Tx, actor: Actor, command: ChangeSpace, device_ids: tuple[str, ...] | None
) -> Space:
    """The same, and these devices stand in it, and no others. None: those that do. Raises as the parts do."""
    changed = await change(tx, actor, command)
    if device_ids is None:
        return changed
    gone = tuple(id for id in changed.device_ids if id not in device_ids)
    if gone:
        await remove_devices(tx, actor, RemoveDevices(command.space_id, gone))
    return await add_devices(tx, actor, AddDevices(command.space_id, device_ids))


async def remove(tx: Tx, actor: Actor, command: RemoveSpace) -> None:
    """Its devices stay connected. Raises Conflict where it holds more than devices."""
    require(actor, Scope.PROPERTIES_WRITE)
    space = await known_space(tx, actor, command.space_id, locked=True)
    # Before it is asked what is in the way: nobody may be granted this space in between.
    await furnishings.change(tx.db, tx.workspace_id, space.id)
    left = await spaces.what_stands_in_the_way(tx.db, tx.workspace_id, space.id, tx.now)
    if left:
        held = ", ".join(f"{count} {noun}" for noun, count in left.items())
        raise Conflict(
            f"The space {space.public_id} still has {held}.",
            code="space_in_use",
            next_step="Remove or cancel these first, then remove the space.",
        )
    await spaces.remove(tx.db, tx.workspace_id, space.id, tx.now)
    await recorded.append(
        tx,
        actor,
        events.PropertyRemoved(property_id=space.public_id)
        if space.parent_id is None
        else _changed(space, "space_removed"),
    )
    await declaring.redeclare_space(tx, actor, space.id)


async def get(tx: Tx, actor: Actor, command: GetSpace) -> Space:
    """Raises NotFound."""
    require(actor, Scope.PROPERTIES_READ)
    return await _shown(tx, actor, command.space_id)


async def listed(tx: Tx, actor: Actor, command: ListSpaces) -> tuple[Space, ...]:
    """Raises NotFound where the parent is not there."""
    require(actor, Scope.PROPERTIES_READ)
    parent = await known_space(tx, actor, command.parent_space_id) if command.parent_space_id else None
    account_id = command.connected_account_id
    wanted = SpaceFilter(
        parent.id if parent else None,
        None if actor.property_ids is None else sorted(actor.property_ids),
        command.only_properties,
        None if command.space_ids is None else list(command.space_ids),
        None if command.space_keys is None else list(command.space_keys),
        command.customer_key,
        command.name_contains,
        None if account_id is None else await _account(tx, account_id),
    )
    rows = await spaces.listed(tx.db, tx.workspace_id, wanted, command.after, command.most)
    return await _with_devices(tx, rows)


async def of_key(tx: Tx, actor: Actor, space_key: str) -> Space:
    """By the caller's own id. Raises NotFound."""
    require(actor, Scope.PROPERTIES_READ)
    row = await spaces.by_key(tx.db, tx.workspace_id, space_key)
    if row is None:
        raise NotFound("space", space_key)
    return await _shown(tx, actor, row.public_id)


async def keep_account(tx: Tx, actor: Actor, space_id: str, account_public_id: str) -> None:
    """Callers keep this account with this space. Raises NotFound."""
    require(actor, Scope.PROPERTIES_WRITE)
    space = await known_space(tx, actor, space_id)
    account_id = await _account(tx, account_public_id)
    if actor.kind is ActorKind.CLIENT_SESSION:
        require_account(actor, account_id)
    if await spaces.keep_account(tx.db, tx.workspace_id, space.id, account_id):
        await recorded.append(tx, actor, _changed(space))


async def leave_account(tx: Tx, actor: Actor, space_id: str, account_public_id: str) -> None:
    """It is kept with this space no more; its devices stay where they stand. Raises NotFound."""
    require(actor, Scope.PROPERTIES_WRITE)
    space = await known_space(tx, actor, space_id)
    await spaces.leave_account(tx.db, tx.workspace_id, space.id, await _account(tx, account_public_id))
    await recorded.append(tx, actor, _changed(space))


async def add_devices(tx: Tx, actor: Actor, command: AddDevices) -> Space:
    """Those that stand there already stay. Whoever may enter the space now opens them too."""
    require(actor, Scope.PROPERTIES_WRITE)
    _require_to_furnish(actor)
    space = await known_space(tx, actor, command.space_id, locked=True)
    await _stand(tx, actor, space, command.device_ids)
    return await _shown(tx, actor, space.public_id)


async def remove_devices(tx: Tx, actor: Actor, command: RemoveDevices) -> Space:
    """Codes that were on them because of this space are withdrawn."""
    require(actor, Scope.PROPERTIES_WRITE)
    _require_to_furnish(actor)
    space = await known_space(tx, actor, command.space_id, locked=True)
    found = await devices.by_public_ids(tx.db, tx.workspace_id, list(command.device_ids))
    if await spaces.remove_devices(tx.db, tx.workspace_id, space.id, [d.id for d in found]):
        await recorded.append(tx, actor, _changed(space, "devices"))
        await declaring.redeclare_space(tx, actor, space.id)
    return await _shown(tx, actor, space.public_id)


def _require_to_furnish(actor: Actor) -> None:
    """For properties, and for what stands in spaces: a customer's session may, with what is the customer's. Raises
    NotAllowed."""
    if actor.customer_key is None:
        require_whole_workspace(actor)


def house_of(row: SpaceRow) -> HouseTimes:
    """The zone and the hours of a property."""
    assert row.time_zone is not None
    assert row.check_in is not None
    assert row.check_out is not None
    return HouseTimes(row.time_zone, row.check_in, row.check_out)


async def known_space(tx: Tx, actor: Actor, space_id: str, *, locked: bool = False) -> SpaceRow:
    """For other operations. Raises NotFound, NotAllowed where the actor is confined to other properties."""
    row = await spaces.by_public_id(tx.db, tx.workspace_id, space_id, locked=locked)
    if row is None:
        raise NotFound("space", space_id)
    require_property(actor, row.property_id)
    return row


async def _account(tx: Tx, account_public_id: str) -> UUID:
    account = await accounts.by_public_id(tx.db, tx.workspace_id, account_public_id)
    if account is None:
        raise NotFound("connected account", account_public_id)
    return account.id


def _key_taken(space_key: str | None) -> Conflict:
    return Conflict(
        f"A space has the key {space_key} already.",
        code="space_key_taken",
        next_step="Change that space, or choose another key.",
    )


def _created(row: SpaceRow, parent: SpaceRow | None) -> events.SpaceEvent:
    if parent is None:
        return events.PropertyCreated(property_id=row.public_id)
    property_id = parent.property_public_id or parent.public_id
    return events.PropertyChanged(property_id=property_id, space_id=row.public_id, change="space_created")


def _changed(row: SpaceRow, change: str = "details") -> events.PropertyChanged:
    nested = row.public_id if row.parent_id is not None else None
    property_id = row.property_public_id or row.public_id
    return events.PropertyChanged(property_id=property_id, space_id=nested, change=change)


def _with_hours(row: SpaceRow) -> SpaceRow:
    """A property with its hours filled in and its zone checked; anything else without."""
    if row.parent_id is not None:
        told = [n for n in ("address", "time_zone", "check_in", "check_out") if getattr(row, n) is not None]
        if told:
            raise Invalid(
                f"A space within a property has no {told[0]} of its own: the property's holds.",
                code="only_a_property_has_hours",
                next_step="Leave it out here; change it on the property.",
                field=told[0],
            )
        return row
    if row.time_zone is None:
        raise Invalid(
            "A property needs a time zone, so that a booking's dates become instants.",
            code="time_zone_missing",
            next_step="Name one of the IANA database, such as Europe/Lisbon.",
            field="time_zone",
        )
    try:
        zone_named(row.time_zone)
    except TimeZoneUnknown as unknown:
        raise Invalid(
            f"The time zone {row.time_zone!r} is not known.",
            code=unknown.code,
            next_step="Name one of the IANA database, such as Europe/Lisbon.",
            field="time_zone",
        ) from None
    check_in, check_out = row.check_in or CHECK_IN, row.check_out or CHECK_OUT
    for field, hour in (("check_in", check_in), ("check_out", check_out)):
        if hour.tzinfo is not None:
            raise Invalid("Hours are those of the property's own zone, without an offset.", field=field)
    return replace(row, check_in=check_in, check_out=check_out)


async def _stand(tx: Tx, actor: Actor, space: SpaceRow, device_ids: Sequence[str]) -> None:
    found = {
        d.public_id: d.id
        for d in await devices.by_public_ids(tx.db, tx.workspace_id, list(device_ids))
        if d.removed_at is None
    }
    for device_id in device_ids:
        if device_id not in found:
            raise NotFound("device", device_id)
    await require_devices(tx, actor, sorted(found.values()))
    if await spaces.add_devices(tx.db, tx.workspace_id, space.id, sorted(found.values())):
        await recorded.append(tx, actor, _changed(space, "devices"))
        await declaring.redeclare_space(tx, actor, space.id)


async def _follow_hours(tx: Tx, actor: Actor, before: SpaceRow, after: SpaceRow) -> None:
    """Stays told in dates get the windows that follow from them now, unless a hand moved them."""
    old, new = house_of(before), house_of(after)
    moved = [
        (booking, becomes)
        for booking in await bookings.open_of_property(tx.db, tx.workspace_id, after.id, tx.now)
        if (becomes := _moved(booking, old, new)) != booking
    ]
    for _, becomes in moved:
        await bookings.change(tx.db, tx.workspace_id, replace(becomes, changed_at=tx.now))
    # All of them, in order, before any: declaring one by one takes them in the order of the bookings.
    await domains.lock(
        tx.db, tx.workspace_id, await spaces.domains_of_property(tx.db, tx.workspace_id, after.id)
    )
    for booking, becomes in moved:
        if (booking.starts_at, booking.ends_at) != (becomes.starts_at, becomes.ends_at):
            await recorded.append(tx, actor, events.BookingChanged(booking_id=booking.public_id))
            await declare_or_hold(tx, actor, booking.id)
    # What feeds tell in local times has to be read anew, so not as "not modified".
    read_anew = await calendars.of_property(tx.db, tx.workspace_id, after.id)
    await calendars.forget_versions(tx.db, tx.workspace_id, read_anew)
    await claims.wake(tx.db, tx.workspace_id, "calendars", read_anew, tx.now)


def _moved(booking: BookingRow, old: HouseTimes, new: HouseTimes) -> BookingRow:
    if booking.arrives is None or booking.departs is None:
        return booking
    was, becomes = (stay_window(booking.arrives, booking.departs, house) for house in (old, new))
    if booking.said is not None and booking.said.window == was:
        booking = replace(booking, said=replace(booking.said, window=becomes))
    if (booking.starts_at, booking.ends_at) == (was.starts_at, was.ends_at):
        assert becomes.ends_at is not None
        booking = replace(booking, starts_at=becomes.starts_at, ends_at=becomes.ends_at)
    return booking


async def _shown(tx: Tx, actor: Actor, space_id: str) -> Space:
    (space,) = await _with_devices(tx, [await known_space(tx, actor, space_id)])
    return space


async def _with_devices(tx: Tx, rows: Sequence[SpaceRow]) -> tuple[Space, ...]:
    standing = await spaces.own_devices(tx.db, tx.workspace_id, [r.id for r in rows])
    return tuple(
        Space(
            row.public_id,
            row.space_key,
            row.parent_public_id,
            row.property_public_id or row.public_id,
            row.name,
            row.address,
            row.time_zone,
            row.check_in,
            row.check_out,
            tuple(standing[row.id]),
            row.created_at,
            row.customer_key,
        )
        for row in rows
    )
