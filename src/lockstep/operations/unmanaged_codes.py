"""Codes on locks that are not Lockstep's: shown as the newest reading has them, and left alone until somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events, unmanaged
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import events as recorded
from lockstep.operations.confinement import confinement, given, require_devices
from lockstep.operations.devices import known_device
from lockstep.operations.emulator import CodeAtLock
from lockstep.operations.errors import NotFound
from lockstep.operations.failures import Failed, failed
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.grants import MASK
from lockstep.operations.observed import digits_seen, window_seen
from lockstep.storage import devices, unmanaged_codes
from lockstep.storage.devices import DeviceRow
from lockstep.storage.unmanaged_codes import Sighting, UnmanagedCodeRow, UnmanagedFilter

_BETWEEN_LOOKS = 0.05


@dataclass(frozen=True, slots=True)
class UnmanagedCode:
    """A code on a lock that is not Lockstep's: it is left alone, and its digits are avoided."""

    unmanaged_code_id: str
    """Stays the same as long as it stands on the lock; adopted, it is an access code of the same id."""
    device_id: str
    name: str | None = field(repr=False)
    """As the vendor shows it; null for whoever may not read guests."""
    code: str | None = field(repr=False)
    """The digits, where the vendor shows them; masked for whoever may not read codes."""
    is_code_masked: bool
    starts_at: datetime | None
    ends_at: datetime | None
    is_enabled: bool | None
    can_be_adopted: bool
    """Whether it can become an access code of Lockstep's."""
    can_be_removed: bool
    """Whether Lockstep can take it off the lock."""
    is_being_removed: bool
    """Somebody asked for that, and it is not proven gone yet."""
    failure: Failed | None
    """Why it could not be taken off the lock yet."""
    first_seen_at: datetime
    """When the reading that first showed it began."""
    seen_at: datetime | None
    """When the newest reading of its lock began; null: the lock is unread since."""


@dataclass(frozen=True, slots=True)
class ListUnmanagedCodes:
    """In the order in which they were first seen, behind the code `after`."""

    most: int = 50
    after: str | None = None
    device_id: str | None = None
    name_contains: str | None = None
    device_kind: str | None = None
    """Such as `door`, of an access system."""
    is_left: bool = True
    """Those too on locks of accounts that were disconnected, which nobody reads any more."""


async def listed(tx: Tx, actor: Actor, command: ListUnmanagedCodes) -> list[UnmanagedCode]:
    """Raises NotFound where the device is not there."""
    require(actor, Scope.GRANTS_READ)
    after = (await known_unmanaged(tx, actor, command.after)).id if command.after else None
    device = await known_device(tx, actor, command.device_id) if command.device_id else None
    rows = await unmanaged_codes.listed(
        tx.db,
        tx.workspace_id,
        after,
        command.most,
        UnmanagedFilter(
            [device.id] if device else None,
            confinement(actor),
            given(actor),
            name_contains=command.name_contains,
            device_kind=command.device_kind,
            is_left=command.is_left,
        ),
    )
    return await _views(tx, actor, rows)


async def with_digits(tx: Tx, actor: Actor, device_id: str, code: str) -> UnmanagedCode:
    """The code of a lock that has these digits. Raises NotFound."""
    require(actor, Scope.CODES_READ)
    device = await known_device(tx, actor, device_id)
    wanted = UnmanagedFilter([device.id], fingerprint=tx.fingerprint(code), is_left=False)
    rows = await unmanaged_codes.listed(tx.db, tx.workspace_id, None, 1, wanted)
    if not rows:
        raise NotFound("unmanaged code", "with these digits")
    return (await _views(tx, actor, rows))[0]


async def get(tx: Tx, actor: Actor, unmanaged_code_id: str) -> UnmanagedCode:
    """Raises NotFound also where it is not on its lock any more."""
    require(actor, Scope.GRANTS_READ)
    (shown,) = await _views(tx, actor, [await known_unmanaged(tx, actor, unmanaged_code_id)])
    return shown


async def once_read(
    gate: Gate, actor: Actor, unmanaged_code_id: str, within: timedelta
) -> UnmanagedCode | None:
    """The code as soon as a reading shows it; None where none does within so much real time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within.total_seconds()
    while True:
        async with gate.reading(actor.workspace_id) as tx:
            if await unmanaged_codes.by_public_id(tx.db, tx.workspace_id, unmanaged_code_id) is not None:
                return await get(tx, actor, unmanaged_code_id)
        if loop.time() >= until:
            return None
        await asyncio.sleep(_BETWEEN_LOOKS)


async def expect(tx: Tx, actor: Actor, lock: DeviceRow, reference: str, code: CodeAtLock) -> UnmanagedCode:
    """For other operations: this code was just put on a lock, under this reference; it gets its identity at once."""
    id = new_id()
    sighting = Sighting(id, public_id("code", id), lock.id, reference)
    await unmanaged_codes.keep(tx.db, tx.workspace_id, sighting, tx.now)
    told = events.UnmanagedCodeCreated(unmanaged_code_id=sighting.public_id, device_id=lock.public_id)
    await recorded.append(tx, actor, told)
    return UnmanagedCode(
        sighting.public_id,
        lock.public_id,
        code.name,
        code.digits,
        is_code_masked=False,
        starts_at=code.starts_at,
        ends_at=code.ends_at,
        is_enabled=None,
        can_be_adopted=unmanaged.hindrance_to_manage(lock.capabilities) is None,
        can_be_removed=unmanaged.hindrance_to_remove(lock.capabilities) is None,
        is_being_removed=False,
        failure=None,
        first_seen_at=tx.now,
        seen_at=None,
    )


async def known_unmanaged(tx: Tx, actor: Actor, unmanaged_code_id: str) -> UnmanagedCodeRow:
    """For other operations. Raises NotFound, NotAllowed."""
    row = await unmanaged_codes.by_public_id(tx.db, tx.workspace_id, unmanaged_code_id)
    if row is None:
        raise NotFound("unmanaged code", unmanaged_code_id)
    await require_devices(tx, actor, [row.device_id])
    return row


async def _views(tx: Tx, actor: Actor, rows: Sequence[UnmanagedCodeRow]) -> list[UnmanagedCode]:
    locks = {d.id: d for d in await devices.get_many(tx.db, tx.workspace_id, _device_ids(rows))}
    return [_view(tx, actor, row, locks[row.device_id]) for row in rows]


def _view(tx: Tx, actor: Actor, row: UnmanagedCodeRow, lock: DeviceRow) -> UnmanagedCode:
    content, window = row.content, window_seen(row.content)
    code = digits_seen(tx, lock.account_id, content) if actor.may(Scope.CODES_READ) else None
    is_masked = code is None and "sealed" in content
    return UnmanagedCode(
        row.public_id,
        lock.public_id,
        content.get("name") if actor.may(Scope.GUESTS_READ) else None,
        MASK if is_masked else code,
        is_masked,
        window.starts_at if window else None,
        window.ends_at if window else None,
        content.get("is_enabled"),
        lock.is_managed and unmanaged.hindrance_to_manage(lock.capabilities) is None,
        lock.is_managed and unmanaged.hindrance_to_remove(lock.capabilities) is None,
        row.removal_id is not None,
        failed(_removal_failure(row)),
        row.first_seen_at,
        row.seen_at,
    )


def _removal_failure(row: UnmanagedCodeRow) -> dict[str, Any] | None:
    return row.removal_failure if row.removal_id is not None else None


def _device_ids(rows: Sequence[UnmanagedCodeRow]) -> list[UUID]:
    return sorted({row.device_id for row in rows})
