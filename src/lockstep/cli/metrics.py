"""/health and /metrics: what they are made of, and served on a port of their own. Apart from the site, since workers
alone serve them too, and reading in the whole API would take them a second and 20 MB."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lockstep.cli.crew import Crew
from lockstep.cli.serving import serving
from lockstep.cli.wiring import Built
from lockstep.http.running.app import RunningParts, create_running
from lockstep.http.running.page import Page
from lockstep.operations import figures


@asynccontextmanager
async def metrics_served(built: Built, crew: Crew | None) -> AsyncIterator[str | None]:
    """/health and /metrics on their own port within, where a setting names one; yields its address."""
    http = built.settings.http
    if http.metrics_port is None:
        yield None
        return
    app = create_running(running_parts(built, crew))
    async with serving(app, http.metrics_host, http.metrics_port) as address:
        yield address


def running_parts(built: Built, crew: Crew | None) -> RunningParts:
    """What both are told from; `crew`: the workers of this process, if it has some."""
    return RunningParts(
        health=lambda: figures.health(built.gate),
        page=Page(lambda: figures.of_all(built.gate), time.monotonic),
        are_workers_well=crew.is_at_work if crew is not None else None,
        metrics_token=built.settings.http.metrics_token,
    )
