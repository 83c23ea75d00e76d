"""A space in Seam's shape."""

from __future__ import annotations

from datetime import time
from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.operations.spaces import Space


def space(it: Space, workspace_id: str, parent_key: str | None = None) -> dict[str, Any]:
    """`parent_key`: the key of the space that it lies in, where it has one."""
    found: dict[str, Any] = {
        "space_id": shown(it.space_id),
        "workspace_id": shown(workspace_id),
        "name": it.name,
        "display_name": it.name,
        "device_count": len(it.device_ids),
        "acs_entrance_count": 0,
        "created_at": instant(it.created_at),
    }
    keys = (
        ("space_key", it.space_key),
        ("customer_key", it.customer_key),
        ("parent_space_key", parent_key),
    )
    found |= {name: value for name, value in keys if value is not None}
    if it.parent_space_id is not None:
        found["parent_space_id"] = shown(it.parent_space_id)
    else:
        found["customer_data"] = {
            "address": it.address,
            "time_zone": it.time_zone,
            "default_checkin_time": _hour(it.check_in),
            "default_checkout_time": _hour(it.check_out),
        }
    return found


def _hour(at: time | None) -> str | None:
    return None if at is None else at.strftime("%H:%M")
