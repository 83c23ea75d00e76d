"""The word `restore`: a saved database into an empty one. It only looks until an operator confirms that it rules."""

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
from lockstep.kit.clock import SystemClock
from lockstep.storage import dump


def restore(
    file: Annotated[Path, typer.Argument(help="What `lockstep backup` made.")], as_json: AsJson = False
) -> None:
    """Fill an empty database from a backup. Nothing is written to any lock until `lockstep confirm-ruling`."""
    if not file.is_file():
        raise Stopped(f"There is no file {file}.", ASKED_WRONGLY)
    settings = quiet_settings()
    applied = asyncio.run(_restore(settings, file))
    has_keys = settings.sealing.master_keys is not None or (own_folder(settings) / KEY_FILE).exists()
    if as_json:
        print_json({"file": str(file), "applied": applied, "is_ruling": False, "has_master_key": has_keys})
        return
    print_text("Restored. It only looks: no lock is written until you say `lockstep confirm-ruling`,")
    print_text("and that only once the database it was saved from works no more.")
    if not has_keys:
        say(f"Before it starts, bring the old key file to {own_folder(settings) / KEY_FILE}, mode 0600.")


async def _restore(settings: Settings, file: Path) -> list[str]:
    async with database_of(settings) as dsn:
        with progress("Restoring") as advance:
            return await dump.restore(dsn, file, advance, SystemClock().now())
