"""Occupancy: digits that are or may be on a lock, never twice (reconciling.md 18). The database forbids it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from lockstep.storage.database import Connection


async def take(
    db: Connection,
    workspace_id: UUID,
    scope_ids: list[UUID],
    entry_id: UUID,
    fingerprint: UUID,
    starts_at: datetime | None,
    ends_at: datetime | None,
) -> bool:
    """Before a write: these digits may be on these locks from now on. False where another entry's may be already.

    A span that the entry has already is widened, never narrowed. Runs in a savepoint, so that a refusal leaves the
    transaction alive.
    """
    try:
        async with db.transaction():
            for scope_id in sorted(scope_ids):
                await db.execute(
                    """insert into occupancies (workspace_id, scope_id, entry_id, fingerprint, span)
                       values ($1, $2, $3, $4, tstzrange($5, $6))
                       on conflict (workspace_id, entry_id, scope_id, fingerprint) do update
                         set span = range_merge(occupancies.span, excluded.span)
                         where not occupancies.span @> excluded.span""",
                    workspace_id,
                    scope_id,
                    entry_id,
                    fingerprint,
                    starts_at,
                    ends_at,
                )
    except asyncpg.ExclusionViolationError:
        return False
    return True


async def keep_only(db: Connection, workspace_id: UUID, entry_id: UUID, fingerprints: list[UUID]) -> None:
    """After proof: of this entry only these digits may still be on a lock; none: it is gone."""
    await db.execute(
        "delete from occupancies where workspace_id = $1 and entry_id = $2 and not fingerprint = any($3)",
        workspace_id,
        entry_id,
        fingerprints,
    )


async def narrow_span(
    db: Connection,
    workspace_id: UUID,
    entry_id: UUID,
    fingerprint: UUID,
    starts_at: datetime,
    ends_at: datetime | None,
) -> None:
    """After proof of one window, where the vendor compares windows."""
    await db.execute(
        """update occupancies set span = tstzrange($4, $5)
           where workspace_id = $1 and entry_id = $2 and fingerprint = $3 and span <> tstzrange($4, $5)""",
        workspace_id,
        entry_id,
        fingerprint,
        starts_at,
        ends_at,
    )
