"""The routes /health and /metrics. What they tell is asked of operations, at most so often."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lockstep.http.running.page import Page
from lockstep.kit.loopback import is_loopback
from lockstep.operations.figures import Health


@dataclass(frozen=True, slots=True)
class RunningParts:
    """What the routes ask."""

    health: Callable[[], Awaitable[Health]]
    page: Page
    are_workers_well: Callable[[], bool] | None = None
    """None: this process has no workers."""
    metrics_token: str | None = field(default=None, repr=False)
    """Lets in whoever asks for /metrics from elsewhere."""


def running_routes(parts: RunningParts) -> list[Route]:
    """For the wiring: /health, /health/live and /metrics."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        health = await parts.health()
        checks: dict[str, bool] = {
            "database": health.is_database_reachable,
            "schema": health.is_schema_current,
        }
        if parts.are_workers_well is not None:
            checks["workers"] = parts.are_workers_well()
        is_well = all(checks.values())
        body = {"status": "ok" if is_well else "failing", "checks": checks}
        return JSONResponse(body, 200 if is_well else 503, {"cache-control": "no-store"})

    async def metrics(request: Request) -> Response:
        if not _may_read(request, parts.metrics_token):
            return PlainTextResponse("Ask from this machine, or with the metrics token.\n", 403)
        return Response(await parts.page.text(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/health", ready), Route("/health/live", live), Route("/metrics", metrics)]


def create_running(parts: RunningParts) -> Starlette:
    """The same on a port of its own."""
    return Starlette(routes=running_routes(parts))


def _may_read(request: Request, token: str | None) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if token is not None and scheme.lower() == "bearer":
        return hmac.compare_digest(given.strip().encode(), token.encode())
    return is_loopback(request.client.host if request.client else "") and _is_direct(request)


def _is_direct(request: Request) -> bool:
    """A proxy on this machine asks from loopback too, for whoever asked it."""
    if any(name in request.headers for name in ("forwarded", "via", "x-forwarded-for", "x-real-ip")):
        return False
    name = request.url.hostname or ""
    return is_loopback(name)
