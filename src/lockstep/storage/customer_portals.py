"""Links that show one customer's places, devices and codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class PortalRow:
    workspace_id: UUID
    id: UUID
    public_id: str
    customer_key: str
    token_hash: bytes = field(repr=False)
    shows: dict[str, Any]
    created_at: datetime
    expires_at: datetime


_COLUMNS = "workspace_id, id, public_id, customer_key, token_hash, shows, created_at, expires_at"


async def insert(db: Connection, workspace_id: UUID, row: PortalRow) -> None:
    await db.execute(
        f"insert into customer_portals ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)",  # noqa: S608
        workspace_id,
        row.id,
        row.public_id,
        row.customer_key,
        row.token_hash,
        row.shows,
        row.created_at,
        row.expires_at,
    )


async def find_in_every_workspace(db: Connection, token_hash: bytes) -> PortalRow | None:
    """Whose token this is, also after its time."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from customer_portals where token_hash = $1",  # noqa: S608
        token_hash,
    )
    return PortalRow(**dict(row)) if row else None


async def forget(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Links that could be used no more before `before`; how many."""
    result = await db.execute(
        """delete from customer_portals where workspace_id = $1 and id in (
             select id from customer_portals where workspace_id = $1 and expires_at < $2
             order by id limit $3 for no key update skip locked)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A space of the customer's, or one within such a space; `device_ids`: public ids of what stands in it."""

    id: UUID
    public_id: str
    parent_id: UUID | None
    name: str
    time_zone: str | None
    device_ids: list[str]


async def places(db: Connection, workspace_id: UUID, customer_key: str, most: int) -> list[PlaceRow]:
    """In the order of creation, and so each behind the one that it lies in."""
    rows = await db.fetch(
        """with recursive mine as (
             select id from spaces where workspace_id = $1 and customer_key = $2 and removed_at is null
             union select s.id from spaces s join mine m on s.parent_id = m.id
             where s.workspace_id = $1 and s.removed_at is null)
           select s.id, s.public_id, s.parent_id, s.name, p.time_zone,
             array(select d.public_id from space_devices k
                 join devices d on d.workspace_id = k.workspace_id and d.id = k.device_id
               where k.workspace_id = $1 and k.space_id = s.id order by d.id) as device_ids
           from mine m join spaces s on s.workspace_id = $1 and s.id = m.id
             join spaces p on p.workspace_id = $1 and p.id = s.property_id
           order by s.id limit $3""",
        workspace_id,
        customer_key,
        most,
    )
    return [PlaceRow(**dict(row)) for row in rows]


async def devices_of(db: Connection, workspace_id: UUID, customer_key: str, most: int) -> list[str]:
    """Public ids of what stands under the customer's accounts."""
    rows = await db.fetch(
        """select d.public_id from devices d
             join accounts a on a.workspace_id = d.workspace_id and a.id = d.account_id
           where d.workspace_id = $1 and a.customer_key = $2 and a.state <> 'disconnected' and d.removed_at is null
           order by d.id limit $3""",
        workspace_id,
        customer_key,
        most,
    )
    return [row["public_id"] for row in rows]
