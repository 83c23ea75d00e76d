"""What is wanted of one entry in a write domain, and which state that means on the lock at an instant."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.capabilities import Capabilities
from lockstep.model.window import Window, ceiling

ABSENT = "absent"
"""Nothing of this entry on the lock."""
OTHER = "other"
"""Something of this entry on the lock that no revision of ours explains: an edit made elsewhere."""

Carried = str
"""What a lock may carry of an entry: ABSENT, OTHER, or a revision, written by `carried`."""

WRITTEN_AHEAD = timedelta(hours=72)
"""Codes go to a lock with its own schedule this long before their start (reconciling.md, Timing)."""
WRITTEN_JUST_IN_TIME = timedelta(minutes=60)
"""Codes go to a lock without a schedule this long before their start."""


def carried(revision: int, *, is_enabled: bool = True) -> Carried:
    """The state of a lock that carries this revision: `"3"`, or `"3-"` while it is held disabled."""
    return f"{revision}" if is_enabled else f"{revision}-"


def revision_of(state: Carried) -> int | None:
    """The revision that a state carries; None for ABSENT and OTHER."""
    return None if state in (ABSENT, OTHER) else int(state.rstrip("-"))


def is_enabled(state: Carried) -> bool:
    return not state.endswith("-")


@dataclass(frozen=True, slots=True)
class Spec:
    """The full content of one revision of an entry; digits stand here only as their keyed fingerprint."""

    fingerprint: UUID | None
    """None while a vendor that computes digits has not yet done so."""
    window: Window
    name: str = field(repr=False)
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Declared:
    """One entry as it is declared now."""

    entry_id: UUID
    revision: int
    spec: Spec
    tag: str = ""
    declared_at: datetime | None = None
    """When the current revision was declared."""
    withdrawn_at: datetime | None = None
    """When it was withdrawn: from then on nothing of it may stay on the lock."""
    is_compromised: bool = False
    """Withdrawn because its digits are known to the wrong person: its removal goes first."""
    is_spare: bool = False
    """A backup code that is given to nobody: the least urgent of all, and nobody arrives by it."""
    honours_edits: bool = False
    """What somebody else changes on the lock, where this revision was proven before, becomes the declaration."""

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    def is_inside(self, now: datetime) -> bool:
        """Whether its guest may be in the property at `now`."""
        return not self.is_withdrawn and not self.is_spare and self.spec.window.contains(now)


def effective_window(window: Window, capabilities: Capabilities) -> Window:
    """When a code really opens: whole steps of the vendor's granularity, and, on a lock that knows no windows
    and cannot hold a disabled code, the hour before the start as well."""
    schedule = capabilities.schedule
    if schedule.is_own:
        return window.widened_to(schedule.granularity)
    if schedule.can_hold_disabled:
        return window
    return Window(window.starts_at - WRITTEN_JUST_IN_TIME, window.ends_at)


def effective_end(window: Window, capabilities: Capabilities) -> datetime | None:
    """The end of the effective window: from then on nothing may open."""
    if window.ends_at is None or not capabilities.schedule.is_own:
        return window.ends_at
    return ceiling(window.ends_at, capabilities.schedule.granularity)


def is_over(declared: Declared, capabilities: Capabilities, now: datetime) -> bool:
    """Whether its effective window has ended."""
    ends_at = declared.spec.window.ends_at
    if ends_at is None or now < ends_at:
        return False
    ends_at = effective_end(declared.spec.window, capabilities)
    return ends_at is not None and ends_at <= now


def due_state(declared: Declared, capabilities: Capabilities, now: datetime) -> Carried | None:
    """What the lock should carry of this entry at `now`; None where either nothing or the current revision is
    right (a lock with its own schedule, before the time of writing ahead)."""
    window = declared.spec.window
    if declared.is_withdrawn or is_over(declared, capabilities, now):
        return ABSENT
    schedule = capabilities.schedule
    if schedule.is_own:
        return carried(declared.revision) if now >= window.starts_at - WRITTEN_AHEAD else None
    if now < window.starts_at - WRITTEN_JUST_IN_TIME:
        return ABSENT
    if schedule.can_hold_disabled and now < window.starts_at:
        return carried(declared.revision, is_enabled=False)
    return carried(declared.revision)


def is_written_ahead(declared: Declared, last_write_at: datetime | None, capabilities: Capabilities) -> bool:
    """Whether what was last written stands on the lock without opening it, until the window begins."""
    schedule = capabilities.schedule
    if last_write_at is None or not (schedule.is_own or schedule.can_hold_disabled):
        return False
    return last_write_at < declared.spec.window.starts_at


def due_instants(declared: Declared, capabilities: Capabilities) -> tuple[datetime, ...]:
    """The instants at which `due_state` changes, in order."""
    window = declared.spec.window
    lead = WRITTEN_AHEAD if capabilities.schedule.is_own else WRITTEN_JUST_IN_TIME
    instants = [window.starts_at - lead]
    if not capabilities.schedule.is_own and capabilities.schedule.can_hold_disabled:
        instants.append(window.starts_at)
    ends_at = effective_end(window, capabilities)
    if ends_at is not None:
        instants.append(ends_at)
    return tuple(instants)
