"""The word `emulate`: a vendor's emulator on a port of its own, on loopback only, in real time or as told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from lockstep.cli.failing import ASKED_WRONGLY, Stopped
from lockstep.cli.serving import serving
from lockstep.cli.staying import run_to_stay
from lockstep.cli.stopping import stopping_signals
from lockstep.cli.terminal import AsJson, print_json, print_text
from lockstep.emulation.clock import VirtualClock
from lockstep.kit.clock import SystemClock
from lockstep.vendors.nuki.emulator import app as nuki
from lockstep.vendors.virtual.emulator import app as virtual

EMULATORS: dict[str, Callable[..., Any]] = {"nuki": nuki.build, "virtual": virtual.build}
TOKENS = {"nuki": nuki.TOKEN, "virtual": virtual.TOKEN}
PORTS = {"nuki": 8090, "virtual": 8091}


def emulate(
    vendor: Annotated[str, typer.Argument(help="Whose locks: nuki or virtual.")],
    port: Annotated[
        int | None,
        typer.Option(help="Port on loopback; 0 takes a free one. By default nuki 8090, virtual 8091."),
    ] = None,
    locks: Annotated[int, typer.Option(min=0, max=5000, help="How many locks there are at first.")] = 3,
    model: Annotated[
        str | None, typer.Option(help="Of the virtual vendor's catalogue: what its locks can do.")
    ] = None,
    virtual_clock: Annotated[
        bool,
        typer.Option(
            "--virtual-clock", help="A clock that begins now and moves by POST /_emulator/clock alone."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a vendor's emulator: its API, and below /_emulator its doors, faults and journal."""
    if vendor not in EMULATORS:
        raise Stopped(
            f"There is no emulator of {vendor!r}. There are: {', '.join(EMULATORS)}.", ASKED_WRONGLY
        )
    if model is not None and vendor != "virtual":
        raise Stopped("Only the virtual vendor has models; leave out --model.", ASKED_WRONGLY)
    more = {"model": model} if model is not None else {}
    clock = VirtualClock(SystemClock().now()) if virtual_clock else SystemClock()
    try:
        app = EMULATORS[vendor](clock, locks=locks, **more)
    except ValueError as fault:
        raise Stopped(f"{fault} See docs/capabilities.md for the models.", ASKED_WRONGLY) from fault
    run_to_stay(_emulate(app, vendor, PORTS[vendor] if port is None else port, as_json=as_json))


async def _emulate(app: Any, vendor: str, port: int, *, as_json: bool) -> None:
    with stopping_signals() as asked:
        async with serving(app, "127.0.0.1", port) as address:
            if as_json:
                print_json({"vendor": vendor, "address": address, "token": TOKENS[vendor]})
            else:
                print_text(f"The emulated {vendor} API listens on {address}; its token is {TOKENS[vendor]}")
                print_text(f"Its doors, faults and journal are at {address}/_emulator. End with Ctrl-C.")
                print_text(
                    "To connect it, Lockstep must be allowed private addresses: "
                    "LOCKSTEP_ALLOW_PRIVATE_ADDRESSES=1 lockstep serve"
                )
            await asked.wait()
