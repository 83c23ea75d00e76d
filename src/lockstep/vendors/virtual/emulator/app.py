"""The virtual vendor's HTTP API: routes and tokens. What each call means stands in README.md.

`build` makes a world and its application, `create_app` the application of a world that exists.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lockstep.emulation.control import control_routes
from lockstep.emulation.gate import FAULT, Gate
from lockstep.emulation.pump import pump
from lockstep.kit.clock import Clock
from lockstep.vendors.virtual.emulator import act_calls, read_calls, write_calls
from lockstep.vendors.virtual.emulator.asked import Answer, Asked
from lockstep.vendors.virtual.emulator.replies import Refused, failed, refused, too_many, unauthorized
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world

TOKEN = "virtual-token"  # noqa: S105 - opens nothing but an emulator
"""The token that lets one in where none is given."""


def build(clock: Clock, *, model: str = "plain", locks: int = 3, token: str = TOKEN) -> ASGIApp:
    """An emulator with `locks` locks `lock_1, lock_2, …` of a model of the catalogue, and one token."""
    world = create_world(clock, model, locks=locks)
    world.change_settings({"tokens": [token]})
    return create_app(world)


def create_app(world: VirtualWorld) -> ASGIApp:
    """The ASGI application. Its lifespan, where the server runs one, makes callbacks as they fall due."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        delivering = asyncio.create_task(pump(world))
        try:
            yield
        finally:
            delivering.cancel()

    app = Starlette(
        routes=[*control_routes(), *_routes()],
        exception_handlers={HTTPException: _elsewhere},
        lifespan=lifespan,
    )
    app.state.world = world
    return Gate(app, world, too_fast=too_many, error=failed)


@cache
def _routes() -> tuple[Route, ...]:
    """The same for all worlds: to make them takes longer than most of what is asked."""
    return tuple(Route(path, _endpoint(answer), methods=[method]) for method, path, answer in _TABLE)


def _endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        world: VirtualWorld = request.app.state.world
        raw = await request.body()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        with world.settled() as now:
            try:
                if scheme.lower() != "bearer" or token not in world.switches.tokens:
                    raise unauthorized()  # one place words every refusal
                fault = request.scope.get(FAULT)
                asked = Asked(world, dict(request.path_params), dict(request.query_params), raw, fault, now)
                return answer(asked)
            except Refused as refusal:
                return refused(refusal)

    return endpoint


async def _elsewhere(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return refused(Refused(status, "not_found" if status == 404 else "not_allowed", "No such call."))


_TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/v1/account", read_calls.account),
    ("GET", "/v1/codes", read_calls.account_codes),
    ("GET", "/v1/locks/{lock}/codes", read_calls.lock_codes),
    ("POST", "/v1/locks/{lock}/codes", write_calls.add_code),
    ("PUT", "/v1/codes/{code}", write_calls.change_code),
    ("DELETE", "/v1/codes/{code}", write_calls.delete_code),
    ("PUT", "/v1/locks/{lock}/slots/{slot}", write_calls.fill_slot),
    ("DELETE", "/v1/locks/{lock}/slots/{slot}", write_calls.empty_slot),
    ("POST", "/v1/persons", write_calls.add_person),
    ("PUT", "/v1/persons/{person}", write_calls.change_person),
    ("DELETE", "/v1/persons/{person}", write_calls.delete_person),
    ("POST", "/v1/locks/{lock}/issued", write_calls.issue_code),
    ("GET", "/v1/jobs/{job}", read_calls.job),
    ("POST", "/v1/locks/{lock}/unlock", act_calls.unlock),
    ("POST", "/v1/locks/{lock}/lock", act_calls.lock),
    ("PUT", "/v1/locks/{lock}/auto_lock", act_calls.configure_auto_lock),
    ("GET", "/v1/log", read_calls.log),
    ("GET", "/v1/hooks", read_calls.hooks),
    ("POST", "/v1/hooks", read_calls.add_hook),
    ("DELETE", "/v1/hooks/{hook}", read_calls.delete_hook),
]
