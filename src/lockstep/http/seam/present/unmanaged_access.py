"""What an access system has and Lockstep has not declared, in Seam's shapes of unmanaged grants and methods."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant, instant_or_null
from lockstep.operations.unmanaged_codes import UnmanagedCode


def unmanaged_access_grant(it: UnmanagedCode, workspace_id: str) -> dict[str, Any]:
    """`workspace_id`: as our public id."""
    created_at = instant(it.first_seen_at)
    id = shown(it.unmanaged_code_id)
    return {
        "access_grant_id": id,
        "workspace_id": shown(workspace_id),
        "access_method_ids": [id],
        "name": it.name,
        "display_name": it.name or "Access",
        "starts_at": instant_or_null(it.starts_at) or created_at,
        "ends_at": instant_or_null(it.ends_at),
        "space_ids": [],
        "location_ids": [],
        "requested_access_methods": [
            {
                "mode": "code",
                "display_name": "Access code",
                "created_at": created_at,
                "created_access_method_ids": [id],
            }
        ],
        "created_at": created_at,
        "pending_mutations": [],
        "errors": [],
        "warnings": [],
    }


def unmanaged_access_method(it: UnmanagedCode, workspace_id: str) -> dict[str, Any]:
    """The one of this grant."""
    is_issued = it.is_enabled is not False
    created_at = instant(it.first_seen_at)
    return {
        "access_method_id": shown(it.unmanaged_code_id),
        "workspace_id": shown(workspace_id),
        "mode": "code",
        "display_name": "Access code",
        "display_status": "stands on the door" if is_issued else "disabled",
        "code": None if it.is_code_masked else it.code,
        "is_issued": is_issued,
        "issued_at": created_at if is_issued else None,
        "created_at": created_at,
        "pending_mutations": [],
        "errors": [],
        "warnings": [],
    }
