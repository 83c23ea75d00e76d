"""What was declared, as whoever declared it remembers it, and what follows from it at the doors. Knows no Lockstep."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lockstep.emulation.feed_text import HostStay
from lockstep.vendors.virtual.emulator.features import Features

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AT_EDGES = 4 * MINUTE
"""Around the instants at which something is to change, both answers are right."""
TAKEN_AWAY_WITHIN = 30 * MINUTE
"""How long after its end a code may still be in a lock's memory."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From an instant up to, and without, another."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Ways:
    """What kind of lock it is that a promise is kept on."""

    step: timedelta
    early: timedelta
    """How long before its start a code may open, since the lock knows no time and holds nothing disabled."""
    late: timedelta | None
    """How long after its end it may open at most while all goes well; None: not at all, the lock ends it itself."""

    @classmethod
    def of(cls, features: Features) -> Ways:
        schedule = features.schedule
        is_own = schedule.kind != "none"
        early = timedelta(0) if is_own or schedule.holds_disabled else HOUR
        return cls(timedelta(seconds=schedule.step_seconds), early, None if is_own else 3 * MINUTE)

    def widened(self, stretch: Stretch) -> Stretch:
        """In whole steps of the lock."""
        before = (stretch.starts_at - _EPOCH) % self.step
        after = (_EPOCH - stretch.ends_at) % self.step
        return Stretch(stretch.starts_at - before, stretch.ends_at + after)


@dataclass(slots=True, eq=False)
class Promise:
    """One guest's access, however it was declared."""

    locks: tuple[str, ...]
    stretch: Stretch
    code: str = ""
    """The digits that the guest was told."""
    grant_id: str = ""
    booking_id: str | None = None
    stay: HostStay | None = None
    """As the platform has it, of a booking that a calendar told."""
    said: Stretch | None = None
    """The window of what the calendar told last and was followed in."""
    ever: list[tuple[str, Stretch]] = field(default_factory=list, repr=False)
    """All digits and windows that it was ever given."""
    is_cancelled: bool = False

    def declare(self, stretch: Stretch | None = None, code: str | None = None) -> None:
        self.stretch, self.code = stretch or self.stretch, code or self.code
        self.ever.append((self.code, self.stretch))

    def is_over(self, now: datetime) -> bool:
        return self.stretch.ends_at <= now

    def should_open(self, ways: Ways, now: datetime) -> bool | None:
        """None: both are right."""
        if self.is_cancelled:
            return False
        real = ways.widened(self.stretch)
        if real.starts_at - ways.early <= now < real.starts_at and ways.early:
            return None
        return real.holds(now)

    def may_stand(self, ways: Ways, now: datetime) -> bool:
        """Whether it may be in a lock's memory when all is well."""
        return not self.is_cancelled and now < ways.widened(self.stretch).ends_at + TAKEN_AWAY_WITHIN

    def was_ever_to_open(self, code: str, ways: Ways, now: datetime) -> bool:
        """Whether with these digits it was to open now by anything that was ever declared."""
        late = ways.late or timedelta(0)
        stretches = [ways.widened(stretch) for digits, stretch in self.ever if digits == code]
        return any(real.starts_at - ways.early <= now < real.ends_at + late for real in stretches)

    def is_at_an_edge(self, ways: Ways, now: datetime) -> bool:
        real = ways.widened(self.stretch)
        edges = (self.stretch.starts_at, self.stretch.ends_at, real.starts_at, real.ends_at)
        return not self.is_cancelled and any(abs(now - edge) < AT_EDGES for edge in edges)
