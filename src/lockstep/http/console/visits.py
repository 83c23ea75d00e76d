"""What every request of a page passes: who is signed in, and whether a form came from our own page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lockstep.http.console.sessions import Session, Sessions
from lockstep.http.console.settings import ConsoleSettings
from lockstep.http.pages.serving import require_own_page
from lockstep.model.permissions import Actor
from lockstep.operations import api_keys
from lockstep.operations.gate import Gate

SIGN_IN = "/sign-in"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in."""

    request: Request
    actor: Actor
    session: Session


Endpoint = Callable[[Request], Awaitable[Response]]


class Doorman:
    """Lets in whoever is signed in."""

    def __init__(self, gate: Gate, sessions: Sessions, settings: ConsoleSettings) -> None:
        self._gate = gate
        self._sessions = sessions
        self._public_url = settings.public_url

    def to(self, page: Callable[[Visit], Awaitable[Response]]) -> Endpoint:
        """For whoever is signed in; others are sent to sign in, or refused where no page was asked for."""

        async def endpoint(request: Request) -> Response:
            if request.method == "POST":
                self.require_own_page(request)
            visit = await self.visit(request)
            if visit is not None:
                return await page(visit)
            if "text/event-stream" in request.headers.get("accept", ""):
                return Response(status_code=HTTPStatus.UNAUTHORIZED)
            return self.forget(request, RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER))

        return endpoint

    async def visit(self, request: Request) -> Visit | None:
        """None where nobody is signed in, the session is over, or the key was revoked or has expired."""
        session = self._sessions.read(request.cookies.get(self._cookie(request), ""))
        actor = await self.actor_of(session) if session else None
        return Visit(request, actor, session) if session and actor else None

    async def actor_of(self, session: Session) -> Actor | None:
        """As the key stands now."""
        if self._sessions.is_over(session):
            return None
        signed_in = await api_keys.recognise(self._gate, session.workspace_id, session.api_key_id)
        return signed_in.actor if signed_in else None

    def remember(self, request: Request, response: Response, actor: Actor) -> Response:
        """Signs in: the cookie goes with every request that begins on our own pages, and no script reads it."""
        response.set_cookie(
            self._cookie(request),
            self._sessions.begin(actor.workspace_id, actor.public_id),
            max_age=int(self._sessions.lasts.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=self._is_secure(request),
        )
        return response

    def forget(self, request: Request, response: Response) -> Response:
        """Signs out."""
        response.delete_cookie(
            self._cookie(request), httponly=True, samesite="strict", secure=self._is_secure(request)
        )
        return response

    def require_own_page(self, request: Request) -> None:
        """Raises NotAllowed for a form that another site's page sent."""
        require_own_page(request, self._public_url)

    def _is_secure(self, request: Request) -> bool:
        return request.url.scheme == "https" or (self._public_url or "").startswith("https://")

    def _cookie(self, request: Request) -> str:
        # The prefix keeps other hosts of the domain from setting it; browsers accept it under TLS alone.
        return "__Host-lockstep" if self._is_secure(request) else "lockstep"
