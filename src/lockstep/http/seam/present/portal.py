"""A customer's portal in Seam's shape."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.operations.portals import NewPortal


def portal(it: NewPortal, url: str, workspace_id: str) -> dict[str, Any]:
    """`url`: how people reach it."""
    return {
        "url": url,
        "customer_key": it.customer_key,
        "created_at": instant(it.created_at),
        "expires_at": instant(it.expires_at),
        "workspace_id": shown(workspace_id),
    }
