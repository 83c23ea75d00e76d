"""Booking calendars as the platforms write them. Written from their real feeds, never from our reader of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

_FOLD_AT = 75


@dataclass(frozen=True, slots=True)
class HostStay:
    """A stay as the platform has it in its own books; `number` is its own and never changes."""

    number: int
    arrives: date
    departs: date
    guest_name: str = field(default="Guest", repr=False)
    phone_last4: str | None = field(default="0000", repr=False)
    is_block: bool = False
    """Closed by the host: nobody comes."""

    @property
    def reservation_code(self) -> str:
        """Ten characters, as Airbnb's: HM and eight more."""
        letters = "ABCDEFGHJKMNPQRSTWXYZ234589"
        digest = hashlib.sha256(f"code {self.number}".encode()).digest()
        return "HM" + "".join(letters[byte % len(letters)] for byte in digest[:8])


def airbnb_calendar(stays: Iterable[HostStay], now: datetime) -> str:
    """Present and future stays, as Airbnb's export of 2025 has them: no names, DTSTAMP anew at every fetch."""
    events = []
    for stay in stays:
        if stay.departs < now.date():
            continue
        prefix = "7f662ec65913" if stay.is_block else "1418fb94e984"
        lines = [
            f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{stay.arrives:%Y%m%d}",
            f"DTEND;VALUE=DATE:{stay.departs:%Y%m%d}",
            f"SUMMARY:{'Airbnb (Not available)' if stay.is_block else 'Reserved'}",
            f"UID:{prefix}-{_hex('airbnb', stay.number)}@airbnb.com",
        ]
        if not stay.is_block and stay.phone_last4 is not None:
            url = f"https://www.airbnb.com/hosting/reservations/details/{stay.reservation_code}"
            note = f"Reservation URL: {url}\\nPhone Number (Last 4 Digits): {stay.phone_last4}"
            lines.append(f"DESCRIPTION:{note}")
        events.append(lines)
    return _calendar("-//Airbnb Inc//Hosting Calendar 1.0//EN", events)


def booking_calendar(stays: Iterable[HostStay], now: datetime) -> str:
    """Booking.com's: stays and closures look alike; while a guest is inside, start and UID move with the day."""
    today = now.date()
    events = []
    for stay in stays:
        if stay.departs <= today:
            continue
        arrives = max(stay.arrives, today)
        uid = _hex("booking", stay.number, arrives if arrives != stay.arrives else "")
        events.append(
            [
                f"DTSTART;VALUE=DATE:{arrives:%Y%m%d}",
                f"DTEND;VALUE=DATE:{stay.departs:%Y%m%d}",
                f"UID:{uid}@booking.com",
                f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
                'ORGANIZER;CN="Booking.com":mailto:noreply@booking.com',
                "SUMMARY:CLOSED - Not available",
            ]
        )
    return _calendar("-//admin.booking.com//NONSGML v1.0//EN", events)


def vrbo_calendar(stays: Iterable[HostStay], now: datetime) -> str:
    """Vrbo's: the guest's name in the summary, past stays too."""
    events = [
        [
            f"UID:{_hex('vrbo', stay.number)}@vrbo.com",
            f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{stay.arrives:%Y%m%d}",
            f"DTEND;VALUE=DATE:{stay.departs:%Y%m%d}",
            f"SUMMARY:{'Blocked' if stay.is_block else f'Reserved - {stay.guest_name}'}",
        ]
        for stay in stays
    ]
    return _calendar("-//HomeAway.com, Inc.//EN", events)


FeedWriter = Callable[[Iterable[HostStay], datetime], str]
FEED_WRITERS: dict[str, FeedWriter] = {
    "airbnb": airbnb_calendar,
    "booking_com": booking_calendar,
    "vrbo": vrbo_calendar,
}


def _calendar(product: str, events: Iterable[list[str]]) -> str:
    lines = ["BEGIN:VCALENDAR", f"PRODID:{product}", "CALSCALE:GREGORIAN", "VERSION:2.0"]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    return "".join(_folded(line) + "\r\n" for line in [*lines, "END:VCALENDAR"])


def _folded(line: str) -> str:
    """RFC 5545 3.1: no line longer than 75 octets; a character stays whole."""
    parts, octets = [""], 0
    for character in line:
        size = len(character.encode())
        if octets + size > _FOLD_AT:
            parts.append(" ")
            octets = 1
        parts[-1] += character
        octets += size
    return "\r\n".join(parts)


def _hex(*what: object) -> str:
    return hashlib.md5(" ".join(map(str, what)).encode(), usedforsecurity=False).hexdigest()
