"""The word `sandbox`: a whole Lockstep with emulated locks, known ids and known keys, fresh each time, gone at the end.

It is to be up within a second or so, so that it mostly runs in a process which has read everything in (`standby`).
Where that cannot be had, what few ask for is read in only when they do."""

from __future__ import annotations

import gc
import os
from typing import Annotated

import typer

from lockstep.cli.failing import ASKED_WRONGLY, Stopped
from lockstep.cli.sandbox import stand_in, standby
from lockstep.cli.terminal import AsJson, print_json, print_text, say

_PORT = 3020


def sandbox(
    seed: Annotated[
        bool, typer.Option("--seed", help="With devices, accounts and keys of known ids.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(help="Port on loopback; 0 takes a free one. By default that of PORT, or 3020."),
    ] = None,
    stop: Annotated[
        bool, typer.Option("--stop", help="End the database server that stays warm between sandboxes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a Lockstep to test programs against, with emulated locks; what was done in it is forgotten at the end."""
    from lockstep.cli.sandbox import passing

    if stop:
        is_ended = passing.stop_server()
        if is_ended:
            standby.dismiss(stand_in.folder())
        _tell_stopped(is_ended, as_json=as_json)
        return
    if not seed:
        raise Stopped("Say --seed: a sandbox begins with known devices and keys.", ASKED_WRONGLY)
    chosen = _port_of(os.environ.get("PORT")) if port is None else port
    from lockstep.cli.staying import run_to_stay

    # What is read in stays: the collector need not go over it again and again meanwhile.
    gc.disable()
    run_to_stay(_sandbox(chosen, as_json=as_json))


def _tell_stopped(is_ended: bool, *, as_json: bool) -> None:
    if as_json:
        print_json({"ended": is_ended})
    else:
        print_text("Ended." if is_ended else "A sandbox uses it, so it stays.")


def _port_of(text: str | None) -> int:
    if text is None or not text.strip():
        return _PORT
    try:
        return int(text)
    except ValueError:
        raise Stopped(f"PORT is a number, and {text[:40]!r} is none.", ASKED_WRONGLY) from None


async def _sandbox(port: int, *, as_json: bool) -> None:
    from lockstep.cli.sandbox import passing

    async with passing.database() as address:
        from lockstep.cli.sandbox.site import serve_seeded

        def tell(at: str) -> None:
            gc.freeze()
            gc.enable()
            if as_json:
                print_json({"address": at})
            else:
                say(f"The sandbox is on {at}. End with Ctrl-C.")

        await serve_seeded(address, port, tell)
    say("Stopped.")
