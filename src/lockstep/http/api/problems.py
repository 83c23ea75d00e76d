"""Problems as RFC 9457 has them, `application/problem+json`. The only place where a problem gets a status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from pydantic import Field
from starlette.responses import Response

from lockstep.operations.errors import (
    AccountInError,
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    Unavailable,
    VendorFailed,
)

MEDIA_TYPE = "application/problem+json"


class TooManyRequests(Problem):
    """This key has made more requests than it may."""

    code = "too_many_requests"
    next_step = "Wait for as many seconds as the header Retry-After says, then send this again."


class TooLarge(Problem):
    """The request is larger than anything that belongs here."""

    code = "too_large"
    next_step = "Send less at once."


class NoSuchPath(Problem):
    """There is nothing at this address."""

    code = "no_such_path"
    next_step = "The page /v1/docs lists all that there is."


class NoSuchMethod(Problem):
    """This address does not take this method."""

    code = "no_such_method"
    next_step = "The page /v1/docs lists all that there is."


class OurFault(Problem):
    """Something went wrong within Lockstep."""

    code = "internal_error"
    next_step = (
        "See what is there before you send this again. If it lasts, look for the request id in the log."
    )


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One value that cannot be taken."""

    field: Annotated[str, Field(examples=["body.ends_at"])]
    cause: Annotated[str, Field(examples=["The end lies before the start."])]
    code: Annotated[str, Field(examples=["invalid"])]


@dataclass(frozen=True, slots=True)
class ProblemOut:
    """Why a request was not done: `code` for programs, `cause` and `next_step` for people."""

    type: Annotated[str, Field(examples=["urn:lockstep:problem:account_in_error"])]
    title: Annotated[str, Field(examples=["The connected account is in error"])]
    status: Annotated[int, Field(examples=[403])]
    detail: Annotated[str, Field(examples=["The account 'Harbour flats' was refused by Nuki."])]
    code: Annotated[str, Field(examples=["account_in_error"])]
    cause: Annotated[str, Field(examples=["The account 'Harbour flats' was refused by Nuki."])]
    next_step: Annotated[str, Field(examples=["Reconnect the account, then send this again."])]
    request_id: Annotated[str, Field(examples=["req_01jzx4vb3ce7mtq0c6bd0qwj8r"])]
    errors: list[FieldProblem] = field(default_factory=list)


_STATUS: dict[type[Problem], int] = {
    Invalid: 400,
    NotSignedIn: 401,
    NotAllowed: 403,
    AccountInError: 403,
    NotFound: 404,
    NoSuchPath: 404,
    NoSuchMethod: 405,
    Conflict: 409,
    TooLarge: 413,
    TooManyRequests: 429,
    OurFault: 500,
    VendorFailed: 502,
    Unavailable: 503,
    Problem: 400,
}


def status_of(problem: Problem) -> int:
    """The status of a problem: that of its class, or of the nearest class above it."""
    return next(_STATUS[c] for c in type(problem).__mro__ if c in _STATUS)


def problem_response(
    problem: Problem, request_id: str, errors: Sequence[FieldProblem] = (), status: int | None = None
) -> Response:
    """The answer that tells of `problem`; `errors` where several values are at fault."""
    status = status or status_of(problem)
    if isinstance(problem, Invalid) and problem.field and not errors:
        errors = [FieldProblem(_where(problem.field), problem.cause, problem.code)]
    body = ProblemOut(
        type=f"urn:lockstep:problem:{problem.code}",
        title=_title(problem),
        status=status,
        detail=problem.cause,
        code=problem.code,
        cause=problem.cause,
        next_step=problem.next_step,
        request_id=request_id,
        errors=list(errors),
    )
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="lockstep"'
    if isinstance(problem, Unavailable):
        headers["retry-after"] = str(problem.retry_after_seconds)
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def field_problems(faults: Sequence[Any]) -> list[FieldProblem]:
    """What Pydantic found wrong, without the values themselves: they may be digits or secrets."""
    return [
        FieldProblem(
            # Of what is no JSON it tells the place within the text instead of a field.
            "body" if fault["type"] == "json_invalid" else ".".join(str(part) for part in fault["loc"]),
            str(fault["msg"]).removeprefix("Value error, "),
            str(fault["type"]),
        )
        for fault in faults
    ]


def _where(field: str) -> str:
    """Operations name a field of what they were given, which came in the body unless they say otherwise."""
    return field if field.partition(".")[0] in ("query", "header", "path") else f"body.{field}"


def _title(problem: Problem) -> str:
    first_line = (type(problem).__doc__ or "").strip().splitlines()[0]
    return first_line.rstrip(".")
