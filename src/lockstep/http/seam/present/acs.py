"""Access systems and their entrances in Seam's shapes. A door of ours that is no lock of its own stands under an
account that is an access system; so the system has the account's number, and the entrance the device's."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.devices import Device

DOOR = "door"
"""The kind of a device that is an entrance."""


def acs_system(it: ConnectedAccount, workspace_id: str, label: str) -> dict[str, Any]:
    """`label`: the vendor's name for people."""
    account_id = shown(it.connected_account_id)
    return {
        "acs_system_id": account_id,
        "connected_account_id": account_id,
        "connected_account_ids": [account_id],
        "workspace_id": shown(workspace_id),
        "name": it.label,
        "created_at": instant(it.created_at),
        "errors": _errors(it),
        "warnings": [],
        "image_url": "",
        "image_alt_text": label,
        "is_credential_manager": False,
        "location": {"time_zone": None},
    }


def acs_entrance(it: Device) -> dict[str, Any]:
    account_id = shown(it.connected_account_id)
    found: dict[str, Any] = {
        "acs_entrance_id": shown(it.device_id),
        "acs_system_id": account_id,
        "connected_account_id": account_id,
        "display_name": it.nickname or it.name,
        "created_at": instant(it.created_at),
        "space_ids": [shown(id) for id in it.space_ids],
        "errors": [],
        "warnings": [],
        "can_unlock_with_code": it.abilities.can_hold_codes,
        "can_unlock_with_card": False,
        "can_unlock_with_cloud_key": it.abilities.can_unlock,
        "can_unlock_with_mobile_key": False,
        "can_belong_to_reservation": False,
    }
    if it.failure is not None:
        message = f"{it.failure.cause} {it.failure.next_step}"
        found["errors"] = [
            {"error_code": it.failure.code, "message": message, "created_at": instant(it.failure.at)}
        ]
    if it.state.is_locked is not None:
        found["is_locked"] = it.state.is_locked
    return found


def _errors(it: ConnectedAccount) -> list[dict[str, Any]]:
    if it.state == "active":
        return []
    message = "The account of this access system is disconnected. Connect it again."
    return [{"error_code": "account_disconnected", "message": message, "created_at": instant(it.created_at)}]
