"""Action attempts in Seam's shape: no result before success, and never success without a result."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.operations.attempts import ActionAttempt

ACTION_TYPES = {
    "unlock": "UNLOCK_DOOR",
    "lock": "LOCK_DOOR",
    "configure_auto_lock": "CONFIGURE_AUTO_LOCK",
    "simulate_keypad_entry": "SIMULATE_KEYPAD_CODE_ENTRY",
    "simulate_manual_lock": "SIMULATE_MANUAL_LOCK_VIA_KEYPAD",
}
"""Our acts in Seam's words."""
_MOVES_BOLT = {"unlock", "lock"}
"""Of these the result says whether the device confirmed it; of others it is empty."""


def action_attempt(it: ActionAttempt) -> dict[str, Any]:
    error = None
    if it.state == "error":
        failure = it.failure
        error = {
            "type": failure.code if failure else "unknown",
            "message": f"{failure.cause} {failure.next_step}".strip() if failure else "It was not done.",
        }
    return {
        "action_attempt_id": shown(it.action_attempt_id),
        "action_type": ACTION_TYPES[it.action],
        "status": it.state,
        "result": _result(it) if it.state == "success" else None,
        "error": error,
    }


def _result(it: ActionAttempt) -> Any:
    if it.result is not None:
        return it.result
    return {"was_confirmed_by_device": it.is_confirmed_by_device} if it.action in _MOVES_BOLT else {}


def done(action_type: str, attempt_id: str, result: dict[str, Any]) -> dict[str, Any]:
    """Of a request that was answered when it was declared, for callers that still wait for an attempt."""
    return {
        "action_attempt_id": attempt_id,
        "action_type": action_type,
        "status": "success",
        "result": result,
        "error": None,
    }
