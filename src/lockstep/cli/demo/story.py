"""The story: who stays where and when, what is edited meanwhile, who walks up to which door; and what should open.

What should open is worked out from the calendars as they stood and from nothing else: this file knows Lockstep not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from lockstep.emulation.feed_text import HostStay

ZONE = "Europe/Amsterdam"
CHECK_IN, CHECK_OUT = time(15), time(11)
BEGINS = datetime(2026, 6, 1, 4, tzinfo=UTC)
FRONT, FLAT_1, FLAT_2 = "Front door", "Flat 1", "Flat 2"
DOORS = (FRONT, FLAT_1, FLAT_2)
DOORS_OF = {FLAT_1: (FRONT, FLAT_1), FLAT_2: (FRONT, FLAT_2)}

ANNA = HostStay(1, date(2026, 6, 1), date(2026, 6, 2), "Anna", "7314")
BEN = HostStay(2, date(2026, 6, 2), date(2026, 6, 3), "Ben", "2846")
CHLOE = HostStay(3, date(2026, 6, 1), date(2026, 6, 2), "Chloe", "5521")
CHLOE_EXTENDED = HostStay(3, date(2026, 6, 1), date(2026, 6, 3), "Chloe", "5521")
DAVID = HostStay(4, date(2026, 6, 3), date(2026, 6, 4), "David", "9183")
EMMA = HostStay(5, date(2026, 6, 3), date(2026, 6, 4), "Emma", "6672")
FINN = HostStay(6, date(2026, 6, 4), date(2026, 6, 6), "Finn", "3058")
"""Books when the story is told, so that the first page has somebody to expect."""
STAYS = {s.number: s for s in (ANNA, BEN, CHLOE, DAVID, EMMA)}
GUESTS = {number: s.guest_name for number, s in STAYS.items()}


class What(StrEnum):
    """What happens to the world besides the passing of time."""

    EXTENDED = "extended"
    CANCELLED = "cancelled"
    EDITED_IN_APP = "edited in the app"
    OFFLINE = "lock goes offline"
    ONLINE = "lock is back"


@dataclass(frozen=True, slots=True)
class Happening:
    at: datetime
    what: What
    told: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Guest `number` of `flat` types the code that they were given, at `door`."""

    at: datetime
    number: int
    flat: str
    door: str
    when: str

    @property
    def is_theirs(self) -> bool:
        """Whether the door belongs to the flat that they booked; the neighbour's never opens for them."""
        return self.door in DOORS_OF[self.flat]


@dataclass(slots=True)
class Books:
    """The two flats' calendars as the platform has them now, and the house's hours; the story edits them."""

    check_in: time = CHECK_IN
    check_out: time = CHECK_OUT
    stays: dict[str, list[HostStay]] = field(
        default_factory=lambda: {FLAT_1: [ANNA, BEN, EMMA], FLAT_2: [CHLOE, DAVID]}
    )

    def extend_chloe(self) -> None:
        self.stays[FLAT_2][0] = CHLOE_EXTENDED

    def cancel_david(self) -> None:
        self.stays[FLAT_2].remove(DAVID)

    def book_finn(self) -> None:
        self.stays[FLAT_2].append(FINN)

    def should_open(self, visit: Visit) -> bool:
        """Whether the guest of this visit may pass this door at this instant, by the calendars alone."""
        return any(
            stay.number == visit.number
            and visit.door in DOORS_OF[flat]
            and local(stay.arrives, self.check_in) <= visit.at < local(stay.departs, self.check_out)
            for flat, stays in self.stays.items()
            for stay in stays
        )


def local(day: date, at: time) -> datetime:
    """An hour of the house's clock as an instant."""
    return datetime.combine(day, at, ZoneInfo(ZONE)).astimezone(UTC)


def happenings() -> list[Happening]:
    """In their order."""
    night = local(date(2026, 6, 2), time(2))
    morning = local(date(2026, 6, 2), time(7, 30))
    return [
        Happening(night, What.EDITED_IN_APP, "somebody cuts Anna's code at Flat 1 short in the vendor's app"),
        Happening(morning, What.OFFLINE, "the lock of Flat 2 goes offline"),
        Happening(morning + timedelta(minutes=30), What.EXTENDED, "Chloe stays one night more"),
        Happening(morning + timedelta(hours=2), What.ONLINE, "the lock of Flat 2 is back"),
        Happening(local(date(2026, 6, 2), time(18)), What.CANCELLED, "David cancels"),
    ]


def visits() -> list[Visit]:
    """Before, at, during and after each stay, at each of the three doors: its own, and then the neighbour's."""
    return sorted((v for flat, stays in _TOLD.items() for s in stays for v in _visits(flat, s)), key=_order)


_TOLD = {FLAT_1: (ANNA, BEN, EMMA), FLAT_2: (CHLOE_EXTENDED, DAVID)}


def _order(visit: Visit) -> tuple[datetime, str, bool, str]:
    return visit.at, visit.flat, not visit.is_theirs, visit.door


def _visits(flat: str, stay: HostStay) -> Iterator[Visit]:
    starts_at, ends_at = local(stay.arrives, CHECK_IN), local(stay.departs, CHECK_OUT)
    moments = [
        (starts_at - timedelta(hours=1), "an hour before"),
        (starts_at, "at check-in"),
        (starts_at + (ends_at - starts_at) / 2, "during"),
        (ends_at - timedelta(minutes=1), "a minute before check-out"),
        (ends_at + timedelta(minutes=1), "a minute after"),
    ]
    if stay is CHLOE_EXTENDED:
        moments.insert(3, (local(CHLOE.departs, CHECK_OUT) + timedelta(minutes=5), "after the old check-out"))
    for at, when in moments:
        for door in DOORS:
            yield Visit(at, stay.number, flat, door, when)
