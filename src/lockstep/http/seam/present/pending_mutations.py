"""What is still under way with a code, in Seam's shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lockstep.http.seam.present.instants import instant, instant_or_null
from lockstep.model.pending import Pending, PendingChange
from lockstep.model.window import Window
from lockstep.operations.access_codes import AccessCode

_CODES: Mapping[Pending, tuple[str, str]] = {
    Pending.CREATING: ("creating", "It is on its way to the lock."),
    Pending.DEFERRING_CREATION: ("deferring_creation", "It goes to the lock nearer to its start."),
    Pending.DELETING: ("deleting", "It is being taken off the lock."),
    Pending.UPDATING_CODE: ("updating_code", "Its digits are on their way to the lock."),
    Pending.UPDATING_NAME: ("updating_name", "Its name is on its way to the lock."),
    Pending.UPDATING_WINDOW: ("updating_time_frame", "Its times are on their way to the lock."),
}


def pending_mutations(it: AccessCode, now: datetime) -> list[dict[str, Any]]:
    return [_mutation(it, change, now) for change in it.pending]


def _mutation(it: AccessCode, change: PendingChange, now: datetime) -> dict[str, Any]:
    code, message = _CODES[change.kind]
    shape: dict[str, Any] = {
        "mutation_code": code,
        "created_at": instant(change.since or it.row.created_at),
        "message": message,
    }
    match change.kind:
        case Pending.DEFERRING_CREATION:
            shape["scheduled_at"] = instant(change.scheduled_at or now)
        case Pending.UPDATING_CODE:
            # Digits that somebody else gave it are not told.
            shape |= {"from": {"code": it.former_digits}, "to": {"code": it.digits}}
        case Pending.UPDATING_NAME:
            shape |= {"from": {"name": change.name_from}, "to": {"name": change.name_to}}
        case Pending.UPDATING_WINDOW:
            shape |= {"from": _frame(change.window_from), "to": _frame(change.window_to)}
    return shape


def _frame(window: Window | None) -> dict[str, str | None]:
    """Of an ongoing code there is neither start nor end."""
    if window is None or window.ends_at is None:
        return {"starts_at": None, "ends_at": None}
    return {"starts_at": instant(window.starts_at), "ends_at": instant_or_null(window.ends_at)}
