"""The word `backup`: the whole database into one file. Secrets in it stay sealed; the master key is not in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.database import database_of
from lockstep.cli.failing import ASKED_WRONGLY, Stopped
from lockstep.cli.keyring import KEY_FILE
from lockstep.cli.running import quiet_settings
from lockstep.cli.settings import Settings, own_folder
from lockstep.cli.tables import progress
from lockstep.cli.terminal import AsJson, print_json, print_text, say
from lockstep.storage import dump


def backup(
    file: Annotated[Path, typer.Argument(help="Where to; it must not exist yet.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file where it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save the database, while Lockstep runs."""
    if file.exists() and not replace:
        raise Stopped(f"{file} exists. Choose another name, or say --replace.", ASKED_WRONGLY)
    if not file.parent.is_dir():
        raise Stopped(f"There is no folder {file.parent}. Make it, or choose another.", ASKED_WRONGLY)
    settings = quiet_settings()
    asyncio.run(_save(settings, file))
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size})
        return
    print_text(f"Saved to {file} ({size / 1e6:.1f} MB).")
    if settings.sealing.master_keys is None:
        say(
            f"Keep a copy of {own_folder(settings) / KEY_FILE} elsewhere: without it the secrets in it stay sealed."
        )


async def _save(settings: Settings, file: Path) -> None:
    async with database_of(settings) as dsn:
        with progress("Saving") as advance:
            await dump.save(dsn, file, advance)
