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
from lockstep.storage.workspaces import WorkspaceRow

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
    chosen = await _chosen(gate, workspace)
    if len(chosen) > 1:
        raise Stopped(f"Say which workspace with --workspace: {_names(chosen)}.", ASKED_WRONGLY)
    return system(chosen[0].id, "command_line")


async def operators_of(gate: Gate, workspace: str | None) -> list[Actor]:
    """The same in every workspace, or in the one of this public id."""
    return [system(w.id, "command_line") for w in await _chosen(gate, workspace)]


async def _chosen(gate: Gate, workspace: str | None) -> list[WorkspaceRow]:
    async with gate.database.reading(None) as db:
        every = await workspaces.every(db)
    if not every:
        raise Stopped("There is no workspace yet. Start Lockstep once: lockstep serve.")
    chosen = [w for w in every if workspace in (None, w.public_id)]
    if not chosen:
        raise Stopped(f"There is no workspace {workspace}. There are: {_names(every)}.", ASKED_WRONGLY)
    return chosen


def _names(rows: list[WorkspaceRow]) -> str:
    return ", ".join(f"{w.public_id} ({w.name})" for w in rows)
