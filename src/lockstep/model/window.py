"""Time windows: half-open, aware, UTC. Knows no time zone but UTC; a zone enters where a booking becomes a window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lockstep.kit.frozen import dataclass


class WindowEmpty(ValueError):
    """The window is empty: its end must lie after its start. Correct one of the two instants."""

    code = "window_empty"


class InstantNaive(ValueError):
    """The instant carries no time zone. Give it with an offset, such as 2026-06-01T15:00:00Z."""

    code = "instant_naive"


@dataclass(frozen=True, slots=True)
class Window:
    """`[starts_at, ends_at)`, both aware and UTC; `ends_at` None means ongoing."""

    starts_at: datetime
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts_at", as_utc(self.starts_at))
        if self.ends_at is not None:
            object.__setattr__(self, "ends_at", as_utc(self.ends_at))
            if self.ends_at <= self.starts_at:
                raise WindowEmpty(WindowEmpty.__doc__)

    def contains(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def is_over(self, at: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= at

    def overlaps(self, other: Window) -> bool:
        return (other.ends_at is None or self.starts_at < other.ends_at) and (
            self.ends_at is None or other.starts_at < self.ends_at
        )

    def covers(self, other: Window) -> bool:
        """Whether every instant of `other` lies in this window."""
        if other.starts_at < self.starts_at:
            return False
        return self.ends_at is None or (other.ends_at is not None and other.ends_at <= self.ends_at)

    def same_from(self, other: Window, at: datetime) -> bool:
        """Whether both open at the same instants from `at` on: a vendor may clamp a start that has passed."""
        begun = self.starts_at <= at and other.starts_at <= at
        return self.ends_at == other.ends_at and (self.starts_at == other.starts_at or begun)

    def hull(self, other: Window) -> Window:
        """The smallest window that covers both."""
        ends = None if self.ends_at is None or other.ends_at is None else max(self.ends_at, other.ends_at)
        return Window(min(self.starts_at, other.starts_at), ends)

    def widened_to(self, step: timedelta) -> Window:
        """Rounded outward to whole steps since the epoch, so that nobody is let in later or put out sooner."""
        if step <= timedelta(0):
            return self
        starts_at = _floor(self.starts_at, step)
        ends_at = None if self.ends_at is None else ceiling(self.ends_at, step)
        is_same = starts_at == self.starts_at and ends_at == self.ends_at
        return self if is_same else Window(starts_at, ends_at)


def as_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises InstantNaive for one without a zone."""
    if at.tzinfo is None:
        raise InstantNaive(InstantNaive.__doc__)
    return at if at.tzinfo is UTC else at.astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ceiling(at: datetime, step: timedelta) -> datetime:
    """The next whole step since the epoch, or `at` itself."""
    rest = (at - _EPOCH) % step
    return at if not rest else at + (step - rest)


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - _EPOCH) % step
