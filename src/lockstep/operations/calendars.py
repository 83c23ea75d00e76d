"""What a host may ask of calendars: add, believe more or less, import now, confirm or release what is held, remove.

What a reading does to bookings stands in `feed_readings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Literal

from msgspec import UNSET, UnsetType

from lockstep.kit.ids import new_id, public_id
from lockstep.kit.outbound import AddressRefused, UrlRefused, check
from lockstep.kit.wording import counted
from lockstep.model import events
from lockstep.model.feed import FeedPolicy, FeedWarning
from lockstep.model.permissions import Actor, Scope, require, require_property
from lockstep.operations import declaring
from lockstep.operations import events as recorded
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.spaces import known_space
from lockstep.operations.words import told, words
from lockstep.storage import bookings, calendars, claims, spaces
from lockstep.storage.calendars import CalendarRow, FeedFailure, FeedMemory

_BOUNDS: dict[str, tuple[object, object]] = {
    "pull_every": (timedelta(minutes=5), timedelta(days=1)),
    "vanish_after_readings": (1, 100),
    "vanish_over": (timedelta(0), timedelta(days=7)),
    "hold_above_share": (0.0, 1.0),
    "hold_from_stays": (1, 1000),
    "longest_nights": (1, 3650),
}


@dataclass(frozen=True, slots=True)
class HeldFeed:
    """A feed that lost too much at once: nothing that it takes away is obeyed until confirmed by hand."""

    code: str
    since: datetime
    lost_booking_ids: tuple[str, ...]
    live: int
    """Stays that were expected when it was held."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar as the ways in show it; of its address only the host, since the rest is a secret."""

    calendar_id: str
    space_id: str
    name: str
    host: str
    platform: str | None
    policy: FeedPolicy
    state: str
    """`new`, `good`, `held` or `failing`."""
    failure: FeedFailure | None
    held: HeldFeed | None
    warnings: tuple[FeedWarning, ...]
    """What is odd in the latest reading."""
    good_at: datetime | None
    """The last good reading, to the hour while nothing changes."""
    next_reading_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What is left out stays; `FeedPolicy` tells what each means."""

    pull_every: timedelta | UnsetType = UNSET
    vanish_after_readings: int | UnsetType = UNSET
    vanish_over: timedelta | UnsetType = UNSET
    hold_above_share: float | UnsetType = UNSET
    hold_from_stays: int | UnsetType = UNSET
    unclear_entries: Literal["all", "short", "by_hand"] | UnsetType = UNSET
    longest_nights: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class AddCalendar:
    space_id: str
    url: str = field(repr=False)
    """http or https; `webcal:` is read as https. A secret: whoever has it reads the bookings."""
    name: str | None = None
    policy: PolicyChange = field(default_factory=PolicyChange)


@dataclass(frozen=True, slots=True)
class ChangeCalendar:
    """What is left out stays. Under another address it goes on with the same bookings."""

    calendar_id: str
    url: str | UnsetType = field(default=UNSET, repr=False)
    name: str | UnsetType = UNSET
    policy: PolicyChange = field(default_factory=PolicyChange)


@dataclass(frozen=True, slots=True)
class RemoveCalendar:
    """`bookings` says what becomes of stays that are not over; it may be left out where there are none."""

    calendar_id: str
    bookings: Literal["keep", "cancel"] | None = None


@dataclass(frozen=True, slots=True)
class NameCalendar:
    """Which calendar: to get it, import it now, confirm or release what it holds."""

    calendar_id: str


@dataclass(frozen=True, slots=True)
class ListCalendars:
    """In the order of creation, behind the calendar `after`."""

    most: int = 50
    after: str | None = None
    space_id: str | None = None
    """A space with all that lies in it."""


async def add(tx: Tx, actor: Actor, command: AddCalendar) -> Calendar:
    """Read for the first time at once. Raises Invalid, NotFound, Conflict where the space has this address.

    A calendar that was removed and is added again goes on with the bookings that were kept.
    """
    require(actor, Scope.CALENDARS_WRITE)
    space = await known_space(tx, actor, command.space_id)
    url, host = _checked_url(tx, command.url)
    fingerprint = tx.fingerprint(url)
    before = await calendars.by_url(tx.db, tx.workspace_id, space.id, fingerprint)
    if before is not None and before.removed_at is None:
        raise Conflict(
            f"The space {space.public_id} has this calendar already: {before.public_id}.",
            code="calendar_added_already",
            next_step="Change that calendar, or import it now.",
        )
    id = before.id if before else new_id()
    row = CalendarRow(
        id,
        before.public_id if before else public_id("calendar", id),
        space.id,
        words(command.name or host, "name"),
        tx.seal(url, "calendars", "url", id),
        host,
        fingerprint,
        platform=None,
        policy=_changed_policy(FeedPolicy(), command.policy),
        state="new",
        failure=None,
        failures=0,
        held=None,
        memory=FeedMemory(),
        etag=None,
        last_modified=None,
        good_at=None,
        whole_at=None,
        created_at=tx.now,
    )
    if not await calendars.put(tx.db, tx.workspace_id, row):
        raise Conflict("The space was given this calendar just now.", code="calendar_added_already")
    await claims.wake(tx.db, tx.workspace_id, "calendars", [id], tx.now)
    await recorded.append(tx, actor, events.CalendarAdded(calendar_id=row.public_id))
    return await _shown(tx, actor, row.public_id)


async def change(tx: Tx, actor: Actor, command: ChangeCalendar) -> Calendar:
    """It is read anew at once. Raises Invalid, NotFound, Conflict where the space has this address."""
    require(actor, Scope.CALENDARS_WRITE)
    before = await _known(tx, actor, command.calendar_id)
    after = before if command.url is UNSET else await _readdressed(tx, before, command.url)
    after = replace(
        after,
        name=before.name if command.name is UNSET else words(command.name, "name"),
        policy=_changed_policy(before.policy, command.policy),
    )
    if after == before:
        return _view(before)
    if (after.policy, after.url) != (before.policy, before.url):
        after = replace(after, etag=None, last_modified=None)
        await claims.wake(tx.db, tx.workspace_id, "calendars", [before.id], tx.now)
    await calendars.change(tx.db, tx.workspace_id, after)
    await recorded.append(tx, actor, events.CalendarChanged(calendar_id=after.public_id))
    return await _shown(tx, actor, command.calendar_id)


async def remove(tx: Tx, actor: Actor, command: RemoveCalendar) -> None:
    """Its address is forgotten. Raises NotFound, Conflict where it has stays and nothing is said of them."""
    require(actor, Scope.CALENDARS_WRITE)
    calendar = await _known(tx, actor, command.calendar_id)
    rows = await bookings.of_calendar(tx.db, tx.workspace_id, calendar.id, tx.now)
    open_ = [r for r in rows if r.state != "cancelled" and r.ends_at > tx.now]
    if open_ and command.bookings is None:
        raise Conflict(
            f"The calendar {calendar.public_id} has {counted(len(open_), 'booking')} not over yet.",
            code="bookings_undecided",
            next_step="Say what becomes of its bookings: keep or cancel.",
        )
    await calendars.remove(tx.db, tx.workspace_id, calendar.id, tx.now)
    await recorded.append(tx, actor, events.CalendarRemoved(calendar_id=calendar.public_id))
    # Entries that nobody confirmed are no stays.
    ending = open_ if command.bookings == "cancel" else [r for r in open_ if r.state == "awaiting"]
    for row in ending:
        # By the feed, not by hand: added again, the calendar brings them back.
        ended = replace(row, state="cancelled", cancelled_at=tx.now, cancelled_by="feed", changed_at=tx.now)
        await bookings.change(tx.db, tx.workspace_id, ended)
    for row in ending:
        await recorded.append(
            tx, actor, events.BookingCancelled(booking_id=row.public_id, calendar_id=calendar.public_id)
        )
        await declaring.declare_booking(tx, actor, row.id)


async def import_now(tx: Tx, actor: Actor, command: NameCalendar) -> Calendar:
    """Read it as soon as a worker is free. Raises NotFound."""
    require(actor, Scope.CALENDARS_WRITE)
    calendar = await _known(tx, actor, command.calendar_id)
    await claims.wake(tx.db, tx.workspace_id, "calendars", [calendar.id], tx.now)
    return await _shown(tx, actor, command.calendar_id)


async def confirm_hold(tx: Tx, actor: Actor, command: NameCalendar) -> Calendar:
    """What the feed lost is really gone: the next reading, at once, cancels what it still lacks. Raises Conflict."""
    require(actor, Scope.CALENDARS_WRITE)
    calendar = await _known(tx, actor, command.calendar_id)
    lost = frozenset() if calendar.held is None else frozenset(calendar.held.lost)
    return await _end_hold(tx, actor, calendar, lost)


async def release_hold(tx: Tx, actor: Actor, command: NameCalendar) -> Calendar:
    """Nothing is lost: the feed is believed as before; should it still lack too much, it is held again."""
    require(actor, Scope.CALENDARS_WRITE)
    return await _end_hold(tx, actor, await _known(tx, actor, command.calendar_id), frozenset())


async def get(tx: Tx, actor: Actor, command: NameCalendar) -> Calendar:
    """Raises NotFound."""
    require(actor, Scope.CALENDARS_READ)
    return await _shown(tx, actor, command.calendar_id)


async def listed(tx: Tx, actor: Actor, command: ListCalendars) -> tuple[Calendar, ...]:
    """Raises NotFound where the space is not there."""
    require(actor, Scope.CALENDARS_READ)
    space = await known_space(tx, actor, command.space_id) if command.space_id else None
    rows = await calendars.listed(
        tx.db,
        tx.workspace_id,
        command.after,
        command.most,
        space_ids=await spaces.within(tx.db, tx.workspace_id, space.id) if space else None,
        property_ids=None if actor.property_ids is None else sorted(actor.property_ids),
    )
    return tuple(_view(r) for r in rows)


async def _known(tx: Tx, actor: Actor, calendar_id: str) -> CalendarRow:
    row = await calendars.by_public_id(tx.db, tx.workspace_id, calendar_id, locked=True)
    if row is None:
        raise NotFound("calendar", calendar_id)
    assert row.property_id is not None
    require_property(actor, row.property_id)
    return row


def _checked_url(tx: Tx, url: str) -> tuple[str, str]:
    """The address, and its host. Raises Invalid, which shows no more of it than the host."""
    cleaned = url.strip()
    if cleaned.lower().startswith("webcal:"):
        cleaned = "https:" + cleaned.partition(":")[2]
    try:
        return cleaned, check(cleaned, tx.outbound)
    except (UrlRefused, AddressRefused) as refused:
        raise Invalid(str(refused), code=refused.code, next_step=refused.next_step, field="url") from None


async def _readdressed(tx: Tx, before: CalendarRow, url: str) -> CalendarRow:
    cleaned, host = _checked_url(tx, url)
    fingerprint = tx.fingerprint(cleaned)
    if fingerprint == before.url_fingerprint:
        return before
    if await calendars.by_url(tx.db, tx.workspace_id, before.space_id, fingerprint):
        raise Conflict(
            "The space has, or had, another calendar under this address.",
            code="calendar_added_already",
            next_step="Remove this one, and add that address.",
        )
    sealed = tx.seal(cleaned, "calendars", "url", before.id)
    return replace(before, url=sealed, url_host=host, url_fingerprint=fingerprint)


def _changed_policy(before: FeedPolicy, change: PolicyChange) -> FeedPolicy:
    after = FeedPolicy(
        pull_every=told(change.pull_every, before.pull_every),
        vanish_after_readings=told(change.vanish_after_readings, before.vanish_after_readings),
        vanish_over=told(change.vanish_over, before.vanish_over),
        hold_above_share=told(change.hold_above_share, before.hold_above_share),
        hold_from_stays=told(change.hold_from_stays, before.hold_from_stays),
        unclear_entries=told(change.unclear_entries, before.unclear_entries),
        longest_nights=told(change.longest_nights, before.longest_nights),
    )
    for name in (f.name for f in fields(after) if f.name in _BOUNDS):
        least, most = _BOUNDS[name]
        if not least <= getattr(after, name) <= most:
            raise Invalid(
                f"{name} lies outside of {least} to {most}.",
                code="policy_out_of_bounds",
                next_step="Choose a value between the two, or leave it out.",
                field=f"policy.{name}",
            )
    if after.unclear_entries not in ("all", "short", "by_hand"):
        raise Invalid(
            "Entries that may be closures count as stays: all, short or by_hand.",
            code="policy_out_of_bounds",
            field="policy.unclear_entries",
        )
    return after


async def _end_hold(tx: Tx, actor: Actor, calendar: CalendarRow, lost: frozenset[str]) -> Calendar:
    if calendar.held is None:
        raise Conflict(
            f"The calendar {calendar.public_id} holds nothing.",
            code="calendar_not_held",
            next_step="Nothing to do; its readings are followed.",
        )
    after = replace(
        calendar,
        held=None,
        state="failing" if calendar.failure else "good",
        memory=replace(calendar.memory, confirmed_losses=lost),
        # What it said while held was not followed, so "not modified" would say nothing.
        etag=None,
        last_modified=None,
    )
    await calendars.change(tx.db, tx.workspace_id, after)
    await claims.wake(tx.db, tx.workspace_id, "calendars", [calendar.id], tx.now)
    await recorded.append(tx, actor, events.CalendarReleased(calendar_id=calendar.public_id))
    return await _shown(tx, actor, calendar.public_id)


async def _shown(tx: Tx, actor: Actor, calendar_id: str) -> Calendar:
    row = await calendars.by_public_id(tx.db, tx.workspace_id, calendar_id)
    if row is None:
        raise NotFound("calendar", calendar_id)
    assert row.property_id is not None
    require_property(actor, row.property_id)
    return _view(row)


def _view(row: CalendarRow) -> Calendar:
    hold = row.held
    held = None if hold is None else HeldFeed(hold.code, hold.since, hold.lost, hold.live)
    return Calendar(
        row.public_id,
        row.space_public_id or "",
        row.name,
        row.url_host,
        row.platform,
        row.policy,
        row.state,
        row.failure,
        held,
        row.memory.warnings,
        row.good_at,
        row.due_at,
        row.created_at,
    )
