"""Workspaces: tenants that own everything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
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
    is_sandbox: bool
    publishable_key: str | None
    is_publishable_key_enabled: bool
    partner_name: str | None
    webview_look: dict[str, str]
    organization_key: str | None
    suspended_at: datetime | None
    is_paced: bool


_FIRST = 281733611

_COLUMNS = (
    "id, public_id, name, created_at, is_ruling, retention_days, is_sandbox, publishable_key, "
    "is_publishable_key_enabled, partner_name, webview_look, organization_key, suspended_at, "
    "is_paced"
)


async def insert(
    db: Connection,
    workspace_id: UUID,
    public_id: str,
    name: str,
    salt: bytes,
    at: datetime,
    *,
    is_sandbox: bool = False,
    publishable_key: str | None = None,
    partner_name: str | None = None,
    webview_look: dict[str, str] | None = None,
    organization_key: str | None = None,
) -> None:
    await db.execute(
        """insert into workspaces (id, public_id, name, salt, created_at, is_sandbox, publishable_key, partner_name,
             webview_look, organization_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        workspace_id,
        public_id,
        name,
        salt,
        at,
        is_sandbox,
        publishable_key,
        partner_name,
        webview_look or {},
        organization_key,
    )


async def get(db: Connection, workspace_id: UUID, *, to_change: bool = False) -> WorkspaceRow | None:
    """`to_change`: nobody else changes it before this transaction ends."""
    lock = "for no key update" if to_change else ""
    return _row(await db.fetchrow(f"select {_COLUMNS} from workspaces where id = $1 {lock}", workspace_id))  # noqa: S608


async def get_many(db: Connection, workspace_ids: list[UUID]) -> list[WorkspaceRow]:
    """Those of one operator, in the order in which they were made."""
    rows = await db.fetch(
        f"select {_COLUMNS} from workspaces where id = any($1) order by id",  # noqa: S608
        workspace_ids,
    )
    return [WorkspaceRow(**dict(r)) for r in rows]


async def by_publishable_key(db: Connection, publishable_key: str) -> WorkspaceRow | None:
    """For authentication alone."""
    return _row(
        await db.fetchrow(
            f"select {_COLUMNS} from workspaces where publishable_key = $1",  # noqa: S608
            publishable_key,
        )
    )


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


async def change(db: Connection, workspace_id: UUID, row: WorkspaceRow) -> None:
    """All that can change of it but its ruling."""
    await db.execute(
        """update workspaces set name = $2, retention_days = $3, is_publishable_key_enabled = $4, partner_name = $5,
             webview_look = $6, organization_key = $7, suspended_at = $8, is_paced = $9 where id = $1""",
        workspace_id,
        row.name,
        row.retention_days,
        row.is_publishable_key_enabled,
        row.partner_name,
        row.webview_look,
        row.organization_key,
        row.suspended_at,
        row.is_paced,
    )


async def set_ruling(db: Connection, workspace_id: UUID, *, is_ruling: bool) -> None:
    await db.execute("update workspaces set is_ruling = $2 where id = $1", workspace_id, is_ruling)


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


def _row(record: Any) -> WorkspaceRow | None:
    return WorkspaceRow(**dict(record)) if record else None
