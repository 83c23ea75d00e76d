"""An access code in Seam's shape: its status, what is on its way, and what stands against it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lockstep.http.seam.present.code_edits import conflicts, modifications_in_effect
from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant, instant_or_null
from lockstep.http.seam.present.pending_mutations import pending_mutations
from lockstep.kit.ids import new_id, public_id
from lockstep.model.access_code import Status, may_have_older
from lockstep.model.naming import parts_of
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.failures import REFUSED

_ERRORS = {
    "duplicate_digits": "duplicate_code_on_device",
    "digits_may_be_on_lock": "duplicate_code_on_device",
    "lock_full": "no_space_for_access_code_on_device",
    "full": "no_space_for_access_code_on_device",
    "rule_broken": "code_constraints_violated",
    "subscription_required": "subscription_required",
    "account_disconnected": "account_disconnected",
    "credentials_refused": "account_disconnected",
    "device_offline": "device_offline",
    "device_not_listed": "device_removed",
}
_OF_ACCOUNTS = {"account_disconnected"}
_OF_DEVICES = {"device_offline", "device_removed", "subscription_required"}


def access_code(it: AccessCode, workspace_id: str, now: datetime) -> dict[str, Any]:
    """`workspace_id`: as our public id."""
    is_ongoing = it.window.ends_at is None
    is_ahead = now < it.effective.starts_at
    return {
        "access_code_id": shown(it.row.public_id),
        "device_id": shown(it.row.device_public_id),
        "workspace_id": shown(workspace_id),
        "name": it.row.grant_name,
        "code": it.digits,
        "common_code_key": it.row.common_code_key,
        "type": "ongoing" if is_ongoing else "time_bound",
        "starts_at": None if is_ongoing else instant(it.window.starts_at),
        "ends_at": instant_or_null(it.window.ends_at),
        "status": status(it, is_ahead=is_ahead),
        "display_status": it.standing.value,
        "is_scheduled_on_device": is_ahead and it.is_set_as_last_read,
        "is_managed": True,
        "is_backup": it.row.is_backup,
        "is_backup_access_code_available": it.is_backup_available,
        "pulled_backup_access_code_id": _shown_or_null(it.row.pulled_backup_public_id),
        "is_external_modification_allowed": it.row.entry.declared.honours_edits,
        "is_offline_access_code": False,
        "is_one_time_use": False,
        "is_waiting_for_code_assignment": _waits_for_digits(it),
        "created_at": instant(it.row.created_at),
        "pending_mutations": pending_mutations(it, now),
        "errors": [*_errors(it, now), *conflicts(it)],
        "warnings": [*_warnings(it), *modifications_in_effect(it)],
        "appearance": _appearance(it),
    }


def _appearance(it: AccessCode) -> dict[str, str]:
    """The exact name in the manufacturer's app."""
    parts = parts_of(it.name_on_lock, it.row.capabilities.name)
    return {"name": it.name_on_lock} | (
        dict(zip(("first_name", "last_name"), parts, strict=True)) if parts else {}
    )


def _waits_for_digits(it: AccessCode) -> bool:
    """Its vendor computes them, and has not done so yet."""
    return not it.has_digits and not it.has_unknown_digits and it.status is not Status.REMOVED


def status(it: AccessCode, *, is_ahead: bool) -> str:
    """Seam has no word for a code that is over: such a one is not set. Nor is one that does not open yet, wherever it
    stands. A backup code that was pulled opens at once, while its name and its end are on their way."""
    if it.status is Status.SETTING and it.opens_as_backup and not is_ahead:
        return Status.SET.value
    is_unset = it.status is Status.REMOVED or (is_ahead and it.status in (Status.SETTING, Status.SET))
    return Status.UNSET.value if is_unset else it.status.value


def _errors(it: AccessCode, now: datetime) -> list[dict[str, Any]]:
    failure = it.failure
    if failure is None:
        return [*_of_account(it), *_overdue(it, now)]
    code = _ERRORS.get(failure["code"], _not_as_declared(it))
    error: dict[str, Any] = {
        "error_code": code,
        "message": f"{failure['cause']} {failure['next_step']}",
        "created_at": instant(datetime.fromisoformat(failure["at"])),
    }
    if it.in_the_way is not None:
        error["unmanaged_access_code_id"] = shown(it.in_the_way)
    if code in _OF_ACCOUNTS:
        error |= {"is_connected_account_error": True, "is_device_error": False}
    elif code in _OF_DEVICES:
        error["is_device_error"] = True
    else:
        error["is_access_code_error"] = True
    of_account = [] if code in _OF_ACCOUNTS else _of_account(it)
    return [*of_account, error, *(late for late in _overdue(it, now) if late["error_code"] != code)]


def _of_account(it: AccessCode) -> list[dict[str, Any]]:
    """What is wrong with its account is wrong with all that stands on its locks."""
    if it.row.account_state != REFUSED:
        return []
    return [
        {
            "error_code": "account_disconnected",
            "message": "The vendor refuses the credentials of its account, so nobody looks at its lock. "
            "Connect the account again.",
            "created_at": instant(it.row.lock_read_at or it.row.created_at),
            "is_connected_account_error": True,
            "is_device_error": False,
        }
    ]


def _not_as_declared(it: AccessCode) -> str:
    if it.row.withdrawn_at is not None:
        return "failed_to_remove_from_device"
    return "failed_to_update" if _is_update(it) else "failed_to_set_on_device"


def _is_update(it: AccessCode) -> bool:
    """Whether the lock may have it as it was before."""
    return may_have_older(it.row.entry.declared, it.row.entry.belief)


def _overdue(it: AccessCode, now: datetime) -> list[dict[str, Any]]:
    """What the guest, or whoever should be out, notices although nothing was refused."""
    if it.is_arrival_late and now >= it.window.starts_at:
        code = "failed_to_update" if _is_update(it) else "failed_to_issue"
        message = "It should open as declared, and is not proven so on the lock. Have another way in ready."
    elif it.is_removal_late and it.row.withdrawn_at is None:
        code, message = "failed_to_expire", "It is over and may still open. See whether the lock is online."
    elif it.is_removal_late:
        code = "failed_to_remove_from_device"
        message = "It should be gone and may still open. See whether the lock is online."
    else:
        return []
    return [{"error_code": code, "message": message, "is_access_code_error": True}]


def _warnings(it: AccessCode) -> list[dict[str, Any]]:
    row, declared_at = it.row, it.row.entry.declared.declared_at or it.row.created_at
    found = []
    if it.is_arrival_late:
        words = "It is not proven on the lock yet."
        late = ("delay_in_setting_on_device", "delay_in_issuing")
        found += [_warning(code, words, declared_at) for code in late]
    if it.is_removal_late:
        at = row.withdrawn_at or it.window.ends_at or declared_at
        found.append(
            _warning("delay_in_removing_from_device", "It is not proven gone from the lock yet.", at)
        )
    if row.pulled_backup_id is not None:
        message = "A backup code was pulled in its place."
        found.append(_warning("using_backup_access_code", message, row.withdrawn_at or declared_at))
    elif row.withdrawn_at is not None and it.status is not Status.REMOVED:
        found.append(_warning("being_deleted", "It is being taken off the lock.", row.withdrawn_at))
    return found


def _warning(code: str, message: str, at: datetime) -> dict[str, Any]:
    return {"warning_code": code, "message": message, "created_at": instant(at)}


def _shown_or_null(id: str | None) -> str | None:
    return None if id is None else shown(id)


def generated_code(device_id: str, digits: str, workspace_id: str, at: datetime) -> dict[str, Any]:
    """Digits that a lock would take, in the shape of a code that nobody has declared."""
    return {
        "access_code_id": shown(public_id("code", new_id())),
        "device_id": shown(device_id),
        "workspace_id": shown(workspace_id),
        "name": None,
        "code": digits,
        "common_code_key": None,
        "type": "ongoing",
        "status": Status.UNSET.value,
        "display_status": "not declared",
        "is_managed": True,
        "is_backup_access_code_available": False,
        "is_external_modification_allowed": False,
        "is_offline_access_code": False,
        "is_one_time_use": False,
        "created_at": instant(at),
        "pending_mutations": [],
        "errors": [],
        "warnings": [],
    }
