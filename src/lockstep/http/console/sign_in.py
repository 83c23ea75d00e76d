"""Signing in with an API key, and out again. The key comes in a form's body, never in an address.

A link may carry a key behind its `#`, which browsers keep to themselves: a script puts it into the form and takes it
out of the address bar. Following a link alone signs nobody in, or it could sign somebody into another's workspace."""

from __future__ import annotations

import math
from collections.abc import Callable
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lockstep.http.console.settings import ConsoleSettings
from lockstep.http.console.visits import SIGN_IN, Doorman
from lockstep.http.pages.rendering import Templates
from lockstep.http.pages.serving import PageRoute, form_of
from lockstep.http.rate_limit import RateLimit
from lockstep.operations import api_keys
from lockstep.operations.gate import Gate

log = structlog.get_logger()

_NOT_KNOWN = "This key is not known, was revoked, or has expired."


class SignInPage:
    """Routes of the page."""

    def __init__(
        self,
        gate: Gate,
        doorman: Doorman,
        templates: Templates,
        settings: ConsoleSettings,
        monotonic: Callable[[], float],
    ) -> None:
        self._gate = gate
        self._doorman = doorman
        self._templates = templates
        self._attempts = RateLimit(settings.sign_in_per_minute / 60, settings.sign_in_burst, monotonic)

    def routes(self) -> list[PageRoute]:
        return [
            PageRoute(SIGN_IN, self._show, methods=["GET"]),
            PageRoute(SIGN_IN, self._sign_in, methods=["POST"]),
            PageRoute("/sign-out", self._sign_out, methods=["POST"]),
        ]

    async def _show(self, _request: Request) -> Response:
        return self._page()

    async def _sign_in(self, request: Request) -> Response:
        self._doorman.require_own_page(request)
        address = request.client.host if request.client else ""
        allowance = self._attempts.take(address)
        if allowance.retry_after is not None:
            seconds = max(1, math.ceil(allowance.retry_after))
            said = f"Too many attempts from here. Try again in {seconds} seconds."
            return self._page(said, HTTPStatus.TOO_MANY_REQUESTS, {"retry-after": str(seconds)})
        signed_in = await api_keys.authenticate(
            self._gate, (await form_of(request)).get("api_key", "").strip()
        )
        if signed_in is None:
            log.warning("sign_in_refused", address=address)
            return self._page(_NOT_KNOWN, HTTPStatus.UNAUTHORIZED)
        return self._doorman.remember(request, RedirectResponse("/", HTTPStatus.SEE_OTHER), signed_in.actor)

    async def _sign_out(self, request: Request) -> Response:
        self._doorman.require_own_page(request)
        return self._doorman.forget(request, RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER))

    def _page(
        self, wrong: str | None = None, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
    ) -> Response:
        return self._templates.page("sign_in.html", {"wrong": wrong, "is_signed_in": False}, status, headers)
