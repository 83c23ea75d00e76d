"""A guest in Seam's shape: a user identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.operations.guests import Guest, MergedGuest

NAMELESS = "Guest"
"""Of somebody of whom nothing is known."""


def user_identity(it: Guest, merged: Sequence[MergedGuest], workspace_id: str) -> dict[str, Any]:
    """`merged`: whom else the guest was known as."""
    key = {"user_identity_key": it.guest_key} if it.is_managed else {}
    return {
        "user_identity_id": shown(it.guest_id),
        "workspace_id": shown(workspace_id),
        "display_name": it.name or it.email or it.phone or NAMELESS,
        "full_name": it.name,
        "email_address": it.email,
        "phone_number": it.phone,
        "acs_user_ids": [],
        "merged_user_identity_ids": [shown(one.guest_id) for one in merged],
        "merged_user_identity_keys": [one.guest_key for one in merged if one.guest_key is not None],
        "created_at": instant(it.created_at),
        "errors": [],
        "warnings": [],
        **key,
    }
