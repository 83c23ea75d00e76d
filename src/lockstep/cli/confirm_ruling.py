"""The word `confirm-ruling`: this database, restored or copied, is the one that writes to locks from now on."""

from __future__ import annotations

from typing import Annotated

import typer

from lockstep.cli.failing import Stopped
from lockstep.cli.running import operators_of, with_lockstep
from lockstep.cli.terminal import AsJson, print_json, print_text
from lockstep.cli.wiring import Built
from lockstep.operations import workspaces
from lockstep.operations.workspaces import Workspace


def confirm_ruling(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: Annotated[str | None, typer.Option(help="Only the one of this public id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a restored or copied database write to locks. Two that write would undo each other's codes."""
    if not yes and not typer.confirm("Is every other Lockstep with these locks stopped for good?", err=True):
        raise Stopped("Nothing was changed: this database only looks.")

    async def work(lockstep: Built) -> list[Workspace]:
        found = []
        for actor in await operators_of(lockstep.gate, workspace):
            async with lockstep.gate.transaction(actor.workspace_id) as tx:
                found.append(await workspaces.confirm(tx, actor))
        return found

    found = with_lockstep(work)
    if as_json:
        print_json(found)
        return
    for one in found:
        print_text(f"{one.workspace_id} ({one.name}) rules: its locks are written from now on.")
