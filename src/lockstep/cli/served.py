"""What `lockstep serve` serves: API, pages, callbacks and workers on a database that runs."""

from __future__ import annotations

import asyncio
import gc

from lockstep.cli import first_start
from lockstep.cli.crew import Crew, working
from lockstep.cli.metrics import metrics_served
from lockstep.cli.serving import serving
from lockstep.cli.settings import Settings
from lockstep.cli.site import Site
from lockstep.cli.terminal import say
from lockstep.cli.wiring import built_on, make_ready
from lockstep.kit.logging import set_up_logging
from lockstep.kit.loopback import is_loopback


async def serve_at(
    dsn: str, settings: Settings, asked: asyncio.Event, *, works: bool, shares_port: bool
) -> None:
    """Until `asked` to stop; all is taken down again."""
    set_up_logging(settings.log.log_level, settings.log.log_format)
    http = settings.http
    await make_ready(dsn)
    async with built_on(dsn, settings) as lockstep:
        first = await first_start.set_up(lockstep.gate)
        if first is not None:
            first_start.show(first)
        crew = Crew(lockstep) if works else None
        site = Site(lockstep, crew)
        async with (
            metrics_served(lockstep, crew),
            working(crew),
            serving(
                site, http.host, http.port, http.proxies, ending=site.stop, shares_port=shares_port
            ) as address,
        ):
            gc.freeze()
            gc.enable()
            _tell(address, settings, crew)
            await asked.wait()
            if crew is not None:
                crew.stop()


def _tell(address: str, settings: Settings, crew: Crew | None) -> None:
    say(f"Lockstep serves on {address}; sign in there with a key. The API is described on {address}/v1/docs.")
    if crew is None:
        say("No workers here: run `lockstep work` beside it, or nothing reaches a lock.")
    if not is_loopback(settings.http.host) and not (settings.http.public_url or "").startswith("https://"):
        say("It listens beyond this machine without TLS: put a proxy before it that has TLS.")
    say("End with Ctrl-C.")
