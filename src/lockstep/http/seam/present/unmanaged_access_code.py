"""A code that is not Lockstep's in Seam's shape."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant, instant_or_null
from lockstep.operations.unmanaged_codes import UnmanagedCode


def unmanaged_access_code(it: UnmanagedCode, workspace_id: str) -> dict[str, Any]:
    """`workspace_id`: as our public id."""
    is_ongoing = it.ends_at is None
    cannot_be_managed = {} if it.can_be_adopted else {"cannot_be_managed": True}
    cannot_be_deleted = {} if it.can_be_removed else {"cannot_delete_unmanaged_access_code": True}
    return {
        **cannot_be_managed,
        **cannot_be_deleted,
        "access_code_id": shown(it.unmanaged_code_id),
        "device_id": shown(it.device_id),
        "workspace_id": shown(workspace_id),
        "name": it.name,
        "code": None if it.is_code_masked else it.code,
        "type": "ongoing" if is_ongoing else "time_bound",
        "starts_at": None if is_ongoing else instant_or_null(it.starts_at),
        "ends_at": instant_or_null(it.ends_at),
        "status": "unset" if it.is_enabled is False else "set",
        "is_managed": False,
        "created_at": instant(it.first_seen_at),
        "errors": _errors(it),
        "warnings": _warnings(it),
    }


def _errors(it: UnmanagedCode) -> list[dict[str, Any]]:
    if it.failure is None:
        return []
    return [
        {
            "error_code": "failed_to_remove_from_device",
            "is_access_code_error": True,
            "message": f"{it.failure.cause} {it.failure.next_step}",
            "created_at": instant(it.failure.at),
        }
    ]


def _warnings(it: UnmanagedCode) -> list[dict[str, Any]]:
    if not it.is_being_removed:
        return []
    return [{"warning_code": "being_deleted", "message": "It is being taken off the lock."}]
