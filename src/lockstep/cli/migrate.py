"""The word `migrate`: brings the database to this version's schema."""

from __future__ import annotations

import asyncio

from lockstep.cli.database import database_of
from lockstep.cli.running import quiet_settings
from lockstep.cli.terminal import AsJson, print_json, print_text
from lockstep.storage.inspection import reach
from lockstep.storage.migrations import migrate as bring_up


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to this version's schema. Every start does so by itself; upgrades may do it before."""
    applied = asyncio.run(_migrate())
    if as_json:
        print_json({"applied": applied})
    elif applied:
        print_text(f"Applied: {', '.join(applied)}.")
    else:
        print_text("Nothing to do: the database has this version's schema.")


async def _migrate() -> list[str]:
    async with database_of(quiet_settings()) as dsn:
        await reach(dsn)
        return await bring_up(dsn)
