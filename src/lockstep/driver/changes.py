"""What a driver is asked to do. A driver gets everything that it needs in one value and remembers nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from lockstep.model.window import Window


@dataclass(frozen=True, slots=True)
class Intent:
    """A mutating call, stored before it is made. `deadline_seconds`: real time after which nothing may be sent."""

    intent_id: UUID
    deadline_seconds: float


@dataclass(frozen=True, slots=True)
class EnsurePresent:
    """The full state of one entry, on all its targets. `reference` None: create it; else change it in place.

    `digits` None, only with a reference: those that stand there stay, for nobody knows them; Refused where the vendor
    cannot do that. `place` is what the driver's own `place()` proposed for a new entry, stored with the intent.
    """

    targets: frozenset[str]
    digits: str | None = field(repr=False)
    window: Window
    name: str = field(repr=False)
    is_enabled: bool = True
    reference: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class EnsureAbsent:
    """No entry at this reference on these targets; it is no error if there is none."""

    targets: frozenset[str]
    reference: str


@dataclass(frozen=True, slots=True)
class Issue:
    """The vendor computes the digits for this window."""

    targets: frozenset[str]
    window: Window
    name: str = field(repr=False)
    place: str | None = None


Change = EnsurePresent | EnsureAbsent | Issue


@dataclass(frozen=True, slots=True)
class Unlock:
    """Open this lock now."""

    target: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Throw this lock's bolt now."""

    target: str


@dataclass(frozen=True, slots=True)
class ConfigureAutoLock:
    """Whether this lock locks by itself some time after it was opened. `delay_seconds` None: the delay stays."""

    target: str
    is_enabled: bool
    delay_seconds: float | None = None


Action = Unlock | Lock | ConfigureAutoLock


@dataclass(frozen=True, slots=True)
class ObserveScope:
    """What to read: these targets, or the whole account where `targets` is None."""

    targets: frozenset[str] | None = None
    since: datetime | None = None
    """Log entries after this instant are wanted too, where the vendor has a log."""
