"""The very first start: a workspace, and a key to sign in with, shown once and never again."""

from __future__ import annotations

from dataclasses import dataclass, field

from lockstep.cli.terminal import say
from lockstep.model.permissions import FIRST_SCOPES, Scope, system
from lockstep.operations import api_keys, workspaces
from lockstep.operations.gate import Gate
from lockstep.storage import workspaces as stored

NAME = "My properties"


@dataclass(frozen=True, slots=True)
class FirstKey:
    """The workspace's public id, and the secret of a key that may do everything in it but open doors from afar."""

    workspace_id: str
    secret: str = field(repr=False)


async def set_up(gate: Gate) -> FirstKey | None:
    """Make what there must be to begin with; None where there is a workspace already."""
    async with gate.database.transaction(None) as db:
        # Several processes may start at once on one new database.
        await stored.make_first_alone(db)
        if await stored.every(db):
            return None
        workspace_id = await workspaces.create(gate, NAME)
        actor = system(workspace_id, "setup")
        command = api_keys.CreateApiKey("First key", sorted(FIRST_SCOPES))
        async with gate.transaction(workspace_id) as tx:
            made = await api_keys.create(tx, actor, command)
            workspace = await workspaces.get(tx, actor)
    return FirstKey(workspace.workspace_id, made.secret)


def show(first: FirstKey) -> None:
    """Said once, on stderr: stdout may be kept."""
    say("This is the first start. Sign in, or call the API, with this key; it is not shown again:")
    say(f"  {first.secret}")
    say("It may do everything but open doors from afar. Keys for other uses: lockstep keys create NAME;")
    say(f"one that may open doors: lockstep keys create NAME --scope {Scope.DEVICES_UNLOCK}")
