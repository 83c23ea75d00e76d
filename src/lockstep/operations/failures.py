"""Why something could not be done, as it was noted when it happened and as the ways in show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockstep.operations.errors import CONNECT_AGAIN


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
    account: str
    """Its account's label."""
    disconnected_at: datetime | None

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
        return self.noted


def failed(noted: Mapping[str, Any] | None) -> Failed | None:
    """What is stored, as it is shown."""
    if noted is None:
        return None
    return Failed(noted["code"], noted["cause"], noted["next_step"], datetime.fromisoformat(noted["at"]))
