"""Action attempts in Seam's shape: no result before success, and never success without a result."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.operations.attempts import ActionAttempt

_TYPES = {"unlock": "UNLOCK_DOOR"}


def action_attempt(it: ActionAttempt) -> dict[str, Any]:
    error = None
    if it.state == "error":
        failure = it.failure
        error = {
            "type": failure.code if failure else "unknown",
            "message": f"{failure.cause} {failure.next_step}" if failure else "It was not done.",
        }
    return {
        "action_attempt_id": shown(it.action_attempt_id),
        "action_type": _TYPES[it.action],
        "status": it.state,
        "result": {"was_confirmed_by_device": True} if it.state == "success" else None,
        "error": error,
    }


def done(action_type: str, attempt_id: str, result: dict[str, Any]) -> dict[str, Any]:
    """Of a request that was answered when it was declared, for callers that still wait for an attempt."""
    return {
        "action_attempt_id": attempt_id,
        "action_type": action_type,
        "status": "success",
        "result": result,
        "error": None,
    }
