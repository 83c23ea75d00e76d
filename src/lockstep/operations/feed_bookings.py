"""Makes the bookings of a feed follow what its reading decides. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.feed import FeedDecision, FeedStay, StayChange
from lockstep.model.permissions import Actor
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.gate import Tx
from lockstep.operations.guests import CreateGuest, enter_guest
from lockstep.operations.held_bookings import declare_or_hold
from lockstep.storage import bookings, guests
from lockstep.storage.bookings import BookingRow
from lockstep.storage.calendars import CalendarRow


@dataclass(slots=True)
class Followed:
    """How many bookings became what."""

    created: int = 0
    changed: int = 0
    cancelled: int = 0


def is_followed(
    decision: FeedDecision, rows: Mapping[str, BookingRow], awaiting: Sequence[BookingRow]
) -> bool:
    """Whether the bookings are as the decision wants them, so that there is nothing to write."""
    waiting = _pair(decision.waiting, awaiting)
    return not (
        decision.create
        or decision.change
        or decision.adopt
        or decision.miss
        or decision.cancel
        or any(rows[id].missed_readings for id in (*decision.unchanged, *decision.delayed))
        or waiting.new
        or any(row.said != entry for row, entry in waiting.paired)
        or (waiting.gone and decision.held is None)
    )


async def follow(
    tx: Tx,
    actor: Actor,
    calendar: CalendarRow,
    decision: FeedDecision,
    rows: Mapping[str, BookingRow],
    awaiting: Sequence[BookingRow],
) -> Followed:
    """All bookings are written before any is declared, and in the order of their ids, so that no two circle."""
    writing = _Writing(tx, actor, calendar)
    await _admit(writing, decision, awaiting)
    for change in decision.change:
        await writing.change(rows[change.booking_id], change)
    for adoption in decision.adopt:
        await writing.adopt(rows[adoption.booking_id], adoption.stay)
    for cancellation in decision.cancel:
        writing.cancel(rows[cancellation.booking_id])
    missed = {rows[miss.booking_id].id: (miss.misses, miss.missing_since) for miss in decision.miss}
    back = [rows[id].id for id in (*decision.unchanged, *decision.delayed) if rows[id].missed_readings]
    await writing.end(missed, back)
    return writing.followed


async def _admit(writing: _Writing, decision: FeedDecision, awaiting: Sequence[BookingRow]) -> None:
    """New stays, and entries that wait; one that waited and counts now is the same booking."""
    admitted = _pair([creation.stay for creation in decision.create], awaiting)
    for entry in admitted.new:
        await writing.create(entry, "confirmed")
    for row, entry in admitted.paired:
        await writing.confirm(row, entry)
    waiting = _pair(decision.waiting, admitted.gone)
    for entry in waiting.new:
        await writing.create(entry, "awaiting")
    for row, entry in waiting.paired:
        if row.said != entry:
            writing.move_waiting(row, entry)
    if decision.held is None:
        for row in waiting.gone:
            writing.cancel(row)


@dataclass(slots=True)
class _Writing:
    """What is to be written, gathered; `end` writes it, then declares."""

    tx: Tx
    actor: Actor
    calendar: CalendarRow
    followed: Followed = field(default_factory=Followed)
    _new: list[BookingRow] = field(default_factory=list)
    _changed: list[BookingRow] = field(default_factory=list)
    _told: list[events.BookingEvent] = field(default_factory=list)
    _declared: list[BookingRow] = field(default_factory=list)

    async def create(self, entry: FeedStay, state: bookings.BookingState) -> None:
        id = new_id()
        row = BookingRow(
            id,
            public_id("booking", id),
            booking_key=None,
            space_id=self.calendar.space_id,
            guest_id=None,
            calendar_id=self.calendar.id,
            uid=entry.uid,
            instance=entry.instance,
            kind="stay" if state == "confirmed" else entry.kind,
            state=state,
            arrives=entry.arrives,
            departs=entry.departs,
            starts_at=entry.window.starts_at,
            ends_at=entry.ends_at,
            reservation_code=None,
            phone_last4=None,
            said=None,
            created_at=self.tx.now,
            changed_at=self.tx.now,
        )
        row = await self._with_guest(_following(row, entry, entry.window), entry, None)
        self._new.append(row)
        self._told.append(events.BookingCreated(**self._ids(row)))
        if state == "awaiting":
            self._told.append(_held(row, self.calendar))
        else:
            self._declared.append(row)
        self.followed.created += 1

    async def confirm(self, row: BookingRow, entry: FeedStay) -> None:
        after = _following(replace(row, state="confirmed", kind="stay"), entry, entry.window)
        self._change(await self._with_guest(after, entry, row.said))

    async def change(self, row: BookingRow, change: StayChange) -> None:
        after = replace(_following(row, change.said, change.window), missed_readings=0, missed_since=None)
        if "guest" in change.parts:
            after = await self._with_guest(after, change.said, row.said)
        if change.parts == {"entry"}:
            self._changed.append(after)
        else:
            self._change(after)

    async def adopt(self, row: BookingRow, entry: FeedStay) -> None:
        """It goes on under the feed that knows the reservation; a window that a hand gave it stays."""
        window = Window(row.starts_at, row.ends_at)
        if row.said is not None and row.said.window == window:
            window = entry.window
        after = replace(row, calendar_id=self.calendar.id, missed_readings=0, missed_since=None)
        self._change(await self._with_guest(_following(after, entry, window), entry, row.said))

    def move_waiting(self, row: BookingRow, entry: FeedStay) -> None:
        self._changed.append(_following(row, entry, entry.window))
        self._told.append(events.BookingChanged(**self._ids(row)))

    def cancel(self, row: BookingRow) -> None:
        now = self.tx.now
        after = replace(row, state="cancelled", cancelled_at=now, cancelled_by="feed", changed_at=now)
        self._changed.append(after)
        self._told.append(events.BookingCancelled(**self._ids(row)))
        self._declared.append(after)
        self.followed.cancelled += 1

    async def end(self, missed: Mapping[UUID, tuple[int, datetime]], back: Iterable[UUID]) -> None:
        db, workspace_id = self.tx.db, self.tx.workspace_id
        for row in self._new:
            await bookings.insert(db, workspace_id, row)
        for row in sorted(self._changed, key=lambda row: row.id):
            await bookings.change(db, workspace_id, row)
        counts: list[tuple[UUID, int, datetime | None]] = [
            *((id, misses, since) for id, (misses, since) in missed.items()),
            *((id, 0, None) for id in back),
        ]
        if counts:
            await bookings.set_misses(db, workspace_id, sorted(counts, key=lambda count: count[0]))
        await recorded.append(self.tx, self.actor, *self._told)
        for row in self._declared:
            await declare_or_hold(self.tx, self.actor, row.id)

    def _change(self, after: BookingRow) -> None:
        after = replace(after, changed_at=self.tx.now)
        self._changed.append(after)
        self._declared.append(after)
        self._told.append(events.BookingChanged(**self._ids(after)))
        self.followed.changed += 1

    def _ids(self, row: BookingRow) -> dict[str, str]:
        return {"booking_id": row.public_id, "calendar_id": self.calendar.public_id}

    async def _with_guest(self, row: BookingRow, entry: FeedStay, before: FeedStay | None) -> BookingRow:
        """A guest where the feed tells anything of one. A name that a hand gave is not replaced."""
        if not (entry.guest_name or entry.phone_last4 or entry.reservation_code):
            return row
        if row.guest_id is None:
            guest = await enter_guest(self.tx, self.actor, CreateGuest(name=_name(entry)))
            return replace(row, guest_id=guest.id)
        known = await guests.get(self.tx.db, self.tx.workspace_id, row.guest_id)
        was = _name(before) if before else None
        if known and known.erased_at is None and _name(entry) and known.name in (None, was):
            await guests.change(self.tx.db, self.tx.workspace_id, replace(known, name=_name(entry)))
            await recorded.append(self.tx, self.actor, events.GuestChanged(guest_id=known.public_id))
        return row


@dataclass(frozen=True, slots=True)
class _Paired:
    new: list[FeedStay]
    paired: list[tuple[BookingRow, FeedStay]]
    gone: list[BookingRow]


def _pair(entries: Iterable[FeedStay], awaiting: Sequence[BookingRow]) -> _Paired:
    """Which booking that waits stands for which entry: by key, else by departure where UIDs change."""
    left, new, paired = list(awaiting), [], []
    for entry in sorted(entries, key=lambda entry: (entry.arrives, entry.uid, entry.instance or "")):
        same = [row for row in left if (row.uid, row.instance) == entry.stay_key]
        if not same and not entry.keeps_uid:
            same = [
                row for row in left if row.said and not row.said.keeps_uid and row.departs == entry.departs
            ]
        if same:
            left.remove(same[0])
            paired.append((same[0], entry))
        else:
            new.append(entry)
    return _Paired(new, paired, left)


def _following(row: BookingRow, entry: FeedStay, window: Window) -> BookingRow:
    assert window.ends_at is not None
    return replace(
        row,
        uid=entry.uid,
        instance=entry.instance,
        arrives=entry.arrives,
        departs=entry.departs,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        reservation_code=entry.reservation_code,
        phone_last4=entry.phone_last4,
        said=entry,
    )


def _name(entry: FeedStay) -> str | None:
    """As a guest's name may be: one line of bounded length."""
    text = "".join(c if c.isprintable() else " " for c in entry.guest_name or "")
    return " ".join(text.split())[:200].strip() or None


def _held(row: BookingRow, calendar: CalendarRow) -> events.BookingHeld:
    return events.BookingHeld(
        booking_id=row.public_id,
        calendar_id=calendar.public_id,
        code="stay_or_closure",
        cause="The calendar does not tell whether this entry is a stay or a closure; it opens nothing yet.",
        next_step="Confirm the booking if it is a stay, or cancel it.",
    )
