"""Failure -> what happens next: the only place that decides it. Pure; drivers only classify."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lockstep.driver.outcomes import (
    CredentialsRefused,
    DeviceOffline,
    DriverError,
    Reason,
    Refused,
    UnexpectedReply,
    VendorAddressRefused,
    VendorBusy,
    VendorUnreachable,
    words_of,
)
from lockstep.model.plan import Hold

_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=5)
OFFLINE_WAIT = timedelta(minutes=5)
"""How often a lock that cannot be reached is tried, as long as something waits for it."""
_PARKED_WAIT = timedelta(minutes=15)
_FIRST_REST = timedelta(minutes=15)
_LONGEST_REST = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to note and how long to wait: for the entry, its lock, its write domain, or the whole account."""

    failure: dict[str, Any]
    entry_wait: timedelta | None = None
    lock_wait: timedelta | None = None
    domain_wait: timedelta | None = None
    account_wait: timedelta | None = None
    account_state: str | None = None


def failure(code: str, cause: str, next_step: str, at: datetime) -> dict[str, Any]:
    """A failure as it is stored and shown: a code, the cause in words, the next step."""
    return {"code": code, "cause": cause, "next_step": next_step, "at": at.isoformat()}


_REFUSALS: dict[Reason, tuple[str, str, timedelta]] = {
    Reason.DUPLICATE_DIGITS: (
        "Another code on this lock has the same digits.",
        "Remove that code in the vendor's app, or give the guest other digits.",
        timedelta(minutes=2),
    ),
    Reason.FULL: (
        "The lock has no place left for another code.",
        "Remove codes that nobody needs in the vendor's app.",
        timedelta(minutes=15),
    ),
    Reason.RULE_BROKEN: (
        "The vendor says that the code, its name or its window breaks a rule of this lock.",
        "Check that a keypad is paired with the lock; then give other digits, or report it.",
        timedelta(hours=1),
    ),
    Reason.NOT_REVOCABLE: (
        "The vendor cannot take this code back.",
        "It ends by itself at the end of its window; change the lock's codes by hand if that is too late.",
        timedelta(hours=6),
    ),
    Reason.SUBSCRIPTION_REQUIRED: (
        "The vendor demands a paid subscription for this lock.",
        "Subscribe at the vendor for this lock; Lockstep tries again by itself.",
        timedelta(hours=1),
    ),
    Reason.OTHER: (
        "The vendor refused the change.",
        "See what the vendor said; Lockstep tries again by itself.",
        timedelta(minutes=5),
    ),
}


def of_refusal(refused: Refused, lock: str, now: datetime) -> Remedy:
    """An explicit no to one entry: it waits, all others go on."""
    cause, next_step, wait = _REFUSALS[refused.reason]
    said = f" The vendor said: {_in_words(refused.said)}" if refused.said else ""
    return Remedy(failure(refused.reason.value, f"{lock}: {cause}{said}", next_step, now), entry_wait=wait)


def of_error(error: DriverError, lock: str, failures: int, now: datetime) -> Remedy:
    """The vendor or the lock could not be asked; `failures` counts those in a row before this one.

    What is wrong with the whole account names no lock."""
    cause, next_step = _cause(error), words_of(error)[1]
    noted = failure(error.code, f"{lock}: {cause}", next_step, now)
    of_account = failure(error.code, cause, next_step, now)
    wait = min(_FIRST_WAIT * 2 ** min(failures, 10), _LONGEST_WAIT)
    match error:
        case VendorBusy(retry_after=retry_after, is_account_wide=True):
            return Remedy(of_account, account_wait=max(retry_after or wait, wait))
        case VendorBusy(retry_after=retry_after):
            return Remedy(noted, domain_wait=retry_after or wait)
        case CredentialsRefused():
            return Remedy(of_account, account_state="credentials_refused")
        case DeviceOffline():
            return Remedy(noted, lock_wait=OFFLINE_WAIT)
        case VendorUnreachable():
            return Remedy(of_account, account_wait=wait)
        case UnexpectedReply():
            return Remedy(noted, domain_wait=_PARKED_WAIT)
    return Remedy(noted, domain_wait=wait)


def of_act(outcome: Refused | DriverError, lock: str, now: datetime) -> dict[str, Any]:
    """Why an asked-for act was not done. Nobody tries it again by itself."""
    if isinstance(outcome, Refused):
        said = f" The vendor said: {_in_words(outcome.said)}" if outcome.said else ""
        cause = f"{lock}: The vendor refused it.{said}"
        return failure(outcome.reason.value, cause, "See what the vendor said, then ask again.", now)
    passes = isinstance(outcome, VendorBusy | VendorUnreachable) and not isinstance(
        outcome, VendorAddressRefused
    )
    next_step = "Ask again in a moment." if passes else words_of(outcome)[1]
    return failure(outcome.code, f"{lock}: {_cause(outcome)}", next_step, now)


_HOLDS: dict[Hold, tuple[str, str, str]] = {
    Hold.FULL: (
        "lock_full",
        "No place is left on the lock: sooner arrivals and guests who are inside have them all.",
        "Remove codes that nobody needs in the vendor's app, or let this guest in another way.",
    ),
    Hold.TAKEN_BY_FOREIGN: (
        "duplicate_digits",
        "A code that is not ours has the same digits on this lock.",
        "Remove that code in the vendor's app, or give the guest other digits.",
    ),
    Hold.GIVEN_UP: (
        "given_up",
        "The code was written several times and never seen on the lock.",
        "Check that the lock is online in the vendor's app, then ask Lockstep to look again.",
    ),
    Hold.DUPLICATE: (
        "duplicate_digits",
        "Another guest's code with the same digits stands on this lock and keeps them.",
        "Give one of the two guests other digits.",
    ),
    Hold.DIGITS_UNKNOWN: (
        "digits_unknown",
        "Its digits were given to it by somebody else, and the lock does not show them, so it cannot be set anew.",
        "Give it other digits.",
    ),
    Hold.NOT_REVOCABLE: (
        "not_revocable",
        "The vendor cannot take this code back.",
        "It ends by itself at the end of its window; change the lock's codes by hand if that is too late.",
    ),
    Hold.AMBIGUOUS: (
        "ambiguous",
        "Two codes on the lock could be this one; neither is touched.",
        "Remove the wrong one in the vendor's app.",
    ),
}


def of_hold(hold: Hold, lock: str, now: datetime) -> dict[str, Any] | None:
    """What to show of an entry that is held back; None where it only waits for a reading, or for its turn."""
    if hold not in _HOLDS:
        return None
    code, cause, next_step = _HOLDS[hold]
    return failure(code, f"{lock}: {cause}", next_step, now)


def of_giving_up(lock: str, before: Mapping[str, Any] | None, now: datetime) -> Remedy:
    """Written as often as is sensible: it is told, and tried once again after a rest that doubles each time.

    `before`: the failure noted so far, which counts the rests."""
    code, cause, next_step = _HOLDS[Hold.GIVEN_UP]
    rests = before.get("rests", 0) if before is not None and before["code"] == code else 0
    noted = failure(code, f"{lock}: {cause}", next_step, now) | {"rests": rests + 1}
    return Remedy(noted, entry_wait=min(_FIRST_REST * 2 ** min(rests, 10), _LONGEST_REST))


def may_be_tried_again(noted: Mapping[str, Any] | None, not_before: datetime | None, now: datetime) -> bool:
    """Whether the rest after giving up is over."""
    is_given_up = noted is not None and noted["code"] == Hold.GIVEN_UP.value
    return is_given_up and not_before is not None and not_before <= now


def of_unread(problems: Collection[str], lock: str, now: datetime) -> Remedy:
    """The vendor told nothing of this lock when it was asked: nothing is written blindly."""
    if Reason.SUBSCRIPTION_REQUIRED.value in problems:
        noted = of_refusal(Refused(Reason.SUBSCRIPTION_REQUIRED), lock, now).failure
        return Remedy(noted, lock_wait=OFFLINE_WAIT)
    return of_error(DeviceOffline(), lock, 0, now)


def of_unfree_digits(lock: str, now: datetime) -> Remedy:
    """The database holds these digits for another entry."""
    noted = failure(
        "digits_may_be_on_lock",
        f"{lock}: another guest's code with the same digits is or may still be on the lock.",
        "Lockstep sets it as soon as the other is proven gone; give other digits if that is too late.",
        now,
    )
    return Remedy(noted, entry_wait=timedelta(seconds=30))


def of_unknown_place(lock: str, now: datetime) -> Remedy:
    """It may be on the lock, and nothing tells where."""
    noted = failure(
        "place_unknown",
        f"{lock}: the code may be on the lock, and the vendor does not tell where.",
        "Look for it in the vendor's app, and remove it there.",
        now,
    )
    return Remedy(noted, entry_wait=timedelta(minutes=15))


def _cause(error: DriverError) -> str:
    return words_of(error)[0] + (f" The vendor said: {_in_words(error.said)}" if error.said else "")


def _in_words(said: str) -> str:
    """Without the call that was answered, which is nothing for a host; the intent keeps it."""
    return re.sub(r"^[A-Z]+ /\S*: ", "", said)
