"""A connected account in Seam's shape."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lockstep.http.seam.present.device_provider import OTHER_PROVIDER, PROVIDERS
from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.failures import Failed
from lockstep.operations.offers import played_by

CAPABILITIES = ("lock", "thermostat", "noise_sensor", "access_control", "camera")
"""A closed list at Seam. Ours of devices are named alike; nothing here has the last two."""
_KINDS = {"lock": ("lock", "door", "site")}
"""Of ours that Seam has one word for."""


def kinds_of(capabilities: list[str]) -> tuple[str, ...]:
    """Of devices that are taken in, in our words."""
    return tuple(kind for name in capabilities for kind in _KINDS.get(name, (name,)))


def capabilities_of(kinds: tuple[str, ...] | None) -> list[str]:
    """The other way round; where all are taken in, those of vendors that there are."""
    if kinds is None:
        return ["lock"]
    return [name for name in CAPABILITIES if name in kinds]


def login_of(it: ConnectedAccount, *, is_emulated: bool) -> str | None:
    """The address of mail that its owner logs in with; None where its vendor tells none."""
    played = played_by(it.vendor_account) if is_emulated else None
    login = played.email if played else it.vendor_account
    return login if "@" in login else None


def connected_account(it: ConnectedAccount, label: str, *, is_emulated: bool) -> dict[str, Any]:
    """`label`: the vendor's name for people. `is_emulated`: under it stand devices as of the maker whose it plays."""
    customer = {} if it.customer_key is None else {"customer_key": it.customer_key}
    played = played_by(it.vendor_account) if is_emulated else None
    login = login_of(it, is_emulated=is_emulated)
    email = {} if login is None else {"user_identifier": {"email": login}}
    return {
        "connected_account_id": shown(it.connected_account_id),
        "account_type": played.maker if played else PROVIDERS.get(it.vendor, OTHER_PROVIDER),
        "account_type_display_name": played.label if played else label,
        "display_name": it.label,
        "created_at": instant(it.created_at),
        "accepted_capabilities": capabilities_of(it.accepted_kinds),
        "automatically_manage_new_devices": it.manages_new_devices,
        "custom_metadata": dict(it.custom_metadata),
        "errors": _errors(it),
        "warnings": _warnings(it),
        **email,
        **customer,
    }


def _errors(it: ConnectedAccount) -> list[dict[str, Any]]:
    if it.state in ("active", "disconnecting"):
        return []
    told = _told(it.failure, "Its vendor takes its credentials no more. Connect it again.")
    at = it.failure.at if it.failure else it.disconnected_at or it.created_at
    return [
        {
            "error_code": "account_disconnected",
            "message": told,
            "created_at": instant(at),
            "is_connected_account_error": True,
            "is_bridge_error": False,
        }
    ]


def _warnings(it: ConnectedAccount) -> list[dict[str, Any]]:
    found: list[tuple[str, str, datetime]] = []
    if it.state == "disconnecting":
        told = "It is disconnected as soon as its codes are off its locks."
        found.append(("being_deleted", told, it.created_at))
    if it.state == "active" and it.failure is not None:
        code = _CODES.get(it.failure.code, "unknown_issue_with_connected_account")
        found.append((code, _told(it.failure, ""), it.failure.at))
    return [
        {"warning_code": code, "message": message, "created_at": instant(at)} for code, message, at in found
    ]


_CODES = {
    "vendor_unreachable": "provider_service_unavailable",
    "vendor_busy": "provider_service_unavailable",
}


def _told(failure: Failed | None, otherwise: str) -> str:
    return f"{failure.cause} {failure.next_step}" if failure else otherwise
