"""Reads a booking calendar (iCalendar) into stays. Knows nothing of what is known of the feed or what follows.

`icalendar` parses, `recurring-ical-events` repeats; here stands what they leave open: which text they are given,
what an odd entry means, and that one bad entry never costs the others.
"""

from __future__ import annotations

import threading
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event
from icalendar.timezone import tzp

from lockstep.model.feed import FeedDoubt, FeedFault, FeedReading, FeedStay, Platform
from lockstep.model.stay_window import HouseTimes
from lockstep.workers.calendars.calendar_text import CalendarText, calendar_text
from lockstep.workers.calendars.entry_dates import EntryUnreadable, dates_of
from lockstep.workers.calendars.platforms import platform_of, platform_of_entry, traits_of
from lockstep.workers.calendars.recurrence import (
    MOST_SERIES,
    instance_of,
    is_followed,
    occurrences,
    repeats,
)
from lockstep.workers.calendars.same_uid import Edition, settled

# icalendar keeps the time zones that a calendar describes for the whole process, under names of its choice:
# they are forgotten before each reading, which therefore is one at a time.
_READING = threading.Lock()

_KEPT = "Nothing to do unless a stay is missing."
_CORRECT = "Correct it where it was entered; the other entries are followed."


def read_calendar(
    body: bytes,
    content_type: str | None,
    *,
    now: datetime,
    house: HouseTimes,
    horizon_days: int = 730,
) -> FeedReading | FeedDoubt:
    """`body` as a feed of the property with these `house` times; `horizon_days` bounds what repeats for ever.

    Takes up to seconds for the largest feeds: call it in a thread.
    """
    text = calendar_text(body, content_type)
    if isinstance(text, FeedDoubt):
        return text
    with _READING, warnings.catch_warnings():
        # Some odd texts make the libraries warn; what matters of it is in the faults.
        warnings.simplefilter("ignore")
        parsed = _parsed(text)
        if parsed is None:
            what = "The calendar's structure could not be read."
            return FeedDoubt(
                "feed_unreadable", what, "Nothing was changed; report it to the calendar's maker."
            )
        calendars, faults = parsed
        return _Reader(now, house, timedelta(days=horizon_days), faults).read(calendars)


def _parsed(text: CalendarText) -> tuple[list[Calendar], list[FeedFault]] | None:
    tzp.use_default()
    faults = list(text.faults)
    for attempt in (text, text.without_time_zones()):
        try:
            return Calendar.from_ical(str(attempt), multiple=True), faults
        except Exception:  # noqa: BLE001  # whatever a stranger's text does to the parser is one case
            what = (
                "A time zone is described in a way that cannot be read; its times are read as the property's."
            )
            faults.append(FeedFault("time zones", what, _KEPT, is_skipped=False))
    return None


@dataclass(frozen=True, slots=True)
class _Found:
    """An entry of the calendar, its place and its UID ("" where it has none)."""

    event: Event
    where: str
    uid: str


class _Reader:
    def __init__(self, now: datetime, house: HouseTimes, horizon: timedelta, faults: list[FeedFault]) -> None:
        self._now = now
        self._house = house
        self._horizon = horizon
        self._faults = faults

    def read(self, calendars: Iterable[Calendar]) -> FeedReading:
        calendars = list(calendars)
        found = list(self._found(calendars))
        product = " ".join(str(calendar.get("PRODID", "")) for calendar in calendars)
        platform = platform_of(product, [entry.uid for entry in found])
        editions = []
        for entry in self._single(found):
            edition = self._edition(entry, platform)
            if edition is not None:
                editions.append(edition)
        return FeedReading(platform, settled(editions), tuple(self._faults))

    def _found(self, calendars: Iterable[Calendar]) -> Iterator[_Found]:
        events = (part for calendar in calendars for part in calendar.subcomponents)
        for number, event in enumerate((it for it in events if isinstance(it, Event)), 1):
            uid = _text(event, "UID").strip()
            yield _Found(event, f"UID {uid}" if uid else f"entry {number}", uid)

    def _single(self, found: list[_Found]) -> Iterator[_Found]:
        """Entries as they are, and those that repeat one by one."""
        series: dict[str, list[_Found]] = defaultdict(list)
        repeating = {entry.uid for entry in found if repeats(entry.event)}
        for entry in found:
            if entry.uid in repeating and entry.uid:
                series[entry.uid].append(entry)
            else:
                yield entry
        for number, (uid, entries) in enumerate(series.items(), 1):
            try:
                events = self._repeated([entry.event for entry in entries], number)
            except EntryUnreadable as unreadable:
                self._skip(entries[0], unreadable)
            else:
                yield from (_Found(event, f"UID {uid}", uid) for event in events)

    def _repeated(self, events: list[Event], number: int) -> list[Event]:
        for event in events:
            dates_of(event, self._house)
        if number > MOST_SERIES or not all(is_followed(event) for event in events):
            raise EntryUnreadable("It repeats by a rule that is not followed.")
        try:
            return occurrences(events, self._now, self._horizon)
        except Exception:  # noqa: BLE001  # a rule that the library cannot follow is a fault of this series
            raise EntryUnreadable("It repeats by a rule that cannot be read.") from None

    def _edition(self, entry: _Found, feed: Platform) -> Edition | None:
        try:
            return self._read_entry(entry, feed)
        except EntryUnreadable as unreadable:
            self._skip(entry, unreadable)
            return None

    def _read_entry(self, entry: _Found, feed: Platform) -> Edition:
        event = entry.event
        dates = dates_of(event, self._house)
        if dates.is_zone_unknown:
            self._note(entry, "It names a time zone that is not known; its times are read as the property's.")
        platform = platform_of_entry(entry.uid, feed)
        traits = traits_of(platform, entry.uid, _text(event, "SUMMARY"), _text(event, "DESCRIPTION"))
        if not entry.uid:
            self._note(entry, "It has no UID; it is recognised by its departure.")
        stay = FeedStay(
            entry.uid or f"no-uid:{dates.arrives}/{dates.departs}",
            dates.arrives,
            dates.departs,
            dates.window,
            kind=traits.kind,
            instance=instance_of(event),
            keeps_uid=traits.keeps_uid and bool(entry.uid),
            is_cancelled=_text(event, "STATUS").strip().upper() == "CANCELLED",
            sequence=_sequence(event),
            guest_name=traits.guest_name,
            phone_last4=traits.phone_last4,
            reservation_code=traits.reservation_code,
        )
        return Edition(stay, _revised_at(event))

    def _skip(self, entry: _Found, unreadable: EntryUnreadable) -> None:
        fault = FeedFault(entry.where, unreadable.what, unreadable.next_step, entry.uid or None)
        self._faults.append(fault)

    def _note(self, entry: _Found, what: str) -> None:
        self._faults.append(FeedFault(entry.where, what, _KEPT, entry.uid or None, is_skipped=False))


def _text(event: Event, name: str) -> str:
    value = event.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value)


def _sequence(event: Event) -> int:
    value = event.get("SEQUENCE", 0)
    return int(value) if isinstance(value, int) else 0


def _revised_at(event: Event) -> datetime:
    for name in ("LAST-MODIFIED", "DTSTAMP"):
        at = getattr(event.get(name), "dt", None)
        if isinstance(at, datetime):
            return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)
