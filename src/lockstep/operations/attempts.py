"""Action attempts: an asked-for act, such as unlocking now, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import events as recorded
from lockstep.operations.confinement import confinement, given, require_devices
from lockstep.operations.devices import known_device
from lockstep.operations.errors import AccountInError, Conflict, Invalid, NotFound
from lockstep.operations.failures import Failed, failed
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, attempts, claims
from lockstep.storage.attempts import AttemptRow
from lockstep.storage.devices import DeviceRow

_DEADLINE = timedelta(seconds=60)
"""An act asked for and not begun by then is not done any more: nobody stands at the door an hour later."""
_BETWEEN_LOOKS = 0.1
"""Seconds of whoever waits for an attempt to end."""
_SHORTEST_DELAY, _LONGEST_DELAY = 1, 3600


@dataclass(frozen=True, slots=True)
class ActionAttempt:
    """An action attempt as the ways in show it."""

    action_attempt_id: str
    device_id: str
    action: str
    """`unlock`, `lock` or `configure_auto_lock`; in a sandbox `simulate_keypad_entry` and `simulate_manual_lock`."""
    state: str
    """`pending`, `success` or `error`."""
    failure: Failed | None
    asked_by: str
    """Such as `api_key:key_01...`."""
    created_at: datetime
    deadline_at: datetime
    """What is not begun by then is not done any more."""
    ended_at: datetime | None
    evidence: str | None = None
    """Of a success: `acknowledged` where the device itself confirmed it, `accepted` where the vendor passed it on."""

    result: Any = None
    """In a sandbox: what somebody who tries things said that came of it."""

    @property
    def is_confirmed_by_device(self) -> bool:
        return self.evidence == "acknowledged"


@dataclass(frozen=True, slots=True)
class ListAttempts:
    """Newest first, behind the attempt `after`."""

    most: int = 50
    after: str | None = None
    device_id: str | None = None
    attempt_ids: tuple[str, ...] | None = None
    """Only these; ids that nothing answers to are left out. None: all."""


@dataclass(frozen=True, slots=True)
class AutoLock:
    """How a lock shall lock by itself after it was opened."""

    is_enabled: bool
    delay_seconds: float | None = None
    """From 1 to 3600; None: it stays as it is."""


async def unlock(tx: Tx, actor: Actor, device_public_id: str) -> ActionAttempt:
    """Open this lock now; the scope for it is off by default. Raises Invalid where this lock cannot be opened so."""
    require(actor, Scope.DEVICES_UNLOCK)
    device = await _actable(tx, actor, device_public_id)
    if not device.capabilities.can_unlock:
        raise _cannot(device, "cannot_unlock", "be opened from afar", "Use a code at the door.")
    return await _begin(tx, actor, device, "unlock")


async def lock(tx: Tx, actor: Actor, device_public_id: str) -> ActionAttempt:
    """Lock this lock now; the scope for it is off by default. Raises Invalid where this lock cannot be locked so."""
    require(actor, Scope.DEVICES_LOCK)
    device = await _actable(tx, actor, device_public_id)
    if not device.capabilities.can_lock:
        raise _cannot(device, "cannot_lock", "be locked from afar", "Lock it at the door.")
    return await _begin(tx, actor, device, "lock")


async def configure_auto_lock(
    tx: Tx, actor: Actor, device_public_id: str, command: AutoLock
) -> ActionAttempt:
    """Say whether this lock locks by itself, and how long after it was opened. Raises Invalid where it cannot."""
    require(actor, Scope.DEVICES_LOCK)
    device = await _actable(tx, actor, device_public_id)
    if not device.capabilities.can_configure_auto_lock:
        raise _cannot(
            device, "cannot_configure_auto_lock", "be told to lock by itself", "See the vendor's app."
        )
    delay = command.delay_seconds
    if delay is not None and not _SHORTEST_DELAY <= delay <= _LONGEST_DELAY:
        raise Invalid(
            f"The delay lies between {_SHORTEST_DELAY} and {_LONGEST_DELAY} seconds.",
            code="delay_invalid",
            next_step="Give such a delay, or none to leave it as it is.",
        )
    request = {"is_enabled": command.is_enabled, "delay_seconds": delay}
    return await _begin(tx, actor, device, "configure_auto_lock", request)


async def _begin(
    tx: Tx, actor: Actor, device: DeviceRow, action: str, request: dict[str, Any] | None = None
) -> ActionAttempt:
    """Have an act done once, soon. `request`: what it needs besides, without secrets. Raises AccountInError."""
    account = await accounts.get(tx.db, tx.workspace_id, device.account_id)
    if account is None or account.state != "active":
        raise AccountInError(f"The connected account of the lock {device.name} is not active.")
    row_id = new_id()
    attempt = AttemptRow(
        row_id,
        public_id("attempt", row_id),
        device.id,
        action,
        "pending",
        None,
        actor.name,
        tx.now,
        tx.now + _DEADLINE,
        None,
        None,
        device.public_id,
        request,
    )
    await attempts.insert(tx.db, tx.workspace_id, attempt)
    # Who asked for a door to be opened is what an audit is for.
    asked = events.ActionAttemptCreated(
        action_attempt_id=attempt.public_id, device_id=device.public_id, action=action
    )
    await recorded.append(tx, actor, asked)
    await claims.wake(tx.db, tx.workspace_id, "attempts", [row_id], tx.now)
    return _view(attempt)


async def _actable(tx: Tx, actor: Actor, device_public_id: str) -> DeviceRow:
    device = await known_device(tx, actor, device_public_id)
    if device.removed_at is not None:
        raise NotFound("device", device_public_id)
    if not device.is_managed:
        raise Conflict(
            f"Lockstep does not look after the device {device.name} ({device.public_id}).",
            code="device_unmanaged",
            next_step="Let it manage the device first.",
        )
    return device


def _cannot(device: DeviceRow, code: str, what: str, next_step: str) -> Invalid:
    return Invalid(
        f"The lock {device.name} ({device.public_id}) cannot {what}.", code=code, next_step=next_step
    )


async def get(tx: Tx, actor: Actor, attempt_public_id: str) -> ActionAttempt:
    """Raises NotFound, NotAllowed."""
    require(actor, Scope.DEVICES_READ)
    found = await attempts.by_public_id(tx.db, tx.workspace_id, attempt_public_id)
    if found is None:
        raise NotFound("action attempt", attempt_public_id)
    await require_devices(tx, actor, [found.device_id])
    return _view(found)


async def ended(gate: Gate, actor: Actor, attempt_public_id: str, within: timedelta) -> ActionAttempt:
    """The attempt once it has ended, or as it stands after so much real time. Raises NotFound, NotAllowed."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within.total_seconds()
    while True:
        async with gate.reading(actor.workspace_id) as tx:
            found = await get(tx, actor, attempt_public_id)
        if found.state != "pending" or loop.time() >= until:
            return found
        await asyncio.sleep(_BETWEEN_LOOKS)


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
        row.evidence,
        row.result,
    )
