"""Action attempts: an asked-for act, such as unlocking now, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import devices as device_operations
from lockstep.operations.errors import AccountInError, Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.storage import accounts, attempts, claims
from lockstep.storage.attempts import AttemptRow

_DEADLINE = timedelta(seconds=60)
"""An act asked for and not begun by then is not done any more: nobody stands at the door an hour later."""


async def unlock(tx: Tx, actor: Actor, device_public_id: str) -> AttemptRow:
    """Open this lock now; the scope for it is off by default."""
    require(actor, Scope.DEVICES_UNLOCK)
    device = await device_operations.get(tx, actor, device_public_id)
    if not device.capabilities.can_unlock:
        raise Invalid(
            f"The lock {device.name} ({device.public_id}) cannot be opened from afar.",
            code="cannot_unlock",
            next_step="Use a code at the door.",
        )
    account = await accounts.get(tx.db, tx.workspace_id, device.account_id)
    if account is None or account.state != "active":
        raise AccountInError(f"The connected account of the lock {device.name} is not active.")
    row_id = new_id()
    attempt = AttemptRow(
        row_id,
        public_id("attempt", row_id),
        device.id,
        "unlock",
        "pending",
        None,
        actor.name,
        tx.now,
        tx.now + _DEADLINE,
        None,
        None,
    )
    await attempts.insert(tx.db, tx.workspace_id, attempt)
    await claims.wake(tx.db, tx.workspace_id, "attempts", [row_id], tx.now)
    return attempt


async def get(tx: Tx, actor: Actor, attempt_public_id: str) -> AttemptRow:
    require(actor, Scope.DEVICES_READ)
    found = await attempts.by_public_id(tx.db, tx.workspace_id, attempt_public_id)
    if found is None:
        raise NotFound("action attempt", attempt_public_id)
    return found


async def listed(tx: Tx, actor: Actor, after: UUID | None, most: int) -> list[AttemptRow]:
    require(actor, Scope.DEVICES_READ)
    return await attempts.listed(tx.db, tx.workspace_id, after, most)
