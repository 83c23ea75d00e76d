"""The word `demo`: builds a Lockstep of its own in a passing folder, plays the story, prints the table."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lockstep.cli.crew import Crew, working
from lockstep.cli.demo.host import Host
from lockstep.cli.demo.play import Play, Told, guest_of
from lockstep.cli.demo.stage import staged
from lockstep.cli.demo.story import BEGINS, ZONE, Books
from lockstep.cli.serving import serving
from lockstep.cli.settings import OutboundSettings, Settings, StorageSettings, WorkSettings, read_settings
from lockstep.cli.site import Site
from lockstep.cli.staying import run_to_stay
from lockstep.cli.stopping import stopping_signals
from lockstep.cli.wiring import Built, built
from lockstep.emulation.clock import VirtualClock
from lockstep.kit.logging import set_up_logging
from lockstep.model.permissions import ALL_SCOPES, Actor, Scope, system
from lockstep.operations import api_keys, workspaces

_TICK_SECONDS = 0.25


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,
    port: Annotated[int, typer.Option(help="Port of the API and the first page; 0 takes a free one.")] = 8000,
) -> None:
    """A story at three emulated doors: what should open, by the calendars, and what did, by the locks."""
    raise typer.Exit(status_of(once=once, port=port))


def status_of(*, once: bool, port: int, books: Books | None = None, until: datetime | None = None) -> int:
    """Tell the story; 1 where a line is wrong. `books`: what the platform has, and so what should open; `until`: what
    comes later is left out."""
    return 1 if run_to_stay(_demo(once=once, port=port, books=books or Books(), until=until)) else 0


async def _demo(*, once: bool, port: int, books: Books, until: datetime | None) -> int:
    # What Lockstep logs is not the story.
    set_up_logging("warning", "console")
    console = Console(width=max(Console().width, 104))
    folder = _passing_folder()
    clock = VirtualClock(BEGINS)
    try:
        async with (
            built(_settings(folder), clock=clock, is_passing=True) as lockstep,
            staged(clock, books) as stage,
        ):
            workspace_id = await workspaces.create(lockstep.gate, "Demo")
            actor = system(workspace_id, "demo")
            host = Host(lockstep.gate, actor)
            play = Play(lockstep, clock, stage, host, lambda text: _dim(console, text), until)
            if once:
                told = await play.play()
                _print(console, told)
                return told.wrong
            return await _show(console, lockstep, actor, play, clock, port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _show(
    console: Console, lockstep: Built, actor: Actor, play: Play, clock: VirtualClock, port: int
) -> int:
    """The story with the first page up beside it, and afterwards everything left running, until it is ended."""
    crew = Crew(lockstep)
    with stopping_signals() as asked:
        site = Site(lockstep, None)
        async with serving(site, "127.0.0.1", port, ending=site.stop) as address:
            secret = await _new_secret(lockstep, actor)
            _tell(console, address, secret)
            console.print("The page changes while the story is told.", highlight=False)
            console.print(
                f"This key may also open the demo's doors from afar ({Scope.DEVICES_UNLOCK}); the first key of your"
                " own Lockstep may not.",
                highlight=False,
                soft_wrap=True,
            )
            telling = asyncio.create_task(_tell_story(console, play))
            stopped = asyncio.create_task(asked.wait())
            await asyncio.wait({telling, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not telling.done():
                telling.cancel()
                return 1
            wrong = telling.result()
            console.print("Still up, and time goes on at its usual pace. End with Ctrl-C.")
            _tell(console, address, secret)
            async with working(crew):
                ticking = asyncio.create_task(_tick(clock))
                await stopped
                ticking.cancel()
            return wrong


async def _tell_story(console: Console, play: Play) -> int:
    """The story, its table, and what comes after; returns how many lines are wrong."""
    told = await play.play()
    _print(console, told)
    await play.look_ahead()
    return told.wrong


async def _tick(clock: VirtualClock) -> None:
    """From now on the shared clock goes as fast as the world's."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    while True:
        await asyncio.sleep(_TICK_SECONDS)
        last, passed = loop.time(), loop.time() - last
        clock.advance(timedelta(seconds=passed))


async def _new_secret(lockstep: Built, actor: Actor) -> str:
    """A key that may do everything in the demo's workspace."""
    async with lockstep.gate.transaction(actor.workspace_id) as tx:
        command = api_keys.CreateApiKey("Demo", sorted(ALL_SCOPES))
        return (await api_keys.create(tx, actor, command)).secret


def _tell(console: Console, address: str, secret: str) -> None:
    # What stands behind the # stays in the browser: the page puts the key into its form.
    console.print(f"First page: {address}/sign-in#{secret}", highlight=False, soft_wrap=True)
    console.print(f"API and docs: {address}/v1/docs", highlight=False)
    console.print(f"The key, for both: {secret}", highlight=False, soft_wrap=True)


def _dim(console: Console, text: str) -> None:
    console.print(text, style="dim", highlight=False)


def _passing_folder() -> Path:
    """One that the account of the embedded server, where root runs the demo, can enter."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-demo-"))
    folder.chmod(0o711)
    return folder


def _settings(folder: Path) -> Settings:
    """A folder of its own; calls to loopback allowed, since the emulator is there."""
    given = read_settings()
    return Settings(
        StorageSettings(data=folder, postgres_binaries=given.storage.postgres_binaries),
        http=given.http,
        outbound=OutboundSettings(allow_private_addresses=True),
        work=WorkSettings(reading_pause_seconds=0.0),
        log=given.log,
    )


def _print(console: Console, told: Told) -> None:
    table = Table(
        title=f"Who typed their code at which door, the neighbour's last, and what opened ({ZONE} time)",
        title_justify="left",
        box=box.SIMPLE,
    )
    for heading in ("when", "guest of", "door", "", "due", "was", ""):
        table.add_column(heading, no_wrap=True)
    for line in told.lines:
        table.add_row(
            _when(line.visit.at),
            guest_of(line.visit),
            line.visit.door,
            line.visit.when,
            _word(line.should_open),
            _word(line.opened),
            _verdict(line.is_wrong),
            style="" if line.visit.is_theirs else "dim",
        )
    console.print(table)
    lost = "none; one should have been"
    if told.lost is not None:
        written = "once" if told.lost.times == 1 else f"{told.lost.times} times"
        lost = f"{_when(told.lost.at)}, {told.lost.what} at {told.lost.door}, which was written {written}"
    console.print(f"  The answer that was lost: {lost}   {_verdict(told.is_loss_wrong)}", highlight=False)
    wrong = sum(line.is_wrong for line in told.lines)
    console.print(f"{len(told.lines)} times at a door, {len(told.lines) - wrong} right, {wrong} WRONG.")


def _when(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(ZONE)):%d %b %H:%M}"


def _verdict(is_wrong: bool) -> str:
    return "[bold red]WRONG[/]" if is_wrong else "[green]right[/]"


def _word(opened: bool) -> str:
    return "open" if opened else "closed"
