"""The pages put together: routes, what a fault looks like, and the headers of every answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from lockstep.http.console.live import Live
from lockstep.http.console.rendering import Templates
from lockstep.http.console.sessions import Sessions
from lockstep.http.console.settings import ConsoleSettings
from lockstep.http.console.sign_in import SignInPage
from lockstep.http.console.today import TodayPage
from lockstep.http.console.visits import HEADERS, Doorman
from lockstep.kit.clock import Clock, SystemClock
from lockstep.kit.sealing import derive
from lockstep.model import permissions
from lockstep.operations.changes import Changes
from lockstep.operations.errors import Conflict, Invalid, NotAllowed, NotFound, Problem
from lockstep.operations.gate import Gate

log = structlog.get_logger()

_STATUS: dict[type[Problem], int] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
}


class Console:
    """An ASGI application: all pages. The files that they load are served at /static by whoever mounts this."""

    def __init__(self, app: Starlette, live: Live) -> None:
        self._app = app
        self._live = live

    def stop(self) -> None:
        """End what never ends by itself: open pages that follow changes."""
        self._live.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def create_console(
    gate: Gate,
    settings: ConsoleSettings | None = None,
    *,
    clock: Clock | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Console:
    """`clock` is real time, by which sessions end, whatever time the gate lives by."""
    settings = settings or ConsoleSettings()
    secret = derive(gate.sealer.fingerprint_key, "sessions of the console")
    sessions = Sessions(secret, settings.session_lasts, clock or SystemClock())
    doorman = Doorman(gate, sessions, settings)
    templates = Templates()
    live = Live(Changes(gate), settings)
    app = Starlette(
        routes=[
            *TodayPage(gate, doorman, templates, live).routes(),
            *SignInPage(gate, doorman, templates, settings, monotonic).routes(),
        ]
    )
    _tell_of_faults(app, templates)
    return Console(app, live)


def _tell_of_faults(app: Starlette, templates: Templates) -> None:
    def page(cause: str, next_step: str, status: int) -> Response:
        values = {"cause": cause, "next_step": next_step, "is_signed_in": False}
        return templates.page("problem.html", values, status)

    async def tell_problem(_request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        status = next((_STATUS[c] for c in type(problem).__mro__ if c in _STATUS), HTTPStatus.BAD_REQUEST)
        return page(problem.cause, problem.next_step, status)

    async def tell_not_allowed(_request: Request, fault: Exception) -> Response:
        assert isinstance(fault, permissions.NotAllowed)
        return page(fault.cause, fault.next_step, HTTPStatus.FORBIDDEN)

    async def tell_http(_request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        if fault.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return page("This address shows no page.", "Begin at the first page.", fault.status_code)
        return page("There is no such page.", "Begin at the first page.", fault.status_code)

    async def tell_ours(_request: Request, fault: Exception) -> Response:
        log.error("page_failed", exc_info=fault)
        return page(
            "Something went wrong within Lockstep; nothing was changed.",
            "Try again. If it lasts, look into the log.",
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )

    app.add_exception_handler(Problem, tell_problem)
    app.add_exception_handler(permissions.NotAllowed, tell_not_allowed)
    app.add_exception_handler(HTTPException, tell_http)
    app.add_exception_handler(Exception, tell_ours)
