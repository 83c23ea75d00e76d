"""The window of a booking from what was said of it: dates at the property, instants, or one of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from lockstep.model.stay_window import HouseTimes, arrival_instant, departure_instant
from lockstep.model.window import InstantNaive, Window, WindowEmpty
from lockstep.operations.errors import Invalid

_YEARS = range(2000, 2200)


class Said(Protocol):
    """Of the start `arrives` or `starts_at`, of the end `departs` or `ends_at`; None: nothing is said."""

    @property
    def arrives(self) -> date | None: ...
    @property
    def starts_at(self) -> datetime | None: ...
    @property
    def departs(self) -> date | None: ...
    @property
    def ends_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class StayWindow:
    """A window that has both ends."""

    starts_at: datetime
    ends_at: datetime


def window_said(said: Said, house: HouseTimes, before: StayWindow | None = None) -> StayWindow:
    """What was said, in instants; what was not said, as before. Raises Invalid."""
    starts_at = _start(said, house) or (before.starts_at if before else None)
    ends_at = _end(said, house) or (before.ends_at if before else None)
    if starts_at is None or ends_at is None:
        missing = "arrives or starts_at" if starts_at is None else "departs or ends_at"
        raise Invalid(
            f"A booking needs {missing}.",
            code="window_incomplete",
            next_step="Give a date at the property, or an instant.",
            field=missing.split(maxsplit=1)[0],
        )
    try:
        window = Window(starts_at, ends_at)
    except WindowEmpty:
        raise Invalid(
            "The end does not lie after the start.",
            code=WindowEmpty.code,
            next_step="Correct one of the two.",
            field=field_to_correct(said),
        ) from None
    assert window.ends_at is not None
    return StayWindow(window.starts_at, window.ends_at)


def field_to_correct(said: Said) -> str | None:
    """Of a window that cannot be, the field that was sent: its end, or else its start."""
    return next(
        (f for f in ("departs", "ends_at", "arrives", "starts_at") if getattr(said, f) is not None), None
    )


def _start(said: Said, house: HouseTimes) -> datetime | None:
    _once(said.arrives, said.starts_at, "arrives", "starts_at")
    if said.arrives is None:
        return _aware(said.starts_at, "starts_at")
    return arrival_instant(datetime.combine(_near(said.arrives, "arrives"), house.check_in), house.zone)


def _end(said: Said, house: HouseTimes) -> datetime | None:
    _once(said.departs, said.ends_at, "departs", "ends_at")
    if said.departs is None:
        return _aware(said.ends_at, "ends_at")
    return departure_instant(datetime.combine(_near(said.departs, "departs"), house.check_out), house.zone)


def _once(day: date | None, at: datetime | None, day_field: str, at_field: str) -> None:
    if day is not None and at is not None:
        raise Invalid(
            f"{day_field} and {at_field} are two ways to say the same.",
            code="window_said_twice",
            next_step="Leave one of them out.",
            field=at_field,
        )


def _aware(at: datetime | None, field: str) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise Invalid(
            "The instant carries no time zone.",
            code=InstantNaive.code,
            next_step="Give it with an offset, such as 2026-06-01T15:00:00Z.",
            field=field,
        )
    if at is not None:
        _near(at.date(), field)
    return at


def _near(day: date, field: str) -> date:
    if day.year not in _YEARS:
        raise Invalid(f"The year {day.year} is no year of a stay.", code="date_out_of_range", field=field)
    return day
