"""What needs somebody: failed codes, held stays, accounts, calendars and locks in trouble, each with its next step,
worst first.

Codes that fail on one lock for one cause are one line, or an outage would bury everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lockstep.model.lock_health import BATTERY_LOW
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.arrivals import SPAN, Ahead
from lockstep.operations.bookings import Booking
from lockstep.operations.calendars import Calendar
from lockstep.operations.lock_states import LockState
from lockstep.operations.stays import Late, Stay
from lockstep.operations.today import Today


class Ask(StrEnum):
    """What can be done about it here."""

    NOTHING = "nothing"
    LOOK = "look"
    """Look at this lock now."""
    HOLD = "hold"
    """Confirm or release what this calendar lost."""
    IMPORT = "import"
    """Read this calendar now."""
    STAY = "stay"
    """Say whether this booking is a stay."""
    RULE = "rule"
    """Confirm that this database is the one that rules."""


@dataclass(frozen=True, slots=True)
class Need:
    """`id`: of the lock, booking or calendar that `ask` is about. `since` is told in `time_zone`."""

    title: str
    cause: str
    next_step: str
    is_urgent: bool = True
    """Else it is a note: nobody stands before a closed door because of it."""
    since: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """When what it is about begins and ends."""
    time_zone: str | None = None
    ask: Ask = Ask.NOTHING
    id: str = ""


def needs_of(today: Today) -> list[Need]:
    """Urgent ones first."""
    found = [
        *_ruling(today),
        *_codes(today.late),
        *_doorless(today.doorless),
        *_awaiting(today.awaiting, today.at),
        *_ahead(today.ahead),
        *_bookings(today.held),
        *_accounts(today.accounts),
        *_calendars(today.calendars),
    ]
    told = {need.id for need in found if need.ask is Ask.LOOK}
    found += _locks([lock for lock in today.ailing if lock.lock_id not in told])
    return sorted(found, key=lambda need: not need.is_urgent)


def _ruling(today: Today) -> Iterator[Need]:
    if not today.is_ruling:
        yield Need(
            "This database was restored or copied",
            "Lockstep only looks: no lock is written to, so that two systems do not fight over it.",
            "If this is the one that rules from now on, confirm it.",
            ask=Ask.RULE,
        )


def _codes(late: Sequence[Late]) -> Iterator[Need]:
    groups: dict[tuple[str, str, bool], list[Late]] = {}
    for one in late:
        groups.setdefault((one.door.lock_id, one.door.reason.cause, one.is_removal), []).append(one)
    for (lock_id, cause, is_removal), of in groups.items():
        first = of[0]
        names = list(dict.fromkeys(one.stay.name or "a guest" for one in of))
        what = "A code that should be gone" if is_removal else "The code"
        yield Need(
            f"{first.door.lock}: {what.lower()} of {_some(names)}",
            _without(cause, first.door.lock),
            first.door.reason.next_step,
            since=min((one.since for one in of if one.since), default=None),
            time_zone=first.stay.time_zone,
            ask=Ask.LOOK if first.can_look else Ask.NOTHING,
            id=lock_id,
        )


def _doorless(stays: Sequence[Stay]) -> Iterator[Need]:
    groups: dict[tuple[str, str], list[Stay]] = {}
    for stay in stays:
        if stay.obstacle is not None:
            groups.setdefault((_place(stay), stay.obstacle.code), []).append(stay)
    for (place, _), of in groups.items():
        obstacle = of[0].obstacle
        assert obstacle is not None, "only such are grouped"
        names = list(dict.fromkeys(stay.name or "a guest" for stay in of))
        yield Need(f"{place}: nothing opens for {_some(names)}", obstacle.cause, obstacle.next_step)


def _awaiting(stays: Sequence[Stay], now: datetime) -> Iterator[Need]:
    for stay in stays:
        if stay.obstacle is not None:
            soon = stay.starts_at <= now + SPAN
            yield Need(
                f"{_place(stay)}: is this a stay?",
                stay.obstacle.cause,
                "Say which it is.",
                is_urgent=soon,
                time_zone=stay.time_zone,
                ask=Ask.STAY,
                id=stay.booking_id or "",
                starts_at=stay.starts_at,
                ends_at=stay.ends_at,
            )


def _ahead(ahead: Sequence[Ahead]) -> Iterator[Need]:
    groups: dict[tuple[tuple[str, ...], str], list[Ahead]] = {}
    for one in ahead:
        where = one.locks or (one.row.space_name,)
        groups.setdefault((where, one.obstacle.code), []).append(one)
    for (where, _), of in groups.items():
        count = sum(one.row.stays for one in of)
        yield Need(
            f"{_some(where)}: closed to {count} {'stay' if count == 1 else 'stays'} of the coming week",
            of[0].obstacle.cause,
            of[0].obstacle.next_step,
            is_urgent=False,
            time_zone=of[0].row.time_zone,
            starts_at=of[0].row.first_at,
        )


def _place(stay: Stay) -> str:
    return stay.space_name or stay.property_name or "Somewhere"


def _bookings(held: Sequence[Booking]) -> Iterator[Need]:
    for booking in held:
        if booking.held is not None:
            yield Need(
                f"{booking.guest_name or 'A guest'}, from {booking.arrives}: no code as it should be",
                booking.held.cause,
                f"{booking.held.next_step} It is tried again by itself.",
                since=booking.held.at,
                time_zone=booking.time_zone,
            )


_STATES = {
    "credentials_refused": "the vendor refuses its credentials",
    "parked": "parked",
    "disconnecting": "being disconnected",
}


def _accounts(accounts: Sequence[ConnectedAccount]) -> Iterator[Need]:
    for account in accounts:
        failure = account.failure
        if failure is None and account.state in ("active", "disconnecting"):
            continue
        yield Need(
            f"{account.label}: {_STATES.get(account.state, 'the vendor cannot be asked')}",
            failure.cause if failure else "Nothing can be read from its locks or written to them.",
            failure.next_step if failure else "Give new credentials to this account.",
            since=failure.at if failure else None,
        )


def _calendars(calendars: Sequence[Calendar]) -> Iterator[Need]:
    for calendar in calendars:
        if calendar.held is not None:
            yield Need(
                f"{calendar.name}: held",
                f"It lost {len(calendar.held.lost_booking_ids)} of {calendar.held.live} stays at once, "
                "so what it takes away is not obeyed.",
                "Look at the calendar where it is kept. Are these stays really gone?",
                since=calendar.held.since,
                ask=Ask.HOLD,
                id=calendar.calendar_id,
            )
        if calendar.failure is not None:
            yield Need(
                f"{calendar.name}: cannot be read",
                calendar.failure.cause,
                calendar.failure.next_step,
                since=calendar.failure.since,
                ask=Ask.IMPORT,
                id=calendar.calendar_id,
            )
        for warning in calendar.warnings:
            yield Need(calendar.name, warning.what, warning.next_step, is_urgent=warning.may_lack_a_stay)


def _locks(ailing: Sequence[LockState]) -> Iterator[Need]:
    for lock in ailing:
        for trouble in lock.troubles:
            yield Need(
                lock.name,
                _without(trouble.cause, lock.name),
                trouble.next_step,
                is_urgent=lock.is_online is False,
                time_zone=lock.time_zone,
                ask=Ask.NOTHING if trouble is BATTERY_LOW else Ask.LOOK,
                id=lock.lock_id,
            )


def _some(names: Sequence[str]) -> str:
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} others"


def _without(cause: str, lock: str) -> str:
    """Causes name their lock, for whoever reads them elsewhere; here it stands above."""
    return cause.removeprefix(f"{lock}: ")
