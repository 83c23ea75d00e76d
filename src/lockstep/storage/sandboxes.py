"""What a sandbox workspace began with, and emptying it so that it can begin anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from lockstep.storage.database import Connection

EMPTIED = (
    "idempotency_keys", "instant_keys", "paces", "customer_portals", "connect_webviews", "attempts",
    "access_events", "observations", "readings", "intents", "occupancies", "unmanaged_codes", "entry_revisions",
    "access_codes", "entries", "access_methods", "grant_targets", "grants", "bookings", "calendars",
    "furnishings", "space_devices", "space_accounts", "spaces", "client_sessions", "guest_devices", "guests",
    "devices", "domains", "accounts", "emulated_worlds",
)  # fmt: skip
"""Tables, those first that refer to others."""
KEPT = frozenset(
    {
        "api_keys", "memberships", "webhooks", "deliveries", "tries", "events", "event_positions",
        "event_subjects", "unsequenced", "sandbox_beginnings",
    }
)  # fmt: skip
"""Who may ask, whom to tell, and what happened: facts do not change."""


@dataclass(frozen=True, slots=True)
class BeginningRow:
    """`document`: sealed."""

    id: UUID
    document: bytes = field(repr=False)


async def put_beginning(db: Connection, workspace_id: UUID, row: BeginningRow) -> None:
    await db.execute(
        "insert into sandbox_beginnings (workspace_id, id, document) values ($1, $2, $3)",
        workspace_id,
        row.id,
        row.document,
    )


async def beginning(db: Connection, workspace_id: UUID) -> BeginningRow | None:
    row = await db.fetchrow(
        "select id, document from sandbox_beginnings where workspace_id = $1", workspace_id
    )
    return BeginningRow(**dict(row)) if row else None


async def empty(db: Connection, workspace_id: UUID) -> None:
    """All that was made in it goes, but for KEPT."""
    for table in EMPTIED:
        await db.execute(f"delete from {table} where workspace_id = $1", workspace_id)  # noqa: S608
