"""Who opened, or tried to: lines of the vendors' logs, each kept once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class AccessEventRow:
    """`entry_id` None: the vendor does not tell who, or it was none of ours."""

    device_id: UUID
    log_reference: str
    at: datetime
    opened: bool
    how: str
    entry_id: UUID | None


def last_use(entry: str, code: str) -> str:
    """SQL for when a code last opened its door; null where no log tells that it did. Given the names by which the
    caller's statement calls the entry and the access code."""
    return f"""(select max(v.at) from access_events v where v.workspace_id = {code}.workspace_id
      and v.entry_id = {entry}.id and v.device_id = {code}.device_id and v.opened)"""  # noqa: S608


async def latest_at(db: Connection, workspace_id: UUID, account_id: UUID) -> datetime | None:
    """When the newest known line of the account's log was written."""
    at: datetime | None = await db.fetchval(
        "select max(at) from access_events where workspace_id = $1 and account_id = $2",
        workspace_id,
        account_id,
    )
    return at


async def unknown_of(
    db: Connection, workspace_id: UUID, account_id: UUID, log_references: Sequence[str]
) -> set[str]:
    """Those of these lines that are not kept yet."""
    rows = await db.fetch(
        "select log_reference from access_events where workspace_id = $1 and account_id = $2 "
        "and log_reference = any($3)",
        workspace_id,
        account_id,
        list(log_references),
    )
    return set(log_references) - {r["log_reference"] for r in rows}


async def insert(
    db: Connection, workspace_id: UUID, account_id: UUID, rows: Sequence[AccessEventRow]
) -> set[str]:
    """Keep lines; returns the references of those that nobody else has kept meanwhile."""
    kept = set()
    for row in sorted(rows, key=lambda r: r.log_reference):
        is_new = await db.fetchval(
            """insert into access_events (workspace_id, account_id, device_id, log_reference, at, opened, how, entry_id)
               values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning true""",
            workspace_id,
            account_id,
            row.device_id,
            row.log_reference,
            row.at,
            row.opened,
            row.how,
            row.entry_id,
        )
        if is_new:
            kept.add(row.log_reference)
    return kept
