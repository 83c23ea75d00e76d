"""Action attempts: an asked-for act, such as unlocking now, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import events as recorded
from lockstep.operations.devices import confinement, given, known_device, require_devices
from lockstep.operations.errors import AccountInError, Invalid, NotFound
from lockstep.operations.failures import Failed, failed
from lockstep.operations.gate import Tx
from lockstep.storage import accounts, attempts, claims
from lockstep.storage.attempts import AttemptRow

_DEADLINE = timedelta(seconds=60)
"""An act asked for and not begun by then is not done any more: nobody stands at the door an hour later."""


@dataclass(frozen=True, slots=True)
class ActionAttempt:
    """An action attempt as the ways in show it."""

    action_attempt_id: str
    device_id: str
    action: str
    """`unlock`."""
    state: str
    """`pending`, `success` or `error`."""
    failure: Failed | None
    asked_by: str
    """Such as `api_key:key_01...`."""
    created_at: datetime
    deadline_at: datetime
    """What is not begun by then is not done any more."""
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListAttempts:
    """Newest first, behind the attempt `after`."""

    most: int = 50
    after: str | None = None
    device_id: str | None = None
    attempt_ids: tuple[str, ...] | None = None
    """Only these; ids that nothing answers to are left out. None: all."""


async def unlock(tx: Tx, actor: Actor, device_public_id: str) -> ActionAttempt:
    """Open this lock now; the scope for it is off by default. Raises Invalid where this lock cannot be opened so."""
    require(actor, Scope.DEVICES_UNLOCK)
    device = await known_device(tx, actor, device_public_id)
    if device.removed_at is not None:
        raise NotFound("device", device_public_id)
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
        device.public_id,
    )
    await attempts.insert(tx.db, tx.workspace_id, attempt)
    # Who asked for a door to be opened is what an audit is for.
    asked = events.ActionAttemptCreated(action_attempt_id=attempt.public_id, device_id=device.public_id)
    await recorded.append(tx, actor, asked)
    await claims.wake(tx.db, tx.workspace_id, "attempts", [row_id], tx.now)
    return _view(attempt)


async def get(tx: Tx, actor: Actor, attempt_public_id: str) -> ActionAttempt:
    """Raises NotFound, NotAllowed."""
    require(actor, Scope.DEVICES_READ)
    found = await attempts.by_public_id(tx.db, tx.workspace_id, attempt_public_id)
    if found is None:
        raise NotFound("action attempt", attempt_public_id)
    await require_devices(tx, actor, [found.device_id])
    return _view(found)


async def listed(tx: Tx, actor: Actor, command: ListAttempts) -> list[ActionAttempt]:
    """Raises NotFound where the device is not there."""
    require(actor, Scope.DEVICES_READ)
    device = await known_device(tx, actor, command.device_id) if command.device_id else None
    rows = await attempts.listed(
        tx.db,
        tx.workspace_id,
        command.after,
        command.most,
        device.id if device else None,
        property_ids=confinement(actor),
        besides=given(actor),
        public_ids=None if command.attempt_ids is None else list(command.attempt_ids),
    )
    return [_view(row) for row in rows]


def _view(row: AttemptRow) -> ActionAttempt:
    return ActionAttempt(
        row.public_id,
        row.device_public_id,
        row.action,
        row.state,
        failed(row.failure),
        row.actor,
        row.created_at,
        row.deadline_at,
        row.ended_at,
    )
