"""Why a stay, or one door of it, has no code at all, and what can be done. Pure; `reasons` tells of codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`code` for programs, `cause` and `next_step` for people."""

    code: str
    cause: str
    next_step: str


NO_LOCK = Obstacle(
    "no_lock",
    "No lock stands here, so nobody gets a code.",
    "Put a lock into the space, in the API under Spaces.",
)
NO_ACCESS = Obstacle(
    "access_cancelled",
    "The booking stands, but its access was cancelled.",
    "Cancel the booking too; or change it, and it gets a new code.",
)
STAY_OR_CLOSURE = Obstacle(
    "stay_or_closure",
    "It waits for you: the calendar does not tell whether this is a stay or a closure. It opens nothing yet.",
    "Confirm the booking if it is a stay, or cancel it.",
)
TAKES_NO_CODES = Obstacle(
    "takes_no_codes",
    "This lock takes no codes.",
    "Pair a keypad with it in the vendor's app, or let the guest in another way.",
)
NO_CODE = Obstacle(
    "no_code",
    "No code could be declared on this lock.",
    "Change the stay, or its grant, and it is tried again.",
)


def of_lock(account: str, account_state: str, way_back: str, *, takes_codes: bool) -> Obstacle:
    """Of a lock that a stay should open and that has no code for it. `account`: its account's label; `way_back`: how
    that is connected again."""
    if account_state == "disconnected":
        return Obstacle("account_disconnected", f"Its account {account} is disconnected.", way_back)
    if account_state == "disconnecting":
        return Obstacle("account_disconnecting", f"Its account {account} is being disconnected.", way_back)
    return NO_CODE if takes_codes else TAKES_NO_CODES


@dataclass(frozen=True, slots=True)
class Beside:
    """A device behind a space, as far as it decides whether a stay there has a door."""

    name: str
    account: str
    account_state: str
    takes_codes: bool


def obstacles_of(devices: Sequence[Beside], way_back: str) -> list[tuple[str | None, Obstacle]]:
    """What keeps a stay at these from having a code, lock by lock; without a name: from having any. Devices that take
    no codes stand beside the doors on purpose, unless there is no other."""
    doors = [d for d in devices if d.takes_codes] or devices
    if not doors:
        return [(None, NO_LOCK)]
    told = [(d.name, of_lock(d.account, d.account_state, way_back, takes_codes=d.takes_codes)) for d in doors]
    return [(name, obstacle) for name, obstacle in told if obstacle is not NO_CODE]
