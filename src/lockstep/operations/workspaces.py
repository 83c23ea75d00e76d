"""What may be asked of a workspace itself: to be made, shown, renamed, and to rule."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace, system
from lockstep.operations import events as recorded
from lockstep.operations.errors import Invalid
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.words import words
from lockstep.storage import unread, workspaces
from lockstep.storage.workspaces import WorkspaceRow

LONGEST_RETENTION_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Workspace:
    """`is_ruling` False: the database was restored or copied, and only looks until an operator confirms it."""

    workspace_id: str
    name: str
    retention_days: int
    """After a departure; then personal data and digits are forgotten."""
    is_ruling: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeWorkspace:
    """What is UNSET stays."""

    name: str | UnsetType = UNSET
    retention_days: int | UnsetType = UNSET


async def create(gate: Gate, name: str) -> UUID:
    """Make a workspace, as the wiring does on the first start; returns its internal id."""
    id = new_id()
    row_public_id = public_id("ws", id)
    cleaned = words(name, "name")
    salt = secrets.token_bytes(32)
    async with gate.database.transaction(id) as db:
        tx = Tx(db, id, gate.clock.now(), gate.sealer, salt, gate.random, gate.outbound)
        await workspaces.insert(db, id, row_public_id, cleaned, salt, tx.now)
        await recorded.append(tx, system(id, "setup"), events.WorkspaceCreated(workspace_id=row_public_id))
    return id


async def get(tx: Tx, actor: Actor) -> Workspace:
    require(actor, Scope.WORKSPACE_READ)
    return _shown(await _own(tx))


async def change(tx: Tx, actor: Actor, command: ChangeWorkspace) -> Workspace:
    """Another name or retention."""
    require(actor, Scope.WORKSPACE_WRITE)
    require_whole_workspace(actor)
    days = None if isinstance(command.retention_days, UnsetType) else command.retention_days
    if days is not None and not 1 <= days <= LONGEST_RETENTION_DAYS:
        raise Invalid(
            f"Retention is from 1 to {LONGEST_RETENTION_DAYS} days.",
            code="retention_out_of_range",
            field="retention_days",
        )
    name = None if isinstance(command.name, UnsetType) else words(command.name, "name")
    await workspaces.change(tx.db, tx.workspace_id, name=name, retention_days=days)
    row = await _own(tx)
    await recorded.append(tx, actor, events.WorkspaceChanged(workspace_id=row.public_id))
    return _shown(row)


async def confirm(tx: Tx, actor: Actor) -> Workspace:
    """This database is the one that rules: Lockstep may write to locks from now on.

    Nothing counts as proven until it is read once more: the database from before may have written until now."""
    require(actor, Scope.WORKSPACE_WRITE)
    require_whole_workspace(actor)
    row = await _own(tx)
    if not row.is_ruling:
        await workspaces.change(tx.db, tx.workspace_id, is_ruling=True)
        await recorded.append(tx, actor, events.WorkspaceConfirmed(workspace_id=row.public_id))
        await unread.forget_what_was_read(tx.db, tx.workspace_id, tx.now)
        await workspaces.wake_domains(tx.db, tx.workspace_id, tx.now)
    return _shown(await _own(tx))


async def _own(tx: Tx) -> WorkspaceRow:
    row = await workspaces.get(tx.db, tx.workspace_id)
    assert row is not None, "the gate opened a transaction in it"
    return row


def _shown(row: WorkspaceRow) -> Workspace:
    return Workspace(row.public_id, row.name, row.retention_days, row.is_ruling, row.created_at)
