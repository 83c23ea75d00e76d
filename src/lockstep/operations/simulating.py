"""What may be done to the emulated locks of a sandbox, as life does it to real ones. Lockstep learns of it as it learns
of everything: by asking the vendor, who is woken up for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.capabilities import CredentialKind
from lockstep.model.permissions import (
    Actor,
    Scope,
    require,
    require_or_own,
    require_own_or_whole,
)
from lockstep.operations import attempts, devices, emulated, unmanaged_codes
from lockstep.operations import events as recorded
from lockstep.operations.attempts import ActionAttempt
from lockstep.operations.emulator import CodeAtLock, EmulatedWorld
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.sandboxes import require_sandbox
from lockstep.operations.unmanaged_codes import UnmanagedCode
from lockstep.storage import accounts, claims, domains, workspaces
from lockstep.storage import attempts as stored_attempts
from lockstep.storage import devices as stored_devices
from lockstep.storage.accounts import AccountRow
from lockstep.storage.attempts import AttemptRow
from lockstep.storage.devices import DeviceRow

KEYPAD_ENTRY, MANUAL_LOCK = "simulate_keypad_entry", "simulate_manual_lock"


@dataclass(frozen=True, slots=True)
class UnmanagedCodeAtLock:
    """A code that somebody puts on a lock in its vendor's app."""

    device_id: str
    code: CodeAtLock


@dataclass(frozen=True, slots=True)
class ForcedOutcome:
    """`state`: `pending`, `success` or `error`."""

    state: str
    error_code: str | None = None
    error_message: str | None = None
    result: Any = None


async def connect_device(gate: Gate, tx: Tx, actor: Actor, device_id: str) -> None:
    """It is online again. Each of these raises NotFound, NotASandbox."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        world.connect(device.reference, is_connected=True)


async def disconnect_device(gate: Gate, tx: Tx, actor: Actor, device_id: str) -> None:
    """It is offline."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        world.connect(device.reference, is_connected=False)


async def connect_to_hub(gate: Gate, tx: Tx, actor: Actor, device_id: str) -> None:
    """Its hub is online again."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        world.connect_hub(device.reference, is_connected=True)


async def disconnect_from_hub(gate: Gate, tx: Tx, actor: Actor, device_id: str) -> None:
    """Its hub is offline, and so is the device."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        world.connect_hub(device.reference, is_connected=False)


async def pay_subscription(gate: Gate, tx: Tx, actor: Actor, device_id: str, *, is_paid: bool = True) -> None:
    """What its owner has to pay for is paid, or is not."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        world.pay(device.reference, is_paid=is_paid)


async def remove_device(gate: Gate, tx: Tx, actor: Actor, device_id: str) -> None:
    """It leaves the vendor's account for good, and Lockstep is told so: nobody waits for it to come back."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        world.remove(device.reference)
    await stored_devices.set_missed(tx.db, tx.workspace_id, device.id, tx.now, 1, None)
    await devices.give_up(tx, actor, device_id)


async def disconnect_account(gate: Gate, tx: Tx, actor: Actor, account_id: str) -> None:
    """The vendor takes the account's credentials no more."""
    require(actor, Scope.ACCOUNTS_WRITE)
    found = await accounts.by_public_id(tx.db, tx.workspace_id, account_id)
    if found is None:
        raise NotFound("connected account", account_id)
    require_own_or_whole(actor, found.customer_key)
    account = await _emulated(gate, tx, found)
    async with emulated.opened(gate, tx, account.vendor_account) as world:
        world.refuse_credentials()
    await claims.wake(tx.db, tx.workspace_id, "accounts", [account.id], tx.now)
    rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
    await _look(tx, [row.id for row in rows])


async def enter_code(gate: Gate, tx: Tx, actor: Actor, device_id: str, digits: str) -> ActionAttempt:
    """Somebody types digits at the door: the attempt fails where they do not open it."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        has_opened = world.enter(device.reference, digits)
    failure = None
    if not has_opened:
        failure = {
            "code": "code_refused",
            "cause": f"{device.name} did not open: it has no such code that is valid now.",
            "next_step": "Look at the code's status and window.",
            "at": tx.now.isoformat(),
        }
    return await _attempted(tx, actor, device, KEYPAD_ENTRY, failure)


async def lock_at_keypad(gate: Gate, tx: Tx, actor: Actor, device_id: str) -> ActionAttempt:
    """Somebody locks by the keypad's button."""
    async with _at(gate, tx, actor, device_id) as (device, world):
        world.lock_at_keypad(device.reference)
    return await _attempted(tx, actor, device, MANUAL_LOCK, None)


async def put_unmanaged_code(gate: Gate, tx: Tx, actor: Actor, command: UnmanagedCodeAtLock) -> UnmanagedCode:
    """Somebody puts a code on the lock in its vendor's app; returns who it is for Lockstep, which has yet to see it.

    Raises Invalid where the lock holds no codes, or not such ones."""
    async with _at(gate, tx, actor, command.device_id, or_own=True) as (device, world):
        if CredentialKind.CODE not in device.capabilities.credential_kinds:
            raise Invalid(f"{device.name} holds no codes.", code="cannot_hold_codes", field="device_id")
        try:
            reference = world.put_code(device.reference, command.code)
        except ValueError as refused:
            raise Invalid(
                f"The lock {device.name} ({device.public_id}) does not take this code.",
                code="code_refused",
                next_step="Give other digits, or make room on the lock.",
                field="code",
            ) from refused
        return await unmanaged_codes.expect(tx, actor, device, reference, command.code)


async def force_attempt(gate: Gate, attempt_id: str, outcome: ForcedOutcome) -> None:
    """Say what comes of an attempt, whatever came or would come of it; in sandboxes alone, whoever asks: the way in
    answers for that. Raises NotFound."""
    failure = None
    if outcome.state == "error":
        failure = {
            "code": outcome.error_code or "forced",
            "cause": outcome.error_message or "",
            "next_step": "",
            "at": gate.clock.now().isoformat(),
        }
    async with gate.database.reading(None) as db:
        sandboxes = [w.id for w in await workspaces.every(db) if w.is_sandbox]
    for workspace_id in sandboxes:
        async with gate.transaction(workspace_id) as tx:
            row = await stored_attempts.by_public_id(tx.db, tx.workspace_id, attempt_id)
            if row is not None:
                await stored_attempts.force(
                    tx.db, tx.workspace_id, row.id, outcome.state, failure, outcome.result, tx.now
                )
                return
    raise NotFound("action attempt", attempt_id)


@asynccontextmanager
async def _at(
    gate: Gate, tx: Tx, actor: Actor, device_id: str, *, or_own: bool = False
) -> AsyncIterator[tuple[DeviceRow, EmulatedWorld]]:
    """The device and its world; afterwards Lockstep looks at it. `or_own`: a client session may ask it, too."""
    (require_or_own if or_own else require)(actor, Scope.ACCOUNTS_WRITE)
    device = await devices.known_device(tx, actor, device_id)
    if device.removed_at is not None:
        raise NotFound("device", device_id)
    account = await _emulated(gate, tx, await accounts.get(tx.db, tx.workspace_id, device.account_id))
    async with emulated.opened(gate, tx, account.vendor_account) as world:
        yield device, world
    await _look(tx, [device.domain_id])


async def _emulated(gate: Gate, tx: Tx, account: AccountRow | None) -> AccountRow:
    await require_sandbox(tx)
    if account is None or gate.emulator is None or account.vendor != gate.emulator.vendor:
        raise NotFound("emulated account", account.public_id if account else "")
    return account


async def _look(tx: Tx, domain_ids: list[Any]) -> None:
    await domains.look_now(tx.db, tx.workspace_id, domain_ids, tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", domain_ids, tx.now)


async def _attempted(
    tx: Tx, actor: Actor, device: DeviceRow, action: str, failure: dict[str, Any] | None
) -> ActionAttempt:
    """An act that was done at once, as an attempt that has ended."""
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
        tx.now,
        None,
        None,
        device.public_id,
    )
    await stored_attempts.insert(tx.db, tx.workspace_id, attempt)
    state = "success" if failure is None else "error"
    await stored_attempts.end(tx.db, tx.workspace_id, row_id, state, failure, tx.now)
    of = {"action_attempt_id": attempt.public_id, "device_id": device.public_id, "action": action}
    ended = events.ActionAttemptSucceeded if failure is None else events.ActionAttemptFailed
    await recorded.append(tx, actor, events.ActionAttemptCreated(**of), ended(**of))
    return await attempts.get(tx, actor, attempt.public_id)
