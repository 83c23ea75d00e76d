"""Everything that is served, put together: API, pages, vendors' callbacks, files, health and metrics."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from lockstep.cli.crew import Crew
from lockstep.cli.serving import serving
from lockstep.cli.wiring import Built
from lockstep.http.api.app import create_api
from lockstep.http.callbacks.app import callback_routes
from lockstep.http.running.app import RunningParts, create_running, running_routes
from lockstep.http.running.measuring import Measuring
from lockstep.http.running.page import Page
from lockstep.http.static_files import static_files
from lockstep.operations import figures


def site(built: Built, crew: Crew | None) -> Starlette:
    """The application that listens on the one port."""
    return Starlette(
        routes=[
            *running_routes(_running(built, crew)),
            static_files(),
            *callback_routes(built.gate),
            # The API answers whatever is left, so that what does not exist is told in its own words.
            Mount("/", create_api(built.gate, built.settings.api)),
        ],
        middleware=[Middleware(Measuring)],
    )


@asynccontextmanager
async def metrics_served(built: Built, crew: Crew | None) -> AsyncIterator[str | None]:
    """/health and /metrics on their own port within, where a setting names one; yields its address."""
    http = built.settings.http
    if http.metrics_port is None:
        yield None
        return
    app = create_running(_running(built, crew))
    async with serving(app, http.metrics_host, http.metrics_port) as address:
        yield address


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _running(built: Built, crew: Crew | None) -> RunningParts:
    return RunningParts(
        health=lambda: figures.health(built.gate),
        page=Page(lambda: figures.of_all(built.gate), time.monotonic),
        are_workers_well=crew.is_at_work if crew is not None else None,
        metrics_token=built.settings.http.metrics_token,
    )
