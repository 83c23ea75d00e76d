"""The word `serve`: all in one process, on one port. What serves (`served`) takes a second or two to be read in, and
the embedded database comes up in that time."""

from __future__ import annotations

import gc
from dataclasses import replace
from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from lockstep.cli.database import database_of
from lockstep.cli.settings import Settings, read_settings
from lockstep.cli.staying import run_to_stay
from lockstep.cli.stopping import stopping_signals
from lockstep.cli.terminal import say

_SERVED = "lockstep.cli.served"


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
    given = read_settings()
    http = replace(
        given.http,
        host=given.http.host if host is None else host,
        port=given.http.port if port is None else port,
    )
    # What is read in stays: the collector need not go over it again and again meanwhile.
    gc.disable()
    run_to_stay(_serve(replace(given, http=http), workers, shares_port=share_port))


async def _serve(settings: Settings, workers: Workers, *, shares_port: bool) -> None:
    with stopping_signals() as asked:
        async with database_of(settings, meanwhile=lambda: import_module(_SERVED)) as address:
            from lockstep.cli.served import serve_at

            await serve_at(address, settings, asked, works=workers is Workers.HERE, shares_port=shares_port)
    say("Stopped.")
