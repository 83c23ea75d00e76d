"""Access grants and access methods in Seam's shapes. A grant of ours is met by one set of digits for all of its doors,
so it has one access method, of the mode `code`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant, instant_or_null
from lockstep.model.access_code import Standing, Status
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.requested_grants import RequestedGrant

_NOBODY = str(UUID(int=0))
"""Of a grant that is nobody's: Seam has a person for each."""
_NAME = "Access code"


def access_grant(it: RequestedGrant, workspace_id: str) -> dict[str, Any]:
    """`workspace_id`: as our public id."""
    grant = it.grant
    methods = [] if it.access_method_id is None else [shown(it.access_method_id)]
    found: dict[str, Any] = {
        "access_grant_id": shown(grant.access_grant_id),
        "workspace_id": shown(workspace_id),
        "user_identity_id": shown(grant.guest_id) if grant.guest_id else _NOBODY,
        "name": grant.name,
        "display_name": grant.name or "Access grant",
        "display_status": _in_words(it.codes),
        "starts_at": instant(grant.starts_at),
        "ends_at": instant_or_null(grant.ends_at),
        "space_ids": [shown(id) for id in grant.space_ids],
        "location_ids": [shown(id) for id in grant.space_ids],
        "access_method_ids": methods,
        "requested_access_methods": [
            {
                "mode": one.mode,
                "display_name": _NAME,
                "created_at": instant(one.requested_at),
                "created_access_method_ids": methods,
            }
            for one in it.requested
        ],
        "created_at": instant(grant.created_at),
        "pending_mutations": [],
        "errors": [],
        "warnings": _warnings(it),
    }
    if grant.access_grant_key is not None:
        found["access_grant_key"] = grant.access_grant_key
    if it.reservation_key is not None:
        found["reservation_key"] = it.reservation_key
    return found


def access_method(it: RequestedGrant, workspace_id: str) -> dict[str, Any]:
    """The one of this grant."""
    assert it.access_method_id is not None
    issued = [code for code in it.codes if _is_issued(code)]
    is_issued = bool(it.codes) and len(issued) == len(it.codes)
    proven = [code.row.entry.belief.proven_at for code in issued]
    # Its own before those of backup codes, which open their own doors alone.
    in_order = sorted(it.codes, key=lambda code: code.row.is_backup)
    code = next((code.digits for code in in_order if code.digits is not None), None)
    return {
        "access_method_id": shown(it.access_method_id),
        "workspace_id": shown(workspace_id),
        "mode": "code",
        "display_name": _NAME,
        "display_status": _in_words(it.codes),
        "code": code,
        "is_issued": is_issued,
        "issued_at": instant_or_null(max((at for at in proven if at), default=None)) if is_issued else None,
        "is_encoding_required": False,
        "is_assignment_required": False,
        "created_at": instant(it.grant.created_at),
        "pending_mutations": _pending(it),
        "errors": [_failed(code) for code in it.codes if code.standing is Standing.FAILED][:1],
        "warnings": [*_being_deleted(it), *_pulled(it)],
    }


def _is_issued(code: AccessCode) -> bool:
    """Also while nobody can look at its lock: what was issued may be tried."""
    return code.is_set_as_last_read


def _in_words(codes: tuple[AccessCode, ...]) -> str:
    doors, issued = len(codes), sum(code.status is Status.SET for code in codes)
    failed = sum(code.standing is Standing.FAILED for code in codes)
    if not doors:
        return "opens no door"
    return f"proven on {issued} of {doors} doors" + (f", failed on {failed}" if failed else "")


def _pending(it: RequestedGrant) -> list[dict[str, Any]]:
    every = [shown(code.row.device_public_id) for code in it.codes]
    here = [shown(code.row.device_public_id) for code in it.codes if code.row.entry.belief.may_be_present]
    since = instant(it.grant.changed_at)
    if it.grant.cancelled_at is not None:
        if not here:
            return []
        devices = {"from": {"device_ids": here}, "to": {"device_ids": []}}
        message = "The code is being taken off these locks."
        return [{"mutation_code": "revoking_access", "created_at": since, "message": message, **devices}]
    if all(_is_issued(code) for code in it.codes):
        return []
    issued = [shown(code.row.device_public_id) for code in it.codes if _is_issued(code)]
    devices = {"from": {"device_ids": issued}, "to": {"device_ids": every}}
    message = "The code is on its way to these locks."
    return [{"mutation_code": "provisioning_access", "created_at": since, "message": message, **devices}]


def _failed(code: AccessCode) -> dict[str, Any]:
    failure = code.failure
    at = datetime.fromisoformat(failure["at"]) if failure else code.row.created_at
    words = f"{failure['cause']} {failure['next_step']}" if failure else "It is late."
    message = f"{code.row.device_name}: {words}"
    return {"error_code": "failed_to_issue", "message": message, "created_at": instant(at)}


def _warnings(it: RequestedGrant) -> list[dict[str, Any]]:
    found = _being_deleted(it)
    failed = [code for code in it.codes if code.standing is Standing.FAILED]
    if failed and it.grant.cancelled_at is None:
        doors = ", ".join(code.row.device_name for code in failed)
        found.append(
            {
                "warning_code": "underprovisioned_access",
                "message": f"The code does not stand on: {doors}.",
                "created_at": instant(it.grant.changed_at),
            }
        )
    given = next((code for code in it.codes if code.digits is not None), None)
    if it.wanted_code is not None and given is not None:
        found.append(
            {
                "warning_code": "requested_code_unavailable",
                "message": "The code that was asked for could not be had; another one was given.",
                "created_at": instant(it.grant.created_at),
                "device_id": shown(given.row.device_public_id),
                "original_code": it.wanted_code,
                "new_code": given.digits,
            }
        )
    return found


def _pulled(it: RequestedGrant) -> list[dict[str, Any]]:
    """Doors on which a backup code stands: its digits are those of its access code."""
    pulled = [code for code in it.codes if code.row.is_backup]
    if not pulled or it.access_method_id is None:
        return []
    doors = ", ".join(code.row.device_name for code in pulled)
    return [
        {
            "warning_code": "pulled_backup_access_code",
            "message": f"A backup code was pulled, with digits of its own, for: {doors}.",
            "created_at": instant(max(code.row.created_at for code in pulled)),
            "original_access_method_id": shown(it.access_method_id),
        }
    ]


def _being_deleted(it: RequestedGrant) -> list[dict[str, Any]]:
    if it.grant.cancelled_at is None:
        return []
    message = "Its codes are being taken off the locks."
    at = instant(it.grant.cancelled_at)
    return [{"warning_code": "being_deleted", "message": message, "created_at": at}]
