"""An instant key in Seam's shape."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.operations.instant_keys import InstantKey


def instant_key(it: InstantKey, workspace_id: str, url: str) -> dict[str, Any]:
    """`url`: the whole link."""
    return {
        "instant_key_id": shown(it.instant_key_id),
        "workspace_id": shown(workspace_id),
        "instant_key_url": url,
        "client_session_id": shown(it.client_session_id),
        "user_identity_id": shown(it.guest_id),
        "created_at": instant(it.created_at),
        "expires_at": instant(it.expires_at),
    }
