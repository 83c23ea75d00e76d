"""What a reading shows of one entry that was matched to one of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from lockstep.model.capabilities import Evidence
from lockstep.model.window import Window


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry of a reading. None: the vendor does not show this field."""

    reference: str
    evidence: Evidence
    fingerprint: UUID | None = None
    version: str | None = None
    window: Window | None = None
    is_enabled: bool | None = None
    targets: frozenset[str] | None = None
    name: str | None = field(default=None, repr=False)


def starts_alike(shown: Window, written: Window, at: datetime) -> bool:
    """Whether both begin at the same instant as seen from `at`: a vendor may clamp a start that has passed."""
    return shown.starts_at == written.starts_at or max(shown.starts_at, written.starts_at) <= at
