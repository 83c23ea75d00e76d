"""Where vendors call us: raw headers and body, handed to one operation, which asks the driver whom to wake.

Knows no vendor. The token in the path is a secret, so it appears in no log and no answer.
"""

from __future__ import annotations

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.operations import callbacks
from lockstep.operations.errors import NotFound, NotSignedIn, Problem
from lockstep.operations.gate import Gate

log = structlog.get_logger()

MOST_BODY_BYTES = 256 * 1024


class TooLarge(Problem):
    """A vendor's call is smaller than this."""

    code = "too_large"
    next_step = "Send less at once."


_STATUS: dict[type[Problem], int] = {NotFound: 404, NotSignedIn: 401, TooLarge: 413}


def callback_routes(gate: Gate) -> list[Route]:
    """For the wiring: `POST /callbacks/{token}`."""

    async def take(request: Request) -> Response:
        try:
            body = await _body(request)
            await callbacks.take(gate, request.path_params["token"], dict(request.headers), body)
        except ClientDisconnect:
            return Response(status_code=400)
        except Problem as problem:
            return _problem(problem)
        except Exception:
            log.exception("callback_failed")
            return _problem(Problem("Something went wrong within Lockstep.", code="internal_error"), 500)
        return Response(status_code=204)

    return [Route("/callbacks/{token}", take, methods=["POST"])]


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BODY_BYTES:
            raise TooLarge(str(TooLarge.__doc__))
    return body


def _problem(problem: Problem, status: int | None = None) -> Response:
    status = status or next((_STATUS[c] for c in type(problem).__mro__ if c in _STATUS), 400)
    said = {
        "type": f"urn:lockstep:problem:{problem.code}",
        "title": (type(problem).__doc__ or "").strip().splitlines()[0].rstrip("."),
        "status": status,
        "detail": problem.cause,
        "code": problem.code,
        "cause": problem.cause,
        "next_step": problem.next_step,
    }
    return Response(msgspec.json.encode(said), status, media_type="application/problem+json")
