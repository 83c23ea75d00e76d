"""Instant keys: links that open a guest's session, so many times. Of their tokens a hash, and the token sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class InstantKeyRow:
    """With the public ids of what it belongs to."""

    workspace_id: UUID
    id: UUID
    public_id: str
    token: bytes = field(repr=False)
    """Sealed."""
    guest_id: UUID
    session_id: UUID
    created_at: datetime
    expires_at: datetime
    most_uses: int
    uses: int
    guest_public_id: str
    session_public_id: str


_SELECT = """select k.workspace_id, k.id, k.public_id, k.token, k.guest_id, k.session_id, k.created_at, k.expires_at,
    k.most_uses, k.uses, g.public_id as guest_public_id, s.public_id as session_public_id
  from instant_keys k
    join guests g on g.workspace_id = k.workspace_id and g.id = k.guest_id
    join client_sessions s on s.workspace_id = k.workspace_id and s.id = k.session_id"""


async def insert(db: Connection, workspace_id: UUID, row: InstantKeyRow, token_hash: bytes) -> None:
    await db.execute(
        """insert into instant_keys (workspace_id, id, public_id, token_hash, token, guest_id, session_id, created_at,
             expires_at, most_uses) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        workspace_id,
        row.id,
        row.public_id,
        token_hash,
        row.token,
        row.guest_id,
        row.session_id,
        row.created_at,
        row.expires_at,
        row.most_uses,
    )


async def find_in_every_workspace(db: Connection, token_hash: bytes) -> InstantKeyRow | None:
    """Whose link this is, used up and over ones too; for whoever opens it."""
    return _row(await db.fetchrow(f"{_SELECT} where k.token_hash = $1", token_hash))


async def by_public_id(db: Connection, workspace_id: UUID, public_id: str) -> InstantKeyRow | None:
    return _row(
        await db.fetchrow(
            f"{_SELECT} where k.workspace_id = $1 and k.public_id = $2", workspace_id, public_id
        )
    )


async def by_token(db: Connection, workspace_id: UUID, token_hash: bytes) -> InstantKeyRow | None:
    return _row(
        await db.fetchrow(
            f"{_SELECT} where k.workspace_id = $1 and k.token_hash = $2", workspace_id, token_hash
        )
    )


async def listed(db: Connection, workspace_id: UUID, guest_id: UUID | None, most: int) -> list[InstantKeyRow]:
    """Newest first; over and used up ones too."""
    rows = await db.fetch(
        f"""{_SELECT} where k.workspace_id = $1 and ($2::uuid is null or k.guest_id = $2)
            order by k.id desc limit $3""",
        workspace_id,
        guest_id,
        most,
    )
    return [InstantKeyRow(**dict(r)) for r in rows]


async def use(db: Connection, workspace_id: UUID, instant_key_id: UUID) -> bool:
    """One use more; False where there is none left."""
    result = await db.execute(
        "update instant_keys set uses = uses + 1 where workspace_id = $1 and id = $2 and uses < most_uses",
        workspace_id,
        instant_key_id,
    )
    return bool(result == "UPDATE 1")


def _row(record: Any) -> InstantKeyRow | None:
    return InstantKeyRow(**dict(record)) if record else None
