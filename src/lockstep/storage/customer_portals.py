"""Links that show one customer's places, devices and codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class PortalRow:
    workspace_id: UUID
    id: UUID
    public_id: str
    customer_key: str
    token_hash: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime


_COLUMNS = "workspace_id, id, public_id, customer_key, token_hash, created_at, expires_at"


async def insert(db: Connection, workspace_id: UUID, row: PortalRow) -> None:
    await db.execute(
        f"insert into customer_portals ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)",  # noqa: S608
        workspace_id,
        row.id,
        row.public_id,
        row.customer_key,
        row.token_hash,
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
