"""Why something could not be done, as it was noted when it happened and as the ways in show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockstep.operations.errors import CONNECT_AGAIN

REFUSED = "credentials_refused"
"""The state of an account whose vendor takes its credentials no more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """`code` for programs, `cause` and `next_step` for people; `at`: when it began."""

    code: str
    cause: str
    next_step: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How a lock can be reached at all: what decides, beside declaration and belief, how codes on it stand."""

    device_id: str
    name: str
    noted: Mapping[str, Any] | None
    """What went wrong last with it."""
    unlisted_since: datetime | None
    account: str
    """Its account's label."""
    account_state: str
    account_failure: Mapping[str, Any] | None
    disconnected_at: datetime | None

    @property
    def is_read(self) -> bool:
        """False: the vendor refuses the account's credentials, so that nothing new can be read."""
        return self.account_state != REFUSED

    @property
    def is_listed(self) -> bool:
        return self.unlisted_since is None

    @property
    def is_connected(self) -> bool:
        return self.disconnected_at is None

    @property
    def failure(self) -> Mapping[str, Any] | None:
        """What is wrong with it as a whole; the worst, where several things are."""
        if self.disconnected_at is not None:
            return {
                "code": "account_disconnected",
                "cause": f"{self.name}: Its account {self.account} is disconnected, so nobody looks at this lock or "
                "writes to it.",
                "next_step": CONNECT_AGAIN,
                "at": self.disconnected_at.isoformat(),
            }
        if not self.is_read and self.account_failure is not None:
            return {
                **self.account_failure,
                "cause": f"{self.name}: The vendor refuses the credentials of its account {self.account}, so nobody "
                "looks at this lock or writes to it.",
            }
        return failure_of_lock(self.noted, self.device_id, self.name, self.unlisted_since)


def failure_of_lock(
    noted: Mapping[str, Any] | None, device_id: str, name: str, unlisted_since: datetime | None
) -> Mapping[str, Any] | None:
    """What is wrong with a lock as a whole: that its vendor does not list it comes before what was `noted`."""
    if unlisted_since is None:
        return noted
    return {
        "code": "device_not_listed",
        "cause": f"{name}: The vendor does not list this lock any more, so nothing of it can be proven.",
        "next_step": "See in the vendor's app whether the account still has it; Lockstep goes on asking. If it is gone "
        f"for good, say so: POST /v1/devices/{device_id}/give_up",
        "at": unlisted_since.isoformat(),
    }


def failed(noted: Mapping[str, Any] | None) -> Failed | None:
    """What is stored, as it is shown."""
    if noted is None:
        return None
    return Failed(noted["code"], noted["cause"], noted["next_step"], datetime.fromisoformat(noted["at"]))
