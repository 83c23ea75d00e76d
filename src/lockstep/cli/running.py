"""What most words share: settings read, logs set up, Lockstep built, work done, all taken down again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lockstep.cli.failing import ASKED_WRONGLY, Stopped
from lockstep.cli.settings import Settings, read_settings
from lockstep.cli.wiring import Built, built
from lockstep.kit.logging import set_up_logging
from lockstep.model.permissions import Actor, system
from lockstep.operations.gate import Gate
from lockstep.storage import workspaces

T = TypeVar("T")


def with_lockstep(work: Callable[[Built], Awaitable[T]]) -> T:
    """Do `work` with a Lockstep of this process's own, on the same database as all others."""
    settings = quiet_settings()

    async def run() -> T:
        async with built(settings) as lockstep:
            return await work(lockstep)

    return asyncio.run(run())


def quiet_settings() -> Settings:
    """The settings; only warnings are logged, for whoever asked reads the answer."""
    settings = read_settings()
    set_up_logging("warning", settings.log.log_format)
    return settings


def loud_settings() -> Settings:
    """The settings of a process that stays; it logs as they say."""
    settings = read_settings()
    set_up_logging(settings.log.log_level, settings.log.log_format)
    return settings


async def operator_of(gate: Gate, workspace: str | None) -> Actor:
    """Whoever sits at this machine, in the workspace of this public id, or in the only one."""
    async with gate.database.reading(None) as db:
        every = await workspaces.every(db)
    if workspace is not None:
        chosen = [w for w in every if w.public_id == workspace]
        if not chosen:
            raise Stopped(f"There is no workspace {workspace}. There are: {_names(every)}.", ASKED_WRONGLY)
    elif not every:
        raise Stopped("There is no workspace yet. Start Lockstep once: lockstep serve.")
    elif len(every) > 1:
        raise Stopped(f"Say which workspace with --workspace: {_names(every)}.", ASKED_WRONGLY)
    else:
        chosen = every
    return system(chosen[0].id, "command_line")


def _names(rows: list[workspaces.WorkspaceRow]) -> str:
    return ", ".join(f"{w.public_id} ({w.name})" for w in rows) or "none"
