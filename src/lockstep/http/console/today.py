"""The first page: Today, its live changes, and what can be done from it. Asks operations, decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from lockstep.http.console.live import Live
from lockstep.http.console.needs import needs_of
from lockstep.http.console.visits import Doorman, Visit
from lockstep.http.pages.rendering import Templates
from lockstep.http.pages.serving import PageRoute
from lockstep.model.access_code import Standing
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import again, bookings, calendars, devices, grants, workspaces
from lockstep.operations.bookings import CancelBooking, ConfirmBooking
from lockstep.operations.calendars import NameCalendar
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.grants import Grant
from lockstep.operations.stays import WORST_FIRST
from lockstep.operations.today import AskToday, Today, today

_STANDINGS = [s for s in WORST_FIRST if s is not Standing.GONE]
_MOST_NEEDS = 20

Act = Callable[[Tx, Actor, str], Awaitable[object]]


class TodayPage:
    """Routes of the page."""

    def __init__(self, gate: Gate, doorman: Doorman, templates: Templates, live: Live) -> None:
        self._gate = gate
        self._doorman = doorman
        self._templates = templates
        self._live = live

    def routes(self) -> list[PageRoute]:
        to = self._doorman.to
        acts: dict[str, Act] = {
            "/locks/{id}/look": devices.look_now,
            "/calendars/{id}/confirm": _of_calendar(calendars.confirm_hold),
            "/calendars/{id}/release": _of_calendar(calendars.release_hold),
            "/calendars/{id}/import": _of_calendar(calendars.import_now),
            "/bookings/{id}/confirm": lambda tx, actor, it: bookings.confirm(tx, actor, ConfirmBooking(it)),
            "/bookings/{id}/cancel": lambda tx, actor, it: bookings.cancel(tx, actor, CancelBooking(it)),
            "/workspace/confirm": lambda tx, actor, _: workspaces.confirm(tx, actor),
        }
        return [
            PageRoute("/", to(self._show)),
            PageRoute("/changes", to(self._tell_changes)),
            PageRoute("/stays/{id}/code", to(self._show_code), methods=["POST"]),
            *(PageRoute(path, to(self._doing(act)), methods=["POST"]) for path, act in acts.items()),
        ]

    async def _show(self, visit: Visit) -> Response:
        return self._templates.page("today.html", await self._values(visit.actor, visit.request))

    async def _tell_changes(self, visit: Visit) -> Response:
        async def render() -> str | None:
            actor = await self._doorman.actor_of(visit.session)
            if actor is None:
                return None
            return self._templates.text("_today.html", await self._values(actor, visit.request))

        return StreamingResponse(
            self._live.stream(visit.actor.workspace_id, render),
            media_type="text/event-stream",
            # nginx gathers what it is sent unless it is told not to.
            headers={"x-accel-buffering": "no"},
        )

    async def _show_code(self, visit: Visit) -> Response:
        """The digits of one stay: as a part for the page, or as a page where no script asked."""
        grant_id = visit.request.path_params["id"]

        async def read(tx: Tx) -> tuple[Grant, str | None]:
            grant = await grants.get(tx, visit.actor, grant_id)
            return grant, grants.digits_of(tx, visit.actor, grant.method)

        grant, digits = await again.read(self._gate, visit.actor.workspace_id, read)
        if digits is None:
            raise NotFound("code of the access grant", grant_id)
        name = grant.row.name if visit.actor.may(Scope.GUESTS_READ) else None
        template = "_code.html" if "hx-request" in visit.request.headers else "code.html"
        return self._templates.page(template, {"digits": digits, "name": name, "is_signed_in": True})

    def _doing(self, act: Act) -> Callable[[Visit], Awaitable[Response]]:
        async def do(visit: Visit) -> Response:
            named = visit.request.path_params.get("id", "")
            await again.change(self._gate, visit.actor.workspace_id, lambda tx: act(tx, visit.actor, named))
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)

        return do

    async def _values(self, actor: Actor, request: Request) -> dict[str, Any]:
        asked = _asked(request)
        found = await again.read(self._gate, actor.workspace_id, lambda tx: today(tx, actor, asked))
        needs = needs_of(found)
        return {
            "today": found,
            "now": found.at,
            "zone": _zone(found),
            "needs": needs[:_MOST_NEEDS],
            "further_needs": max(0, len(needs) - _MOST_NEEDS),
            "standings": _STANDINGS,
            "asked": asked,
            "address": lambda **changed: _address(asked, **changed),
            "query": _query(asked),
            "may": lambda scope: actor.may(Scope(scope)),
            "is_signed_in": True,
        }


def _of_calendar(verb: Callable[[Tx, Actor, NameCalendar], Awaitable[object]]) -> Act:
    return lambda tx, actor, calendar_id: verb(tx, actor, NameCalendar(calendar_id))


def _asked(request: Request) -> AskToday:
    """What the address asks for; what cannot be read is left out."""
    standing = request.query_params.get("standing", "")
    return AskToday(
        Standing(standing) if standing in Standing._value2member_map_ else None,
        _number(request.query_params.get("page", "")),
        _number(request.query_params.get("locks", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _query(asked: AskToday, **changed: Any) -> str:
    """The part of the address that asks for this; what is as usual is left out."""
    values = {"standing": asked.standing, "page": asked.page, "locks": asked.locks_page, **changed}
    kept = {name: value for name, value in values.items() if value not in (None, "", 1)}
    return f"?{urlencode(kept)}" if kept else ""


def _address(asked: AskToday, **changed: Any) -> str:
    return f"/{_query(asked, **changed)}"


def _zone(found: Today) -> str | None:
    """The zone that most of the page lives by."""
    zones = [s.time_zone for s in found.stays] + [lock.time_zone for lock in found.locks]
    return next((zone for zone, _ in Counter(z for z in zones if z).most_common(1)), None)
