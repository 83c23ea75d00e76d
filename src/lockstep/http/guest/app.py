"""The guest's page: /instant-key/TOKEN. It shows the codes and windows of whoever was given the link, and opens doors
that can be opened from afar.

A link is used by a browser, not by looking at it: programs that preview links in messages ask for the page too. So it
shows a button first; pressing it counts, and a cookie lets that browser in from then on."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lockstep.http.pages.faults import tell_of_faults
from lockstep.http.pages.rendering import Templates
from lockstep.http.pages.serving import PageRoute, WithHeaders, form_of, require_own_page
from lockstep.http.rate_limit import RateLimit
from lockstep.kit.sealing import derive
from lockstep.operations import guest_visits
from lockstep.operations.errors import Problem
from lockstep.operations.gate import Gate
from lockstep.operations.guest_visits import PAGE

_PATH = f"{PAGE}/{{token}}"
_BURST, _PER_SECOND = 5, 1 / 12
"""Doors opened, for each link: as often as somebody stands before one."""


class GuestPages:
    """Routes of the page."""

    def __init__(self, gate: Gate, public_url: str | None, monotonic: Callable[[], float]) -> None:
        self._gate = gate
        self._public_url = public_url
        self._templates = Templates("lockstep.http.guest")
        self._secret = derive(gate.sealer.fingerprint_key, "cookies of the guest's page")
        self._unlocks = RateLimit(_PER_SECOND, _BURST, monotonic)

    def app(self) -> Starlette:
        app = Starlette(
            routes=[
                PageRoute(_PATH, self._show, methods=["GET"]),
                PageRoute(_PATH, self._enter, methods=["POST"]),
                PageRoute(f"{_PATH}/unlock", self._unlock, methods=["POST"]),
            ]
        )
        tell_of_faults(app, self._templates, nowhere="Open the whole link that you were given.")
        return app

    async def _show(self, request: Request) -> Response:
        return await self._page(request)

    async def _enter(self, request: Request) -> Response:
        require_own_page(request, self._public_url)
        token = request.path_params["token"]
        if not self._has_entered(request):
            visit = await guest_visits.enter(self._gate, token)
            answer = RedirectResponse(request.url.path, HTTPStatus.SEE_OTHER)
            lasts = visit.expires_at - self._gate.clock.now()
            answer.set_cookie(
                self._cookie,
                self._pass_for(token),
                max_age=max(1, int(lasts.total_seconds())),
                path=request.url.path,
                httponly=True,
                # Lax: whoever comes by the link in a mail on the web comes from another site, and has entered all the
                # same. What forms do is held to our own page besides.
                samesite="lax",
                secure=self._is_secure(request),
            )
            return answer
        return RedirectResponse(request.url.path, HTTPStatus.SEE_OTHER)

    async def _unlock(self, request: Request) -> Response:
        require_own_page(request, self._public_url)
        token = request.path_params["token"]
        home = request.url.path.removesuffix("/unlock")
        if not self._has_entered(request):
            return RedirectResponse(home, HTTPStatus.SEE_OTHER)
        allowance = self._unlocks.take(token)
        if allowance.retry_after is not None:
            seconds = max(1, math.ceil(allowance.retry_after))
            wrong = ("That was often.", f"Try again in {seconds} seconds.")
            page = await self._page(request, wrong, HTTPStatus.TOO_MANY_REQUESTS)
            page.headers["retry-after"] = str(seconds)
            return page
        device_id = (await form_of(request)).get("door", "")
        try:
            attempt = await guest_visits.unlock(self._gate, token, device_id)
        except Problem as problem:
            return await self._page(request, (problem.cause, _for_guests(problem)), HTTPStatus.CONFLICT)
        return RedirectResponse(f"{home}?attempt={attempt.action_attempt_id}", HTTPStatus.SEE_OTHER)

    async def _page(
        self, request: Request, wrong: tuple[str, str] | None = None, status: int = HTTPStatus.OK
    ) -> Response:
        token = request.path_params["token"]
        path = request.url.path.removesuffix("/unlock")
        if not self._has_entered(request):
            visit = await guest_visits.look(self._gate, token)
            return self._templates.page("enter.html", {"it": visit, "path": path}, status)
        asked = request.query_params.get("attempt")
        opened = await guest_visits.open_page(self._gate, token, asked)
        values = {"it": opened.visit, "doors": opened.doors, "attempt": opened.attempt, "now": opened.at}
        return self._templates.page("doors.html", {**values, "path": path, "wrong": wrong}, status)

    def _has_entered(self, request: Request) -> bool:
        given = request.cookies.get(self._cookie, "")
        return hmac.compare_digest(given.encode(), self._pass_for(request.path_params["token"]).encode())

    def _pass_for(self, token: str) -> str:
        return hmac.digest(self._secret, token.encode(), hashlib.sha256).hex()

    _cookie = "lockstep-key"

    def _is_secure(self, request: Request) -> bool:
        return request.url.scheme == "https" or (self._public_url or "").startswith("https://")


def create_guest_pages(
    gate: Gate, public_url: str | None = None, *, monotonic: Callable[[], float] = time.monotonic
) -> WithHeaders:
    """An ASGI application. `public_url`: how the world reaches the pages, where a proxy stands before them."""
    return WithHeaders(GuestPages(gate, public_url, monotonic).app())


def _for_guests(problem: Problem) -> str:
    """What operators would do about it helps nobody at the door."""
    return problem.next_step if problem.code == "cannot_unlock" else "Use your code, or ask your host."
