"""The native API: everything below /v1, and the one list of what it consists of.

To add a noun, write `http/api/<nouns>.py` with `router = Router(prefix="/v1/<nouns>", tags=["<Nouns>"])` and name
it in ROUTERS. A route is an `async def` whose name becomes its operationId; it takes `call: Asked`, ids as `PathId`,
a body that derives from `Sent` and parameters `limit: Limit` and `cursor: Cursor`; it asks ONE operation, by
`call.read` or `call.change`, and answers dataclasses by `answer`, the same that it names as `response_model`.
Idempotency, pace, problems, request ids and their part of the description come by themselves.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lockstep.http.api import (
    access_codes,
    access_grants,
    action_attempts,
    api_keys,
    audit,
    bookings,
    calendars,
    connected_accounts,
    devices,
    docs,
    events,
    guests,
    spaces,
    webhooks,
    workspaces,
)
from lockstep.http.api.front import REQUEST_ID, Front, FrontParts
from lockstep.http.api.openapi import describe
from lockstep.http.api.plain import PlainRoutes
from lockstep.http.api.problems import (
    NoSuchMethod,
    NoSuchPath,
    TooLarge,
    field_problems,
    problem_response,
)
from lockstep.http.api.routing import late_routes
from lockstep.http.api.settings import ApiSettings
from lockstep.http.cursors import Cursors
from lockstep.http.doorman import Doorman
from lockstep.http.rate_limit import RateLimit
from lockstep.kit.sealing import derive
from lockstep.model import permissions
from lockstep.operations.errors import Invalid, NotAllowed, Problem
from lockstep.operations.gate import Gate

ROUTERS = (
    connected_accounts.router,
    devices.router,
    spaces.router,
    calendars.router,
    bookings.router,
    guests.router,
    access_grants.router,
    access_codes.router,
    action_attempts.router,
    workspaces.router,
    api_keys.router,
    events.router,
    webhooks.router,
    audit.router,
)
"""In the order in which the description shows them."""

PLAIN_ROUTES = access_grants.PLAIN_ROUTES
"""Those of the routes that come so often that they have a short way too."""

_NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,  # it would log values that were refused, and those may be digits
    "operation_spans": False,
    "auto_configure": False,
}


def _version() -> str:
    try:
        return version("lockstep-access")
    except PackageNotFoundError:
        return "0"


_OPTIONS: Any = {
    "title": "Lockstep",
    "version": _version(),
    "openapi_url": None,
    "docs_url": None,
    "redoc_url": None,
    "redirect_slashes": False,
    "telemetry": _NO_TELEMETRY,
}


def create_api(
    gate: Gate, settings: ApiSettings | None = None, monotonic: Callable[[], float] = time.monotonic
) -> FastAPI:
    """Answers everything below /v1, so mount it at the root. The docs page needs /static besides (static_files)."""
    settings = settings or ApiSettings()
    app = _Api(**_OPTIONS)
    app.router.routes.extend(late_routes((*ROUTERS, docs.router)))
    _tell_of_problems(app)
    parts = FrontParts(
        gate=gate,
        doorman=Doorman(gate, settings.actor_seconds, monotonic),
        cursors=Cursors(derive(gate.sealer.fingerprint_key, "cursors of the api")),
        of_keys=RateLimit(settings.requests_per_second, settings.burst, monotonic),
        of_strangers=RateLimit(settings.requests_per_second, settings.burst, monotonic),
        most_body_bytes=settings.most_body_bytes,
        is_open=lambda path: path in (docs.PATH, docs.OPENAPI_PATH),
        plain_routes=PlainRoutes(PLAIN_ROUTES, late_routes(ROUTERS)),
    )
    app.add_middleware(Front, parts=parts)
    return app


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return _description()


@functools.cache
def _description() -> dict[str, Any]:
    """Made when first asked for: it takes longer than the whole start."""
    return describe(FastAPI(**_OPTIONS), tuple(late_routes(ROUTERS)))


def _tell_of_problems(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def tell_problem(request: Request, problem: Problem) -> Response:
        return problem_response(problem, request.scope[REQUEST_ID])

    @app.exception_handler(permissions.NotAllowed)
    async def tell_not_allowed(request: Request, fault: permissions.NotAllowed) -> Response:
        problem = NotAllowed(fault.cause, next_step=fault.next_step)
        return problem_response(problem, request.scope[REQUEST_ID])

    @app.exception_handler(RequestValidationError)
    async def tell_invalid(request: Request, fault: RequestValidationError) -> Response:
        errors = field_problems(fault.errors())
        where = ", ".join(sorted({e.field for e in errors}))
        invalid = Invalid(
            f"What was sent cannot be taken: {where}.", next_step="Correct what `errors` names."
        )
        return problem_response(invalid, request.scope[REQUEST_ID], errors)

    @app.exception_handler(HTTPException)
    async def tell_http(request: Request, fault: HTTPException) -> Response:
        response = problem_response(_problem_of(fault), request.scope[REQUEST_ID], status=fault.status_code)
        response.headers.update(fault.headers or {})
        return response


def _problem_of(fault: HTTPException) -> Problem:
    for status, kind in ((404, NoSuchPath), (405, NoSuchMethod), (413, TooLarge)):
        if fault.status_code == status:
            return kind(str(kind.__doc__))
    return Invalid("The request cannot be read.", next_step="Send JSON as `application/json`.")
