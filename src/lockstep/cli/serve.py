"""The word `serve`: all in one process, on one port."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from lockstep.cli import first_start
from lockstep.cli.crew import Crew, working
from lockstep.cli.metrics import metrics_served
from lockstep.cli.running import loud_settings, run_to_stay
from lockstep.cli.serving import serving
from lockstep.cli.settings import Settings
from lockstep.cli.site import Site
from lockstep.cli.stopping import stopping_signals
from lockstep.cli.terminal import say
from lockstep.cli.wiring import built
from lockstep.kit.loopback import is_loopback


class Workers(StrEnum):
    HERE = "here"
    NONE = "none"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of LOCKSTEP_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[
        Workers, typer.Option(help="Whether this process works too, or only `lockstep work` does.")
    ] = Workers.HERE,
    share_port: Annotated[
        bool, typer.Option("--share-port", help="Other `lockstep serve` listen on the same port, too.")
    ] = False,
) -> None:
    """Run Lockstep: database, API, pages, vendors' callbacks and workers, all in this process."""
    given = loud_settings()
    http = replace(
        given.http,
        host=given.http.host if host is None else host,
        port=given.http.port if port is None else port,
    )
    run_to_stay(_serve(replace(given, http=http), workers, shares_port=share_port))


async def _serve(settings: Settings, workers: Workers, *, shares_port: bool) -> None:
    http = settings.http
    with stopping_signals() as asked:
        async with built(settings) as lockstep:
            first = await first_start.set_up(lockstep.gate)
            if first is not None:
                first_start.show(first)
            crew = Crew(lockstep) if workers is Workers.HERE else None
            site = Site(lockstep, crew)
            async with (
                metrics_served(lockstep, crew),
                working(crew),
                serving(
                    site, http.host, http.port, http.proxies, ending=site.stop, shares_port=shares_port
                ) as address,
            ):
                _tell(address, settings, crew)
                await asked.wait()
                if crew is not None:
                    crew.stop()
    say("Stopped.")


def _tell(address: str, settings: Settings, crew: Crew | None) -> None:
    say(f"Lockstep serves on {address}; sign in there with a key. The API is described on {address}/v1/docs.")
    if crew is None:
        say("No workers here: run `lockstep work` beside it, or nothing reaches a lock.")
    if not is_loopback(settings.http.host) and not (settings.http.public_url or "").startswith("https://"):
        say("It listens beyond this machine without TLS: put a proxy before it that has TLS.")
    say("End with Ctrl-C.")
