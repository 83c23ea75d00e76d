"""A workspace in Seam's shape."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.operations.workspaces import Workspace


def workspace(it: Workspace) -> dict[str, Any]:
    return {
        "workspace_id": shown(it.workspace_id),
        "name": it.name,
        "company_name": it.name,
        "connect_partner_name": it.name,
        "connect_webview_customization": {},
        "is_sandbox": False,
        "is_suspended": False,
        "is_publishable_key_auth_enabled": False,
        "organization_id": None,
    }
