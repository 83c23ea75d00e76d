"""The emulated Web API over HTTP: routes, tokens, and the gate before them.

Every operation of the official OpenAPI has a route; those that nobody built answer 501.
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
from lockstep.emulation.gate import CALL, FAULT, Gate
from lockstep.emulation.pump import pump
from lockstep.kit.clock import Clock
from lockstep.vendors.nuki.emulator import account_calls, advanced_calls, auth_calls, lock_calls, replies
from lockstep.vendors.nuki.emulator.asked import Asked
from lockstep.vendors.nuki.emulator.paths import Operation, is_mutating, operation_of, operations
from lockstep.vendors.nuki.emulator.replies import Refused
from lockstep.vendors.nuki.emulator.steering import own_routes
from lockstep.vendors.nuki.emulator.world import World

TOKEN = "emulator-token"  # noqa: S105 - opens nothing but an emulator
"""The token that lets one in where none is given."""

Endpoint = Callable[[World, Asked], Response]


def build(clock: Clock, *, locks: int = 3, token: str = TOKEN) -> ASGIApp:
    """An emulator with so many locks, the first called "Front door", and one token with every scope."""
    world = World(clock)
    world.allow(token)
    for number in range(locks):
        world.add_lock({"name": f"Flat {number}" if number else "Front door"})
    return create_app(world)


def create_app(world: World) -> ASGIApp:
    """The ASGI application. Its lifespan, where the server runs one, delivers web hooks as they fall due."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        delivering = asyncio.create_task(pump(world))
        try:
            yield
        finally:
            delivering.cancel()

    app = Starlette(
        routes=[*_routes(), *control_routes(), *own_routes()],
        exception_handlers={HTTPException: _elsewhere},
        lifespan=lifespan,
    )
    app.state.world = world
    return Gate(
        app,
        world,
        operation_of=operation_of,
        is_mutating=is_mutating,
        too_fast=replies.too_fast,
        error=replies.gateway_error,
    )


def built() -> frozenset[tuple[str, str]]:
    """The operations, as (method, path), that have a behaviour."""
    return frozenset(_BUILT)


@cache
def _routes() -> tuple[Route, ...]:
    """Over a hundred, which take long to make: the same for all worlds."""
    rows = sorted(operations(), key=lambda row: row.order)
    return tuple(Route(row.path, _endpoint(row), methods=[row.method]) for row in rows)


def _endpoint(row: Operation) -> Callable[[Request], Awaitable[Response]]:
    answer = _BUILT.get((row.method, row.path))

    async def endpoint(request: Request) -> Response:
        world: World = request.app.state.world
        raw = await request.body()
        with world.settled() as now:
            asked = Asked(
                path=request.path_params,
                query=request.query_params,
                raw=raw,
                at=now,
                call=request.scope[CALL],
                fault=request.scope[FAULT],
            )
            try:
                _check_token(world, request, row)
                if answer is None:
                    raise replies.not_emulated(row.method, row.path)
                return answer(world, asked)
            except Refused as refusal:
                return replies.refused(refusal)

    return endpoint


def _check_token(world: World, request: Request, row: Operation) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token not in world.tokens:
        raise replies.not_authorized()
    scopes = world.tokens[token]
    if scopes is not None and row.scopes and not scopes & row.scopes:
        raise replies.not_authorized()


async def _elsewhere(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return replies.refused(replies.not_allowed() if status == 405 else replies.not_found())


_LOCK = "/smartlock/{smartlockId}"
_BUILT: dict[tuple[str, str], Endpoint] = {
    ("GET", "/smartlock"): lock_calls.list_all,
    ("GET", _LOCK): lock_calls.read,
    ("POST", _LOCK): lock_calls.change,
    ("DELETE", _LOCK): lock_calls.delete,
    ("POST", f"{_LOCK}/action"): lock_calls.act,
    ("POST", f"{_LOCK}/action/lock"): lock_calls.lock_it,
    ("POST", f"{_LOCK}/action/unlock"): lock_calls.unlock_it,
    ("POST", f"{_LOCK}/action/advanced"): advanced_calls.act,
    ("POST", f"{_LOCK}/action/lock/advanced"): advanced_calls.lock_it,
    ("POST", f"{_LOCK}/action/unlock/advanced"): advanced_calls.unlock_it,
    ("POST", f"{_LOCK}/sync"): lock_calls.sync,
    ("POST", f"{_LOCK}/config"): lock_calls.configure("config"),
    ("POST", f"{_LOCK}/advanced/config"): lock_calls.configure("advancedConfig"),
    ("POST", f"{_LOCK}/advanced/openerconfig"): lock_calls.configure("openerAdvancedConfig"),
    ("POST", f"{_LOCK}/advanced/smartdoorconfig"): lock_calls.configure("smartdoorAdvancedConfig"),
    ("POST", f"{_LOCK}/web/config"): lock_calls.configure("webConfig"),
    ("POST", f"{_LOCK}/admin/pin"): lock_calls.set_admin_code,
    ("GET", "/smartlock/log"): lock_calls.log_of_all,
    ("GET", f"{_LOCK}/log"): lock_calls.log_of_lock,
    ("GET", "/smartlock/auth"): auth_calls.list_all,
    ("PUT", "/smartlock/auth"): auth_calls.create_on_locks,
    ("POST", "/smartlock/auth"): auth_calls.change_many,
    ("DELETE", "/smartlock/auth"): auth_calls.delete_many,
    ("PUT", "/smartlock/auth/advanced"): advanced_calls.create,
    ("POST", f"{_LOCK}/auth/advanced/sharedkey"): advanced_calls.share_key,
    ("GET", f"{_LOCK}/auth"): auth_calls.list_on_lock,
    ("PUT", f"{_LOCK}/auth"): auth_calls.create_on_lock,
    ("GET", f"{_LOCK}/auth/{{id}}"): auth_calls.read,
    ("POST", f"{_LOCK}/auth/{{id}}"): auth_calls.change,
    ("DELETE", f"{_LOCK}/auth/{{id}}"): auth_calls.delete,
    ("GET", "/account/user"): account_calls.list_users,
    ("PUT", "/account/user"): account_calls.create_user,
    ("GET", "/account/user/{accountUserId}"): account_calls.read_user,
    ("POST", "/account/user/{accountUserId}"): account_calls.change_user,
    ("DELETE", "/account/user/{accountUserId}"): account_calls.delete_user,
    ("GET", "/api/decentralWebhook"): account_calls.list_hooks,
    ("PUT", "/api/decentralWebhook"): account_calls.create_hook,
    ("DELETE", "/api/decentralWebhook/{id}"): account_calls.delete_hook,
    ("GET", "/api/key/{apiKeyId}/webhook/logs"): account_calls.hook_log,
    ("GET", "/notification"): account_calls.list_notifications,
    ("PUT", "/notification"): account_calls.create_notification,
    ("GET", "/notification/{notificationId}"): account_calls.read_notification,
    ("POST", "/notification/{notificationId}"): account_calls.change_notification,
    ("DELETE", "/notification/{notificationId}"): account_calls.delete_notification,
}
