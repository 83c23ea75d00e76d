"""Tells whoever looks at a workspace that something in it has changed; when the change commits, not before."""

from __future__ import annotations

from uuid import UUID

from lockstep.storage import database
from lockstep.storage.database import Connection

CHANGED = "lockstep_changed"
"""The channel; its payload is the workspace's id. A change told several times in one transaction is heard once."""


async def tell(db: Connection, workspace_id: UUID) -> None:
    """For what changes without an event; an event tells by itself."""
    database.tell(db, CHANGED, str(workspace_id))
