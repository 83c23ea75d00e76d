"""Types of what callers send: strict, and nothing that the database or a vendor would choke on later."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query
from msgspec import UNSET, UnsetType
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

from lockstep.http.storable import what_cannot_be_stored


class Sent(BaseModel):
    """Of every request body: no field that is not known, no value taken for another type."""

    # Built when its route is first asked: for all of them at once it takes a tenth of what a start takes.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


def _is_storable(text: str) -> str:
    fault = what_cannot_be_stored(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def _is_written_out(value: Any) -> Any:
    # Pydantic takes numbers for seconds since 1970, in text too.
    if isinstance(value, str) and "-" in value[1:]:
        return value
    if isinstance(value, datetime):
        return value
    raise ValueError("An instant is text such as 2026-06-01T15:00:00Z.")


def _is_near(at: datetime) -> datetime:
    # Far enough from the ends of the calendar to be told in any zone.
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise ValueError(f"An instant lies between the years {_FIRST_YEAR} and {_LAST_YEAR}.")
    return at


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("A day is text such as 2026-06-01.") from None


def _hour(value: Any) -> time:
    try:
        hour = time.fromisoformat(value)
    except (TypeError, ValueError):
        hour = None
    if hour is None or hour.tzinfo is not None or ":" not in value:
        raise ValueError("An hour is text such as 15:00, in the property's own zone.")
    return hour


def _is_duration(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("P"):
        return value
    raise ValueError("A duration is text such as PT15M.")


_FIRST_YEAR, _LAST_YEAR = 1970, 2200


Text = Annotated[StrictStr, AfterValidator(_is_storable), Field(min_length=1, max_length=200)]
LongText = Annotated[StrictStr, AfterValidator(_is_storable), Field(min_length=1, max_length=2000)]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_is_written_out),
    AfterValidator(_is_near),
    Field(examples=["2026-06-01T15:00:00Z"]),
]
"""With an offset, as text; never a number."""
Day = Annotated[date, BeforeValidator(_day), Field(examples=["2026-06-01"])]
"""At the property."""
HourOfDay = Annotated[time, BeforeValidator(_hour), Field(examples=["15:00"])]
"""Of the property's own clock."""
Duration = Annotated[timedelta, BeforeValidator(_is_duration), Field(examples=["PT15M"])]
"""ISO 8601."""
PublicId = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""In a body."""
PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""In a path: `event_id: PathId`."""
QueryId = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Of a list's filter: `space_id: QueryId = None`."""
QueryIds = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] | None,
    Query(max_length=100, description="Only these; the parameter is repeated for each."),
]
"""Of a list's filter that names several: `action_attempt_id: QueryIds = None`."""

T = TypeVar("T")


def or_unset(value: T | None) -> T | UnsetType:
    """Of a change's field that cannot be taken away: null and left out alike mean that it stays."""
    return UNSET if value is None else value


def if_sent(body: BaseModel, name: str) -> Any:
    """Of a change's field that can be taken away: left out it stays, null takes it away."""
    return getattr(body, name) if name in body.model_fields_set else UNSET
