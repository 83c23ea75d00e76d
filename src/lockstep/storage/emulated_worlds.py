"""Emulated worlds of sandbox workspaces, sealed whole: they hold digits."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class WorldRow:
    """`account`: what the emulated vendor calls it, as `accounts.vendor_account`."""

    id: UUID
    account: str
    snapshot: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Whose:
    workspace_id: UUID
    id: UUID


async def put(db: Connection, workspace_id: UUID, row: WorldRow, token_hash: bytes) -> None:
    """In place of the one of the same account."""
    await db.execute(
        """insert into emulated_worlds (workspace_id, id, account, token_hash, snapshot) values ($1, $2, $3, $4, $5)
           on conflict (workspace_id, account) do update
             set id = excluded.id, token_hash = excluded.token_hash, snapshot = excluded.snapshot""",
        workspace_id,
        row.id,
        row.account,
        token_hash,
        row.snapshot,
    )


async def find(db: Connection, workspace_id: UUID, account: str) -> WorldRow | None:
    """Nobody else's until this transaction ends."""
    row = await db.fetchrow(
        """select id, account, snapshot from emulated_worlds where workspace_id = $1 and account = $2
           for no key update""",
        workspace_id,
        account,
    )
    return WorldRow(**dict(row)) if row else None


async def get(
    db: Connection, workspace_id: UUID, world_id: UUID, *, to_change: bool = False
) -> WorldRow | None:
    lock = "for no key update" if to_change else ""
    row = await db.fetchrow(
        f"select id, account, snapshot from emulated_worlds where workspace_id = $1 and id = $2 {lock}",  # noqa: S608
        workspace_id,
        world_id,
    )
    return WorldRow(**dict(row)) if row else None


async def keep(db: Connection, workspace_id: UUID, world_id: UUID, snapshot: bytes) -> None:
    """The world as it stands now."""
    await db.execute(
        "update emulated_worlds set snapshot = $3 where workspace_id = $1 and id = $2",
        workspace_id,
        world_id,
        snapshot,
    )


async def find_in_every_workspace(db: Connection, token_hash: bytes) -> Whose | None:
    """Whose token this is; for the emulated vendor alone."""
    row = await db.fetchrow("select workspace_id, id from emulated_worlds where token_hash = $1", token_hash)
    return Whose(**dict(row)) if row else None


async def remove_all(db: Connection, workspace_id: UUID) -> None:
    await db.execute("delete from emulated_worlds where workspace_id = $1", workspace_id)
