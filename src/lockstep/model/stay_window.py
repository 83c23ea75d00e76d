"""From a property's zone and hours and the dates of a stay to a window. Knows no feed and no lock.

A clock time that does not exist (clocks go forward) is read with the offset before the change, as RFC 5545
3.3.5 says, and so moves forward. One that exists twice (clocks go back) counts as its first for an arrival,
as its second for a departure: nobody stands before a closed door because of the hour that the clocks took.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from lockstep.model.window import Window


class TimeZoneUnknown(ValueError):
    """The time zone is not known. Name one of the IANA database, such as Europe/Lisbon."""

    code = "time_zone_unknown"


@dataclass(frozen=True, slots=True)
class HouseTimes:
    """A property's zone (IANA name) and its hours, as clocks on its wall show them."""

    time_zone: str
    check_in: time = time(15)
    check_out: time = time(11)

    @property
    def zone(self) -> ZoneInfo:
        """Raises TimeZoneUnknown."""
        return zone_named(self.time_zone)

    def date_of(self, at: datetime) -> date:
        """The date at the property at the instant `at`."""
        return at.astimezone(self.zone).date()


def stay_window(arrives: date, departs: date, house: HouseTimes) -> Window:
    """From check-in on `arrives` to check-out on `departs`. Raises WindowEmpty, TimeZoneUnknown."""
    return Window(
        arrival_instant(datetime.combine(arrives, house.check_in), house.zone),
        departure_instant(datetime.combine(departs, house.check_out), house.zone),
    )


def arrival_instant(local: datetime, zone: tzinfo) -> datetime:
    """The instant, UTC, at which clocks in `zone` first show `local` (naive)."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def departure_instant(local: datetime, zone: tzinfo) -> datetime:
    """The instant, UTC, at which clocks in `zone` last show `local` (naive)."""
    first = arrival_instant(local, zone)
    exists = first.astimezone(zone).replace(tzinfo=None, fold=0) == local
    return local.replace(tzinfo=zone, fold=1).astimezone(UTC) if exists else first


def zone_named(name: str) -> ZoneInfo:
    """Raises TimeZoneUnknown."""
    try:
        return ZoneInfo(name)
    # Depending on the text, zoneinfo raises KeyError, ValueError or what the file system says to it.
    except (KeyError, ValueError, OSError):
        raise TimeZoneUnknown(f"{TimeZoneUnknown.__doc__} ({name!r})") from None
