"""Why something could not be done, as it was noted when it happened and as the ways in show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Failed:
    """`code` for programs, `cause` and `next_step` for people; `at`: when it began."""

    code: str
    cause: str
    next_step: str
    at: datetime


def failed(noted: Mapping[str, Any] | None) -> Failed | None:
    """What is stored, as it is shown."""
    if noted is None:
        return None
    return Failed(noted["code"], noted["cause"], noted["next_step"], datetime.fromisoformat(noted["at"]))
