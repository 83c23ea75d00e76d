"""The page that shows a customer their places, devices and codes: /portal/TOKEN. It changes nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from lockstep.http.pages.faults import tell_of_faults
from lockstep.http.pages.rendering import Templates
from lockstep.http.pages.serving import POLICY, POLICY_WITHIN_OTHERS, PageRoute, WithHeaders
from lockstep.http.rate_limit import RateLimit
from lockstep.operations import portals
from lockstep.operations.gate import Gate

_BURST, _PER_SECOND = 30, 0.5
"""Looks, for each link: one reads all of a customer's locks from the database."""


class PortalPage:
    """Routes of the page."""

    def __init__(self, gate: Gate, monotonic: Callable[[], float]) -> None:
        self._gate = gate
        self._templates = Templates("lockstep.http.portal")
        self._looks = RateLimit(_PER_SECOND, _BURST, monotonic)

    def app(self) -> Starlette:
        app = Starlette(routes=[PageRoute(f"{portals.PAGE}/{{token}}", self._show, methods=["GET"])])
        tell_of_faults(app, self._templates, nowhere="Open the whole link that you were given.")
        return app

    async def _show(self, request: Request) -> Response:
        token = request.path_params["token"]
        allowance = self._looks.take(token)
        if allowance.retry_after is not None:
            seconds = str(max(1, math.ceil(allowance.retry_after)))
            values = {"cause": "Too many looks at once.", "next_step": f"Try again in {seconds} seconds."}
            headers = {"retry-after": seconds}
            return self._templates.page("problem.html", values, HTTPStatus.TOO_MANY_REQUESTS, headers)
        portal = await portals.see(self._gate, token)
        policy = POLICY_WITHIN_OTHERS if portal.is_embedded else POLICY
        shown = {"portal": portal, "now": portal.at}
        return self._templates.page("portal.html", shown, HTTPStatus.OK, {"content-security-policy": policy})


def create_portal_page(gate: Gate, *, monotonic: Callable[[], float] = time.monotonic) -> WithHeaders:
    """An ASGI application."""
    return WithHeaders(PortalPage(gate, monotonic).app())
