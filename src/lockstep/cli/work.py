"""The word `work`: workers only. As many such processes as one likes share one database."""

from __future__ import annotations

from typing import Annotated

import typer

from lockstep.cli.crew import Crew, work_once, working
from lockstep.cli.metrics import metrics_served
from lockstep.cli.running import loud_settings, with_lockstep
from lockstep.cli.settings import Settings
from lockstep.cli.staying import run_to_stay
from lockstep.cli.stopping import stopping_signals
from lockstep.cli.terminal import AsJson, print_json, print_text, say
from lockstep.cli.wiring import built


def work(
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, then end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Work without serving: any number of such processes share one database, and each may be killed at any time."""
    if not once:
        run_to_stay(_work(loud_settings()))
        return
    count = with_lockstep(work_once)
    if as_json:
        print_json({"rows": count})
    else:
        print_text(f"Done: {count} rows were due.")


async def _work(settings: Settings) -> None:
    with stopping_signals() as asked:
        async with built(settings) as lockstep:
            crew = Crew(lockstep)
            async with metrics_served(lockstep, crew) as metrics, working(crew):
                if metrics is not None:
                    say(f"Health and metrics are on {metrics}.")
                say("Working. End with Ctrl-C.")
                await asked.wait()
    say("Stopped.")
