"""What a page looks like when something cannot be done: the cause and the next step, never a trace."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lockstep.http.pages.rendering import Templates
from lockstep.model import permissions
from lockstep.operations.again import is_away
from lockstep.operations.errors import (
    Conflict,
    Invalid,
    LinkOver,
    NotAllowed,
    NotFound,
    Problem,
    Unavailable,
    VendorFailed,
)

log = structlog.get_logger()

_STATUS: dict[type[Problem], int] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    LinkOver: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    VendorFailed: HTTPStatus.BAD_GATEWAY,
}


def status_of(problem: Problem) -> int:
    return next((_STATUS[c] for c in type(problem).__mro__ if c in _STATUS), HTTPStatus.BAD_REQUEST)


def tell_of_faults(
    app: Starlette, templates: Templates, *, nowhere: str = "Begin at the first page."
) -> None:
    """`nowhere`: what to do about an address that shows no page."""

    def page(cause: str, next_step: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
        values = {"cause": cause, "next_step": next_step, "is_signed_in": False}
        return templates.page("problem.html", values, status, headers)

    def later() -> Response:
        seconds = Unavailable.retry_after_seconds
        return page(
            "Lockstep cannot reach its database at this moment.",
            "See how it stands in some seconds, and then try again.",
            HTTPStatus.SERVICE_UNAVAILABLE,
            {"retry-after": str(seconds)},
        )

    async def tell_problem(_request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        if isinstance(problem, Unavailable):
            return later()
        return page(problem.cause, problem.next_step, status_of(problem))

    async def tell_not_allowed(_request: Request, fault: Exception) -> Response:
        assert isinstance(fault, permissions.NotAllowed)
        return page(fault.cause, fault.next_step, HTTPStatus.FORBIDDEN)

    async def tell_http(_request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        if fault.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return page("This address shows no page.", nowhere, fault.status_code)
        return page("There is no such page.", nowhere, fault.status_code)

    async def tell_ours(_request: Request, fault: Exception) -> Response:
        log.error("page_failed", exc_info=fault)
        if is_away(fault):
            return later()
        return page(
            "Something went wrong within Lockstep.",
            "See how it stands, then try again. If it lasts, look into the log.",
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )

    app.add_exception_handler(Problem, tell_problem)
    app.add_exception_handler(permissions.NotAllowed, tell_not_allowed)
    app.add_exception_handler(HTTPException, tell_http)
    app.add_exception_handler(Exception, tell_ours)
