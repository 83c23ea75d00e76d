"""Workspaces: tenants that own everything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.storage import claims
from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    id: UUID
    public_id: str
    name: str
    created_at: datetime
    is_ruling: bool
    retention_days: int


_FIRST = 281733611

_COLUMNS = "id, public_id, name, created_at, is_ruling, retention_days"


async def insert(
    db: Connection, workspace_id: UUID, public_id: str, name: str, salt: bytes, at: datetime
) -> None:
    await db.execute(
        "insert into workspaces (id, public_id, name, salt, created_at) values ($1, $2, $3, $4, $5)",
        workspace_id,
        public_id,
        name,
        salt,
        at,
    )


async def get(db: Connection, workspace_id: UUID) -> WorkspaceRow | None:
    row = await db.fetchrow(f"select {_COLUMNS} from workspaces where id = $1", workspace_id)  # noqa: S608
    return WorkspaceRow(**dict(row)) if row else None


async def every(db: Connection) -> list[WorkspaceRow]:
    """All workspaces: for wiring and sweeps only."""
    return [WorkspaceRow(**dict(r)) for r in await db.fetch(f"select {_COLUMNS} from workspaces order by id")]  # noqa: S608


async def make_first_alone(db: Connection) -> None:
    """Let no other process make the first workspace until this transaction ends."""
    await db.execute("select pg_advisory_xact_lock($1)", _FIRST)


async def salt(db: Connection, workspace_id: UUID) -> bytes:
    """The salt of this workspace's fingerprints."""
    value: bytes | None = await db.fetchval("select salt from workspaces where id = $1", workspace_id)
    if value is None:
        raise LookupError(f"no workspace {workspace_id}")
    return value


async def change(
    db: Connection,
    workspace_id: UUID,
    *,
    name: str | None = None,
    retention_days: int | None = None,
    is_ruling: bool | None = None,
) -> None:
    await db.execute(
        """update workspaces set name = coalesce($2, name), retention_days = coalesce($3, retention_days),
             is_ruling = coalesce($4, is_ruling) where id = $1""",
        workspace_id,
        name,
        retention_days,
        is_ruling,
    )


async def wake_domains(db: Connection, workspace_id: UUID, now: datetime) -> None:
    """Let each write domain be looked at now; those of disconnected accounts are nobody's to look at."""
    rows = await db.fetch(
        """select d.id from domains d join accounts a on a.workspace_id = d.workspace_id and a.id = d.account_id
           where d.workspace_id = $1 and a.state <> 'disconnected' order by d.id""",
        workspace_id,
    )
    await claims.wake(db, workspace_id, "domains", [r["id"] for r in rows], now)


async def take_sweep(db: Connection, workspace_id: UUID, now: datetime, since: datetime) -> bool:
    """Be the one who sweeps; False where somebody has swept after `since`."""
    result = await db.execute(
        "update workspaces set swept_at = $2 where id = $1 and (swept_at is null or swept_at <= $3)",
        workspace_id,
        now,
        since,
    )
    return bool(result == "UPDATE 1")


async def swept_first(db: Connection) -> datetime | None:
    """When the workspace that waits longest was swept; None where one never was (or there is none)."""
    at: datetime | None = await db.fetchval(
        "select swept_at from workspaces order by swept_at nulls first limit 1"
    )
    return at
