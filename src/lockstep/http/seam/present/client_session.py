"""A client session in Seam's shape."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.operations.client_sessions import ClientSession


def client_session(it: ClientSession, workspace_id: str) -> dict[str, Any]:
    identity = [shown(it.guest_id)] if it.guest_id else []
    known: dict[str, Any] = {"user_identity_id": identity[0]} if identity else {}
    if it.customer_key is not None:
        known["customer_key"] = it.customer_key
    return {
        "client_session_id": shown(it.client_session_id),
        "workspace_id": shown(workspace_id),
        "token": it.token,
        "user_identifier_key": it.session_key,
        "connected_account_ids": [shown(id) for id in it.connected_account_ids],
        "connect_webview_ids": [shown(id) for id in it.connect_webview_ids],
        "user_identity_ids": identity,
        "device_count": it.device_count,
        "created_at": instant(it.created_at),
        "expires_at": instant(it.expires_at),
        **known,
    }
