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


async def reached_by(db: Connection, workspace_id: UUID, guest_id: UUID, now: datetime) -> list[str]:
    """Public ids of devices that the guest was given, or that a grant of theirs opens or is about to open."""
    rows = await db.fetch(
        """select d.public_id from devices d where d.workspace_id = $1 and (
             exists (select from guest_devices gd
               where gd.workspace_id = $1 and gd.guest_id = $2 and gd.device_id = d.id)
             or d.id in (select c.device_id from access_codes c
                 join grants g on g.workspace_id = c.workspace_id and g.id = c.grant_id
               where c.workspace_id = $1 and g.guest_id = $2 and c.withdrawn_at is null
                 and g.cancelled_at is null and (g.ends_at is null or g.ends_at > $3)))
           order by d.id""",
        workspace_id,
        guest_id,
        now,
    )
    return [r["public_id"] for r in rows]


async def given_to(db: Connection, workspace_id: UUID, guest_id: UUID) -> list[UUID]:
    """Devices that the guest was given by hand."""
    rows = await db.fetch(
        "select device_id from guest_devices where workspace_id = $1 and guest_id = $2 order by device_id",
        workspace_id,
        guest_id,
    )
    return [row["device_id"] for row in rows]
