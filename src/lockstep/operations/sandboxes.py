"""What may be asked of a sandbox workspace: accounts of the emulated vendor, with whatever makers' locks one likes."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import accounts, emulated
from lockstep.operations.accounts import Connect, Connected
from lockstep.operations.emulator import EmulatedDevice
from lockstep.operations.errors import Conflict
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import workspaces
from lockstep.storage.workspaces import WorkspaceRow


class NotASandbox(Conflict):
    """The workspace is no sandbox: its locks are real, and nothing is simulated on them."""

    code = "not_a_sandbox"
    next_step = "Use a key of a sandbox workspace."


@dataclass(frozen=True, slots=True)
class EmulatedAccount:
    """`account`: what the emulated vendor calls it, such as an address of mail; once in a workspace."""

    account: str
    label: str
    devices: tuple[EmulatedDevice, ...] = ()
    account_id: str | None = None
    """What it is called where it is seeded; its devices are then called as their vendor calls them."""


async def connect(gate: Gate, actor: Actor, command: EmulatedAccount, token: str | None = None) -> Connected:
    """Make an account of the emulated vendor and connect it. `token`: where the world is to keep the one it had.

    Raises Conflict where one of this name is connected already, NotASandbox."""
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)
    assert gate.emulator is not None, "the wiring hands one in"
    async with gate.transaction(actor.workspace_id) as tx:
        await require_sandbox(tx)
        credentials = await emulated.create(gate, tx, command.account, command.devices, token)
    asked = Connect(gate.emulator.vendor, credentials, command.label)
    checked = await accounts.ask_vendor(gate, actor, asked)
    async with gate.transaction(actor.workspace_id) as tx:
        return await accounts.add(tx, actor, checked, command.account_id)


async def require_sandbox(tx: Tx) -> WorkspaceRow:
    """The workspace of this transaction. Raises NotASandbox."""
    row = await workspaces.get(tx.db, tx.workspace_id)
    if row is None or not row.is_sandbox:
        raise NotASandbox(NotASandbox.__doc__ or "")
    return row
