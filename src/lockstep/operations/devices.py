"""Devices as the ways in ask for them."""

from __future__ import annotations

from uuid import UUID

from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Tx
from lockstep.storage import accounts, claims, devices, domains
from lockstep.storage.devices import DeviceRow


async def get(tx: Tx, actor: Actor, device_public_id: str) -> DeviceRow:
    require(actor, Scope.DEVICES_READ)
    found = await devices.by_public_ids(tx.db, tx.workspace_id, [device_public_id])
    if not found:
        raise NotFound("device", device_public_id)
    return found[0]


async def listed(
    tx: Tx, actor: Actor, after: UUID | None, most: int, account_public_id: str | None = None
) -> list[DeviceRow]:
    require(actor, Scope.DEVICES_READ)
    account_id = None
    if account_public_id is not None:
        account = await accounts.by_public_id(tx.db, tx.workspace_id, account_public_id)
        if account is None:
            raise NotFound("connected account", account_public_id)
        account_id = account.id
    return await devices.listed(tx.db, tx.workspace_id, after, most, account_id)


async def look_now(tx: Tx, actor: Actor, device_public_id: str) -> DeviceRow:
    """Ask Lockstep to read this lock now, and to try again what it had given up for the moment."""
    device = await get(tx, actor, device_public_id)
    require(actor, Scope.GRANTS_WRITE)
    await domains.look_now(tx.db, tx.workspace_id, [device.domain_id], tx.now)
    await domains.forgive(tx.db, tx.workspace_id, device.domain_id)
    await claims.wake(tx.db, tx.workspace_id, "domains", [device.domain_id], tx.now)
    return device
