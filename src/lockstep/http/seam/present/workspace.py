"""A workspace in Seam's shape."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.operations.workspaces import Workspace


def workspace(it: Workspace) -> dict[str, Any]:
    publishable = {"publishable_key": it.publishable_key} if it.publishable_key else {}
    return {
        "workspace_id": shown(it.workspace_id),
        "name": it.name,
        "company_name": it.partner_name or it.name,
        "connect_partner_name": it.partner_name,
        "connect_webview_customization": {
            name: value for name, value in asdict(it.webview_look).items() if value is not None
        },
        "is_sandbox": it.is_sandbox,
        "is_suspended": it.suspended_at is not None,
        "is_publishable_key_auth_enabled": it.is_publishable_key_enabled,
        "organization_id": it.organization_key,
        **publishable,
    }
