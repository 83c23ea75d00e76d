"""Devices that guests were given by hand, not by a stay."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from lockstep.storage.database import Connection


async def give(db: Connection, workspace_id: UUID, guest_id: UUID, device_id: UUID, at: datetime) -> bool:
    """False where the guest had it."""
    result = await db.execute(
        """insert into guest_devices (workspace_id, guest_id, device_id, created_at) values ($1, $2, $3, $4)
           on conflict do nothing""",
        workspace_id,
        guest_id,
        device_id,
        at,
    )
    return bool(result == "INSERT 0 1")


async def take(db: Connection, workspace_id: UUID, guest_id: UUID, device_id: UUID) -> bool:
    """False where the guest did not have it."""
    result = await db.execute(
        "delete from guest_devices where workspace_id = $1 and guest_id = $2 and device_id = $3",
        workspace_id,
        guest_id,
        device_id,
    )
    return bool(result == "DELETE 1")


async def of_guest(db: Connection, workspace_id: UUID, guest_id: UUID) -> list[UUID]:
    rows = await db.fetch(
        "select device_id from guest_devices where workspace_id = $1 and guest_id = $2 order by device_id",
        workspace_id,
        guest_id,
    )
    return [r["device_id"] for r in rows]
