"""The page on which somebody connects an account of theirs: /connect/TOKEN. Whoever has the link is let in; what is
entered goes to the vendor and nowhere else, and is never shown again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lockstep.http.connect.look import stylesheet
from lockstep.http.pages.faults import status_of, tell_of_faults
from lockstep.http.pages.rendering import Templates
from lockstep.http.pages.serving import (
    PageRoute,
    WithHeaders,
    form_of,
    policy_with_forms_to,
    require_own_page,
)
from lockstep.http.rate_limit import RateLimit
from lockstep.operations import connecting_by_link
from lockstep.operations.connect_webviews import PAGE
from lockstep.operations.connecting_by_link import Invitation
from lockstep.operations.errors import LinkOver, Problem
from lockstep.operations.gate import Gate
from lockstep.operations.offers import Offer

log = structlog.get_logger()

_PATH = f"{PAGE}/{{token}}"
_BURST = 10
_PER_SECOND = 0.2
"""Attempts to connect, for each link: a vendor counts them, too."""
_NOT_CREDENTIALS = ("vendor",)


class ConnectPages:
    """Routes of the page."""

    def __init__(self, gate: Gate, public_url: str | None, monotonic: Callable[[], float]) -> None:
        self._gate = gate
        self._public_url = public_url
        self._templates = Templates("lockstep.http.connect")
        self._attempts = RateLimit(_PER_SECOND, _BURST, monotonic)

    def app(self) -> Starlette:
        app = Starlette(
            routes=[
                PageRoute(_PATH, self._show, methods=["GET"]),
                PageRoute(f"{_PATH}/look.css", self._look, methods=["GET"]),
                PageRoute(_PATH, self._connect, methods=["POST"]),
            ]
        )
        tell_of_faults(app, self._templates, nowhere="Open the whole link that you were given.")
        return app

    async def _show(self, request: Request) -> Response:
        invitation = await connecting_by_link.look(self._gate, request.path_params["token"])
        if invitation.joined is not None:
            values = {"it": invitation, "joined": invitation.joined, "path": request.url.path}
            return self._templates.page("connected.html", values)
        chosen = _chosen(invitation, request.query_params.get("vendor"))
        if chosen is None:
            return self._templates.page("choose.html", {"it": invitation, "path": request.url.path})
        return self._form(request, invitation, chosen)

    async def _look(self, request: Request) -> Response:
        invitation = await connecting_by_link.look(self._gate, request.path_params["token"])
        rules = stylesheet(invitation.button_color, invitation.button_text_color)
        return Response(rules, media_type="text/css")

    async def _connect(self, request: Request) -> Response:
        require_own_page(request, self._public_url)
        token = request.path_params["token"]
        fields = await form_of(request)
        vendor = fields.get("vendor", "")
        invitation = await connecting_by_link.look(self._gate, token)
        chosen = next((o for o in invitation.offers if o.vendor == vendor), None)
        if chosen is None:
            return RedirectResponse(request.url.path, HTTPStatus.SEE_OTHER)
        allowance = self._attempts.take(token)
        if allowance.retry_after is not None:
            seconds = max(1, math.ceil(allowance.retry_after))
            wrong = ("Too many attempts.", f"Try again in {seconds} seconds.")
            page = self._form(request, invitation, chosen, wrong, HTTPStatus.TOO_MANY_REQUESTS)
            page.headers["retry-after"] = str(seconds)
            return page
        given = {name: value for name, value in fields.items() if name not in _NOT_CREDENTIALS}
        try:
            joined = await connecting_by_link.join(self._gate, token, vendor, given)
        except LinkOver:
            raise
        except Problem as problem:
            wrong = (problem.cause, problem.next_step)
            return self._form(request, invitation, chosen, wrong, status_of(problem))
        return RedirectResponse(joined.goes_on_at or request.url.path, HTTPStatus.SEE_OTHER)

    def _form(
        self,
        request: Request,
        it: Invitation,
        chosen: Offer,
        wrong: tuple[str, str] | None = None,
        status: int = HTTPStatus.OK,
    ) -> Response:
        """Nothing that was entered is shown again."""
        values = {
            "it": it,
            "chosen": chosen,
            "asked": [c for c in chosen.credentials if c.is_required],
            "more": [c for c in chosen.credentials if not c.is_required],
            "path": request.url.path,
            "wrong": wrong,
        }
        policy = policy_with_forms_to([it.goes_on_at])
        return self._templates.page("credentials.html", values, status, {"content-security-policy": policy})


def create_connect_pages(
    gate: Gate, public_url: str | None = None, *, monotonic: Callable[[], float] = time.monotonic
) -> WithHeaders:
    """An ASGI application. `public_url`: how the world reaches the pages, where a proxy stands before them."""
    return WithHeaders(ConnectPages(gate, public_url, monotonic).app())


def _chosen(invitation: Invitation, asked: str | None) -> Offer | None:
    """Where there is no choice, none is asked for."""
    if len(invitation.offers) == 1:
        return invitation.offers[0]
    return next((offer for offer in invitation.offers if offer.vendor == asked), None)
