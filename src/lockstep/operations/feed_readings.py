"""What a reading of a calendar does: to its bookings, to what is remembered of it, and to when it is read again.

Knows no calendar format and fetches nothing: the worker does both, between `prepare` and `take`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.model import events
from lockstep.model.feed import (
    ENTRY_SKIPPED,
    ElsewhereStay,
    FeedDecision,
    FeedDoubt,
    FeedKnowledge,
    FeedReading,
    FeedWarning,
    Hold,
    KnownStay,
)
from lockstep.model.feed_decision import decide, needs_whole_feed
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.stay_window import HouseTimes
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.feed_bookings import Followed, follow, is_followed
from lockstep.operations.gate import Tx
from lockstep.operations.spaces import house_of
from lockstep.storage import bookings, calendars, spaces
from lockstep.storage.bookings import BookingRow
from lockstep.storage.calendars import CalendarRow, FeedFailure, FeedMemory

_KEPT_IN_MIND = timedelta(days=7)
"""Bookings over for longer decide nothing about a feed any more."""
_LONGEST_WAIT = timedelta(hours=1)
"""Between readings of a feed that fails."""
_GOOD_TO = timedelta(hours=1)
"""How exact the time of the last good reading is while nothing changes: a quiet feed writes nothing."""


@dataclass(frozen=True, slots=True)
class FeedToRead:
    """What a worker needs to read a feed."""

    url: str = field(repr=False)
    etag: str | None
    last_modified: str | None
    """Both None where the whole feed is needed."""
    house: HouseTimes


@dataclass(frozen=True, slots=True)
class Version:
    """By which the host of a feed recognises what it sent last."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a reading did. `due_at` is when to read again; None: never, the calendar is removed."""

    due_at: datetime | None
    created: int = 0
    changed: int = 0
    cancelled: int = 0
    is_held: bool = False
    is_failing: bool = False


async def prepare(tx: Tx, actor: Actor, calendar_id: UUID) -> FeedToRead | None:
    """None where the calendar was removed."""
    require(actor, Scope.CALENDARS_WRITE)
    calendar = await calendars.get(tx.db, tx.workspace_id, calendar_id)
    if calendar is None or calendar.removed_at is not None:
        return None
    assert calendar.url is not None, "a calendar that is not removed has its address"
    known = await _known(tx, calendar)
    is_whole = needs_whole_feed(known.knowledge, calendar.whole_at, calendar.policy, tx.now)
    return FeedToRead(
        tx.open(calendar.url, "calendars", "url", calendar.id),
        None if is_whole else calendar.etag,
        None if is_whole else calendar.last_modified,
        known.house,
    )


async def take(
    tx: Tx, actor: Actor, calendar_id: UUID, reading: FeedReading | FeedDoubt, version: Version
) -> Taken:
    """Follow a reading. One that tells nothing new writes nothing, but for the time of the last good one."""
    require(actor, Scope.CALENDARS_WRITE)
    calendar = await calendars.get(tx.db, tx.workspace_id, calendar_id)
    if calendar is None or calendar.removed_at is not None:
        return Taken(None)
    if isinstance(reading, FeedDoubt):
        return await fail(tx, actor, calendar_id, reading.code, reading.what, reading.next_step)
    known = await _known(tx, calendar)
    decision = decide(known.knowledge, reading, calendar.policy, tx.now)
    followed = Followed()
    if not is_followed(decision, known.rows, known.awaiting):
        # Looked at again behind the locks: a hand may have changed something meanwhile.
        calendar = await _lock(tx, calendar, known)
        if calendar.removed_at is not None:
            return Taken(None)
        known = await _known(tx, calendar)
        decision = decide(known.knowledge, reading, calendar.policy, tx.now)
        followed = await follow(tx, actor, calendar, decision, known.rows, known.awaiting)
    await _remember(tx, actor, calendar, decision, reading, version)
    return _taken(tx, calendar, followed, decision)


async def take_unchanged(tx: Tx, actor: Actor, calendar_id: UUID) -> Taken:
    """The host says that nothing changed since the version it was asked about."""
    require(actor, Scope.CALENDARS_WRITE)
    calendar = await calendars.get(tx.db, tx.workspace_id, calendar_id)
    if calendar is None or calendar.removed_at is not None:
        return Taken(None)
    await _store(
        tx, actor, calendar, replace(calendar, failure=None, failures=0, state=_state(calendar.held))
    )
    return Taken(tx.now + calendar.policy.pull_every, is_held=calendar.held is not None)


async def fail(
    tx: Tx,
    actor: Actor,
    calendar_id: UUID,
    code: str,
    cause: str,
    next_step: str,
    not_before: datetime | None = None,
) -> Taken:
    """It could not be read: nothing follows from it but a later look, no sooner than the host asked for.

    Told once, when it begins to fail.
    """
    require(actor, Scope.CALENDARS_WRITE)
    calendar = await calendars.get(tx.db, tx.workspace_id, calendar_id, locked=True)
    if calendar is None or calendar.removed_at is not None:
        return Taken(None)
    since = tx.now if calendar.failure is None else calendar.failure.since
    failing = replace(
        calendar,
        state="failing",
        failure=FeedFailure(code, cause, next_step, since),
        failures=calendar.failures + 1,
    )
    await calendars.change(tx.db, tx.workspace_id, failing)
    if calendar.failure is None:
        await recorded.append(
            tx,
            actor,
            events.CalendarFailed(
                calendar_id=calendar.public_id, code=code, cause=cause, next_step=next_step
            ),
        )
    most = max(_LONGEST_WAIT, calendar.policy.pull_every)
    wait = min(calendar.policy.pull_every * 2 ** min(calendar.failures, 10), most)
    due_at = max(tx.now + wait, not_before or tx.now)
    return Taken(due_at, is_held=calendar.held is not None, is_failing=True)


@dataclass(frozen=True, slots=True)
class _Known:
    knowledge: FeedKnowledge
    rows: dict[str, BookingRow]
    """This feed's bookings and those elsewhere, by public id."""
    awaiting: list[BookingRow]
    house: HouseTimes
    property_id: UUID


async def _known(tx: Tx, calendar: CalendarRow) -> _Known:
    place = await spaces.property_of(tx.db, tx.workspace_id, calendar.space_id)
    house = house_of(place)
    since = tx.now - _KEPT_IN_MIND
    own = await bookings.of_calendar(tx.db, tx.workspace_id, calendar.id, since)
    family = await spaces.family_of(tx.db, tx.workspace_id, calendar.space_id)
    living = await bookings.living(tx.db, tx.workspace_id, family, tx.now)
    others = [row for row in living if row.calendar_id != calendar.id]
    knowledge = FeedKnowledge(
        stays=tuple(_stay(row) for row in own if row.state != "awaiting" and row.said is not None),
        hold=calendar.held,
        confirmed_losses=calendar.memory.confirmed_losses,
        echoes=frozenset(calendar.memory.echoes),
        elsewhere=tuple(_elsewhere(row, house) for row in others),
    )
    return _Known(
        knowledge,
        {row.public_id: row for row in (*others, *own)},
        [row for row in own if row.state == "awaiting" and row.ends_at > tx.now],
        house,
        place.id,
    )


async def _lock(tx: Tx, calendar: CalendarRow, known: _Known) -> CalendarRow:
    """The property first, so that its feeds take their turns; then the calendar and all bookings in question."""
    await spaces.lock(tx.db, tx.workspace_id, known.property_id)
    locked = await calendars.get(tx.db, tx.workspace_id, calendar.id, locked=True)
    await bookings.get_many(tx.db, tx.workspace_id, [row.id for row in known.rows.values()], locked=True)
    assert locked is not None
    return locked


def _stay(row: BookingRow) -> KnownStay:
    assert row.said is not None
    return KnownStay(
        row.public_id,
        row.said,
        Window(row.starts_at, row.ends_at),
        misses=row.missed_readings,
        missing_since=row.missed_since,
        cancelled=row.cancelled_by,
        is_erased=row.is_guest_erased,
    )


def _elsewhere(row: BookingRow, house: HouseTimes) -> ElsewhereStay:
    return ElsewhereStay(
        row.public_id,
        row.said.kind if row.said else "stay",
        row.arrives or house.date_of(row.starts_at),
        row.departs or house.date_of(row.ends_at),
        Window(row.starts_at, row.ends_at),
    )


async def _remember(
    tx: Tx,
    actor: Actor,
    calendar: CalendarRow,
    decision: FeedDecision,
    reading: FeedReading,
    version: Version,
) -> None:
    odd = (
        FeedWarning(
            ENTRY_SKIPPED if fault.is_skipped else "entry_odd", fault.where, fault.what, fault.next_step
        )
        for fault in reading.faults
    )
    warnings = (*decision.warnings, *odd)
    memory = FeedMemory(
        # What was agreed was followed just now; what came back meanwhile is not lost a second time.
        confirmed_losses=frozenset(),
        echoes=tuple(sorted(decision.echoes, key=lambda echo: (echo.uid, echo.instance or "", echo.arrives))),
        warnings=warnings,
    )
    after = replace(
        calendar,
        platform=reading.platform,
        state=_state(decision.held),
        failure=None,
        failures=0,
        held=decision.held,
        memory=memory,
        etag=version.etag,
        last_modified=version.last_modified,
        whole_at=tx.now if _is_stale(calendar.whole_at, tx.now) else calendar.whole_at,
    )
    await _store(tx, actor, calendar, after)
    new = [w for w in warnings if w not in calendar.memory.warnings]
    await recorded.append(tx, actor, *(_warned(calendar, w) for w in new))


async def _store(tx: Tx, actor: Actor, before: CalendarRow, after: CalendarRow) -> None:
    """Writes what differs, and tells of what begins and ends."""
    if after == before and not _is_stale(before.good_at, tx.now):
        return
    await calendars.change(tx.db, tx.workspace_id, replace(after, good_at=tx.now))
    if before.failure is not None:
        await recorded.append(tx, actor, events.CalendarRecovered(calendar_id=before.public_id))
    if before.held is None and after.held is not None:
        await recorded.append(tx, actor, _held(before, after.held))


def _is_stale(at: datetime | None, now: datetime) -> bool:
    return at is None or now - at >= _GOOD_TO


def _state(hold: Hold | None) -> str:
    return "good" if hold is None else "held"


def _held(calendar: CalendarRow, hold: Hold) -> events.CalendarHeld:
    return events.CalendarHeld(
        calendar_id=calendar.public_id,
        code=hold.code,
        cause=f"The calendar lost {len(hold.lost)} of {hold.live} stays at once.",
        next_step="Look at the calendar where it is kept; then confirm that they are gone, or release it.",
    )


def _warned(calendar: CalendarRow, warning: FeedWarning) -> events.CalendarWarned:
    return events.CalendarWarned(
        calendar_id=calendar.public_id, code=warning.code, cause=warning.what, next_step=warning.next_step
    )


def _taken(tx: Tx, calendar: CalendarRow, followed: Followed, decision: FeedDecision) -> Taken:
    return Taken(
        tx.now + calendar.policy.pull_every,
        followed.created,
        followed.changed,
        followed.cancelled,
        decision.held is not None,
    )
