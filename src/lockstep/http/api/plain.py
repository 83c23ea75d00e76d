"""Answers the requests that come most, where they are plain, without FastAPI's steps in between. Knows no noun.

Those steps (finding the route, solving its parameters, several layers around it) take half as long as a list of 50
takes without them. The route stays: it describes, and it answers whatever is not plain, so that every fault is told in
one place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from lockstep.http.api.call import SCOPE, Call
from lockstep.http.api.problems import TooLarge
from lockstep.http.api.routing import LateRoute
from lockstep.model import permissions
from lockstep.operations.errors import NotAllowed

B = TypeVar("B", bound=BaseModel)

PlainAnswer = Callable[[Call], Awaitable[Response | None]]
"""None: the request is not plain, nothing was done."""


@dataclass(frozen=True, slots=True)
class PlainRoute:
    """One route's short way: `path` is the router's and the route's together, without parameters."""

    method: str
    path: str
    answer: PlainAnswer


class PlainRoutes:
    """Asked before FastAPI is."""

    def __init__(self, plain: Iterable[PlainRoute], routes: Iterable[LateRoute]) -> None:
        declared = {(method, route.path): route for route in routes for method in route.methods or ()}
        self._routes = {(p.method, p.path): (p.answer, declared[p.method, p.path]) for p in plain}

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """None where it was answered; else what FastAPI is to receive. Raises Problem."""
        found = self._routes.get((scope["method"], scope["path"]))
        if found is None or scope.get("root_path"):
            return receive
        answer, scope["route"] = found
        call: Call = scope[SCOPE]
        call.request = Request(scope, receive)
        try:
            response = await answer(call)
        except permissions.NotAllowed as fault:
            raise NotAllowed(fault.cause, next_step=fault.next_step) from fault
        except HTTPException as fault:
            # The one kind that reading the body lets through.
            raise TooLarge(str(TooLarge.__doc__)) from fault
        except ClientDisconnect:
            return None
        if response is None:
            return _again(await call.request.body(), receive)
        await response(scope, receive, send)
        return None


async def plain_body(call: Call, kind: type[B]) -> B | None:
    """The body, where it is JSON of this kind."""
    if call.request.headers.get("content-type") != "application/json":
        return None
    try:
        return kind.model_validate_json(await call.request.body())
    except ValidationError:
        return None


def plain_limit(call: Call, default: int) -> int | None:
    """The list's length, where nothing else is asked for."""
    name, _, value = call.request.scope["query_string"].partition(b"=")
    if not name:
        return default
    if name != b"limit" or not value.isdigit() or len(value) > 2 or int(value) < 1:
        return None
    return int(value)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, and then whatever follows."""
    is_sent = False

    async def receive_again() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
