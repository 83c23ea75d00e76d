"""/v1/calendars: booking feeds of spaces, and what is done about a feed that lost too much at once."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field, StrictInt
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import Duration, LongText, PathId, PublicId, QueryId, Sent, Text, or_unset
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import calendars
from lockstep.operations.calendars import (
    AddCalendar,
    Calendar,
    ChangeCalendar,
    ListCalendars,
    NameCalendar,
    PolicyChange,
    RemoveCalendar,
)

router = Router(prefix="/v1/calendars", tags=["Calendars"])

Url = Annotated[LongText, Field(examples=["https://www.airbnb.com/calendar/ical/1234567.ics?s=0123abcd"])]
"""http, https or webcal. A secret: it is never shown again, but for its host."""


class Policy(Sent):
    """How far the calendar is believed; what is left out stays, or is the default."""

    pull_every: Duration | None = None
    vanish_after_readings: StrictInt | None = None
    """A stay that vanished is cancelled after so many good readings without it."""
    vanish_over: Annotated[Duration | None, Field(examples=["PT45M"])] = None
    """And not before so long."""
    hold_above_share: Annotated[float | None, Field(strict=True)] = None
    """A reading that loses more than this share of the stays, or all of them, is held until you confirm it."""
    hold_from_stays: StrictInt | None = None
    """The share is looked at from this many stays on."""
    unclear_entries: Literal["all", "short", "by_hand"] | None = None
    """Which entries count as stays where the platform does not tell stays from closures."""
    longest_nights: StrictInt | None = None
    """Of an unclear entry that counts as a stay where these are `short`."""

    def change(self) -> PolicyChange:
        return PolicyChange(**self.model_dump(exclude_none=True))


class CalendarCreation(Sent):
    """A booking calendar (iCal) of a space."""

    space_id: PublicId
    url: Url
    name: Annotated[Text | None, Field(examples=["Airbnb"])] = None
    policy: Policy = Policy()


class CalendarChange(Sent):
    """What is left out stays. Under another address it goes on with the same bookings."""

    url: Url | None = None
    name: Annotated[Text | None, Field(examples=["Airbnb"])] = None
    policy: Policy = Policy()


@router.get("", response_model=Page[Calendar])
async def list_calendars(
    call: Asked, limit: Limit = 50, cursor: Cursor = None, space_id: QueryId = None
) -> Response:
    """List calendars, oldest first; of a space with all that lies in it."""
    of = f"calendars {space_id}"
    command = ListCalendars(limit + 1, call.place(of, cursor), space_id)
    found = await call.read(lambda tx: calendars.listed(tx, call.actor, command))
    return call.page(of, found, limit, lambda calendar: calendar.calendar_id)


@router.post("", response_model=Calendar, status_code=201)
async def add_calendar(call: Asked, body: CalendarCreation) -> Response:
    """Add a calendar; it is read at once, and then every `pull_every`."""
    command = AddCalendar(body.space_id, body.url, body.name, body.policy.change())
    return await call.change(lambda tx: calendars.add(tx, call.actor, command), lambda c: c, status=201)


@router.get("/{calendar_id}", response_model=Calendar)
async def get_calendar(call: Asked, calendar_id: PathId) -> Response:
    """Show one calendar: when it was last read well, and what is odd about it."""
    return answer(await call.read(lambda tx: calendars.get(tx, call.actor, NameCalendar(calendar_id))))


@router.patch("/{calendar_id}", response_model=Calendar)
async def change_calendar(call: Asked, calendar_id: PathId, body: CalendarChange) -> Response:
    """Change a calendar: its address, its name, or how far it is believed."""
    command = ChangeCalendar(calendar_id, or_unset(body.url), or_unset(body.name), body.policy.change())
    return await call.change(lambda tx: calendars.change(tx, call.actor, command), lambda c: c)


@router.delete("/{calendar_id}", status_code=204)
async def remove_calendar(
    call: Asked,
    calendar_id: PathId,
    bookings: Annotated[
        Literal["keep", "cancel"] | None,
        Query(description="What becomes of its stays that are not over; needed where there are any."),
    ] = None,
) -> Response:
    """Remove a calendar, saying what becomes of its bookings. Its address is forgotten."""
    command = RemoveCalendar(calendar_id, bookings)
    return await call.change(lambda tx: calendars.remove(tx, call.actor, command))


@router.post("/{calendar_id}/import", response_model=Calendar)
async def import_calendar(call: Asked, calendar_id: PathId) -> Response:
    """Import a calendar now: it is read as soon as a worker is free."""
    return await call.change(
        lambda tx: calendars.import_now(tx, call.actor, NameCalendar(calendar_id)), lambda c: c
    )


@router.post("/{calendar_id}/confirm", response_model=Calendar)
async def confirm_calendar(call: Asked, calendar_id: PathId) -> Response:
    """Confirm what a held calendar lost: it is really gone, and is cancelled with the next reading, at once."""
    return await call.change(
        lambda tx: calendars.confirm_hold(tx, call.actor, NameCalendar(calendar_id)), lambda c: c
    )


@router.post("/{calendar_id}/release", response_model=Calendar)
async def release_calendar(call: Asked, calendar_id: PathId) -> Response:
    """Release a held calendar: nothing is lost. It is followed again, and held again should it still lack too much."""
    return await call.change(
        lambda tx: calendars.release_hold(tx, call.actor, NameCalendar(calendar_id)), lambda c: c
    )
