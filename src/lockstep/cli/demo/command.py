"""The word `demo`: builds a Lockstep of its own in a passing folder, plays the story, prints the table."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lockstep.cli.demo.host import Host
from lockstep.cli.demo.play import Entered, Play, guest_of
from lockstep.cli.demo.stage import staged
from lockstep.cli.demo.story import BEGINS, ZONE, Books
from lockstep.cli.settings import OutboundSettings, Settings, StorageSettings, WorkSettings, read_settings
from lockstep.cli.wiring import built
from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import system
from lockstep.operations import workspaces


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,
    port: Annotated[int, typer.Option(help="Port of the API and the first page; 0 takes a free one.")] = 8000,
) -> None:
    """A story at three emulated doors: what should open, by the calendars, and what did, by the locks."""
    raise typer.Exit(status_of(once=once, port=port))


def status_of(*, once: bool, port: int, books: Books | None = None) -> int:
    """Tell the story; 1 where a line is wrong. `books`: what the platform has, and so what should open."""
    return 1 if asyncio.run(_demo(once=once, port=port, books=books or Books())) else 0


async def _demo(*, once: bool, port: int, books: Books) -> int:
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
            play = Play(lockstep, clock, stage, host, lambda text: console.print(text, style="dim"))
            lines = await play.play()
            _print(console, lines)
            return sum(line.is_wrong for line in lines)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _print(console: Console, lines: list[Entered]) -> None:
    table = Table(
        title=f"Who typed their code at which door, and what opened ({ZONE} time)",
        title_justify="left",
        box=box.SIMPLE,
    )
    for heading in ("when", "guest of", "door", "", "due", "was", ""):
        table.add_column(heading, no_wrap=True)
    for line in lines:
        verdict = "[bold red]WRONG[/]" if line.is_wrong else "[green]right[/]"
        table.add_row(
            f"{line.visit.at.astimezone(ZoneInfo(ZONE)):%d %b %H:%M}",
            guest_of(line.visit),
            line.visit.door,
            line.visit.when,
            _word(line.should_open),
            _word(line.opened),
            verdict,
        )
    console.print(table)
    wrong = sum(line.is_wrong for line in lines)
    console.print(f"{len(lines)} times at a door, {len(lines) - wrong} right, {wrong} WRONG.")


def _word(opened: bool) -> str:
    return "open" if opened else "closed"
