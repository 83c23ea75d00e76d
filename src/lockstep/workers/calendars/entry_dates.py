"""When an entry of a calendar lasts: its dates at the property and its window. Knows no platform.

Entries with dates take the property's check-in and check-out times. Entries with clock times keep their own,
unless both are midnight on their own clocks, which is how some systems write a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import cast

from icalendar import Event
from icalendar.timezone import tzp

from lockstep.model.stay_window import HouseTimes, arrival_instant, departure_instant, stay_window
from lockstep.model.window import Window, WindowEmpty

_CORRECT = "Correct it where it was entered; the other entries are followed."


class EntryUnreadable(ValueError):
    """The entry cannot be read."""

    code = "entry_unreadable"

    def __init__(self, what: str, next_step: str = _CORRECT) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class EntryDates:
    """`arrives` and `departs` are dates at the property."""

    arrives: date
    departs: date
    window: Window
    is_zone_unknown: bool = False
    """The entry names a zone that nobody knows, and was read by the property's clocks."""


def dates_of(event: Event, house: HouseTimes) -> EntryDates:
    """Raises EntryUnreadable."""
    starts, ends = _start_and_end(event)
    try:
        if not isinstance(starts, datetime) or not isinstance(ends, datetime):
            return _by_date(starts, ends, house)
        if starts.time() == ends.time() == time():
            return _by_date(starts.date(), ends.date(), house)
        return _by_clock(event, starts, ends, house)
    except WindowEmpty:
        raise EntryUnreadable("It ends before it starts, or at the same moment.") from None
    except OverflowError:
        raise EntryUnreadable("Its dates are beyond any calendar.") from None


def _start_and_end(event: Event) -> tuple[date, date]:
    for name in ("DTSTART", "DTEND", "DURATION"):
        if isinstance(event.get(name), list):
            raise EntryUnreadable(f"It has more than one {name}.")
        if any(broken == name for broken, _ in event.errors):
            raise EntryUnreadable(f"Its {name} cannot be read.")
    if "DTSTART" not in event:
        raise EntryUnreadable("It has no start (DTSTART).")
    try:
        starts, ends = event.start, event.end
    except (ValueError, TypeError, OverflowError):
        raise EntryUnreadable("Its start and its end contradict each other.") from None
    if isinstance(starts, datetime) != isinstance(ends, datetime):
        raise EntryUnreadable("Of its start and its end one is a date and the other a time.")
    return starts, ends


def _by_date(arrives: date, departs: date, house: HouseTimes) -> EntryDates:
    if departs <= arrives:
        raise EntryUnreadable("It ends before it starts, or on the same day, so it has no night.")
    return EntryDates(arrives, departs, stay_window(arrives, departs, house))


def _by_clock(event: Event, starts: datetime, ends: datetime, house: HouseTimes) -> EntryDates:
    from_zone, is_from_unknown = _zone(event, "DTSTART", starts, house)
    to_zone, is_to_unknown = _zone(event, "DTEND" if "DTEND" in event else "DTSTART", ends, house)
    opens = arrival_instant(starts.replace(tzinfo=None), from_zone)
    closes = departure_instant(ends.replace(tzinfo=None), to_zone)
    dates = house.date_of(opens), house.date_of(closes)
    return EntryDates(*dates, Window(opens, closes), is_from_unknown or is_to_unknown)


def _zone(event: Event, name: str, at: datetime, house: HouseTimes) -> tuple[tzinfo, bool]:
    """The clocks that `at` is read by, and whether the entry named others in vain."""
    if at.tzinfo is not None:
        return at.tzinfo, False
    named = event[name].params.get("TZID")
    if named is None:
        return house.zone, False
    # A description of the zone that follows the entry is known only now.
    # icalendar 7.3 declares this to return `datetime.tzinfo` of the wrong `datetime`.
    zone = cast(tzinfo | None, tzp.timezone(str(named)))
    return (house.zone, True) if zone is None else (zone, False)
