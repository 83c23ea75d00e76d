"""What a lock's health means to whoever runs the place, in words. Pure; the vendors' own codes end here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import overload

from lockstep.model.reasons import Reason

PROBLEMS = {
    "keypad_missing": Reason(
        "No keypad is paired with it, so no code can be typed.",
        "Pair a keypad with the lock in the vendor's app.",
    ),
    "subscription_required": Reason(
        "The vendor demands a paid subscription before codes can be set on it.",
        "Subscribe for this lock at the vendor; Lockstep tries again by itself.",
    ),
    "hub_disconnected": Reason(
        "The hub through which it is reached is offline.",
        "Check the hub's power and network.",
    ),
    "lock_unregistered": Reason(
        "The vendor's service no longer knows it.",
        "Register the lock again in the vendor's app.",
    ),
    "lock_authorization_invalid": Reason(
        "The vendor's service may no longer reach it.",
        "Connect the lock with the vendor's service again, in the vendor's app.",
    ),
    "admin_code_missing": Reason(
        "The vendor's service does not know the lock's admin code, without which it takes no keypad codes.",
        "Enter the lock's admin code in the vendor's app.",
    ),
    "admin_code_invalid": Reason(
        "The admin code that the vendor's service has is wrong, so the lock takes no keypad codes.",
        "Enter the right admin code in the vendor's app.",
    ),
    "not_listed": Reason(
        "The vendor leaves its codes out of the list, so nothing on it can be proven.",
        "Check the lock and its subscription in the vendor's app.",
    ),
}
"""The problems that drivers name; one that is not here is shown by its name."""

_OFFLINE = Reason(
    "The vendor cannot reach it: nothing can be written to it or read from it.",
    "Check the lock's power and its bridge or Wi-Fi.",
)
BATTERY_LOW = Reason("Its battery is nearly empty.", "Change the batteries soon.")


class Battery(StrEnum):
    """How a battery stands."""

    CRITICAL = "critical"
    LOW = "low"
    GOOD = "good"
    FULL = "full"


_LOW, _FULL = 0.2, 0.9


@overload
def battery(level: float, *, is_critical: bool | None) -> Battery: ...
@overload
def battery(level: float | None, *, is_critical: bool | None) -> Battery | None: ...
def battery(level: float | None, *, is_critical: bool | None) -> Battery | None:
    """From its level (0 to 1) and what the vendor says of it; None where it says nothing."""
    if is_critical:
        return Battery.CRITICAL
    if level is None:
        return None
    return Battery.LOW if level < _LOW else Battery.GOOD if level < _FULL else Battery.FULL


_FLAKY_FROM = 3
_FLAKY_WITHIN = timedelta(hours=1)


def outages_with(outages: Sequence[datetime], at: datetime) -> list[datetime]:
    """When a device went offline lately, with one more at `at`. Of one that is flaky its last ones are kept, however
    long ago: it is so until it has been steady."""
    kept = outages if is_flaky(outages) else [o for o in outages if o > at - _FLAKY_WITHIN]
    return [*kept[-(_FLAKY_FROM - 1) :], at]


def is_flaky(outages: Sequence[datetime]) -> bool:
    """Whether it goes offline again and again: three times within an hour."""
    return len(outages) >= _FLAKY_FROM


def has_steadied(outages: Sequence[datetime], now: datetime) -> bool:
    """Whether a flaky one has not gone offline for an hour."""
    return is_flaky(outages) and now - outages[-1] >= _FLAKY_WITHIN


def troubles_of_lock(
    *, is_online: bool | None, is_battery_critical: bool | None, problems: Sequence[str]
) -> list[Reason]:
    """What is wrong with it, the worst first; empty where nothing is known to be."""
    found = [PROBLEMS.get(code) or _unknown(code) for code in problems]
    if is_online is False:
        found.insert(0, _OFFLINE)
    if is_battery_critical:
        found.append(BATTERY_LOW)
    return found


def _unknown(code: str) -> Reason:
    return Reason(f"The vendor reports {code.replace('_', ' ')}.", "Look at the lock in the vendor's app.")
