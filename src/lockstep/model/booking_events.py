"""Events of bookings and of the calendars that tell them; `events` lists all kinds."""

from __future__ import annotations

from lockstep.kit.frozen import dataclass
from lockstep.model.event import Event, Failed


@dataclass(frozen=True, kw_only=True)
class BookingEvent(Event):
    booking_id: str
    calendar_id: str | None = None


class BookingCreated(BookingEvent):
    """A stay was imported or entered."""

    kind = "booking.created"


class BookingChanged(BookingEvent):
    """Its dates, guest or state changed."""

    kind = "booking.changed"


class BookingCancelled(BookingEvent):
    """The stay will not take place."""

    kind = "booking.cancelled"


@dataclass(frozen=True, kw_only=True)
class BookingHeld(BookingEvent, Failed):
    """What is said of it cannot be followed yet, for the cause that is told: it gives no access, or the access that it
    gave before."""

    kind = "booking.held"


class BookingReleased(BookingEvent):
    """What it was held for is over, or the stay is: its access is as the booking says."""

    kind = "booking.released"


@dataclass(frozen=True, kw_only=True)
class CalendarEvent(Failed):
    calendar_id: str


class CalendarAdded(CalendarEvent):
    """A calendar link was added to a property."""

    kind = "calendar.added"


class CalendarChanged(CalendarEvent):
    """Its name, or how far it is believed, changed."""

    kind = "calendar.changed"


class CalendarWarned(CalendarEvent):
    """It was followed only in part, or something in it is odd: said once each time that it appears."""

    kind = "calendar.warned"


class CalendarRemoved(CalendarEvent):
    """A calendar link was removed."""

    kind = "calendar.removed"


class CalendarHeld(CalendarEvent):
    """It lost too much at once: what it takes away is held until confirmed by hand."""

    kind = "calendar.held"


class CalendarReleased(CalendarEvent):
    """What was held is obeyed, or was dismissed."""

    kind = "calendar.released"


class CalendarFailed(CalendarEvent):
    """It cannot be read; what is known from it stays as it is."""

    kind = "calendar.failed"


class CalendarRecovered(CalendarEvent):
    """It can be read again."""

    kind = "calendar.recovered"
