"""Windows as the virtual vendor takes them: whole steps, UTC or the lock's wall time. Pure.

A lock-local vendor gets wall times without an offset, and takes one that comes twice in a night for its first
coming. So a start is written as the last step that begins no later, an end as the first that comes no sooner:
nobody is let in later or put out sooner, and the window that really results is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lockstep.model.window import Window
from lockstep.vendors.virtual.wire import Lock, Schedule


@dataclass(frozen=True, slots=True)
class Times:
    """`starts_at` and `ends_at` as they go on the wire, and the window that they really mean."""

    starts_at: str
    ends_at: str | None
    window: Window


def times_of(window: Window, lock: Lock, now: datetime) -> Times | None:
    """None for a lock that knows no windows."""
    schedule = lock.features.schedule
    if schedule.kind == "none":
        return None
    starts_at, ends_at = window.starts_at, window.ends_at
    # A code that has to be used soon after its start would be dead on arrival with one that has passed.
    if schedule.refuses_past_starts or schedule.use_within_seconds is not None:
        starts_at = max(starts_at, now)
    # A window that is over is for the vendor to refuse; it must not become an empty one here.
    if ends_at is not None and ends_at <= starts_at:
        starts_at = window.starts_at
    if schedule.zone == "lock_local":
        return _in_wall_time(starts_at, ends_at, lock)
    actual = Window(starts_at, ends_at).widened_to(timedelta(seconds=schedule.step_seconds))
    ends = None if actual.ends_at is None else _utc_text(actual.ends_at)
    return Times(_utc_text(actual.starts_at), ends, actual)


def window_of(starts_at: str | None, ends_at: str | None, lock: Lock) -> Window | None:
    """A window read back; None where none is told. Raises ValueError for what is no time."""
    if starts_at is None:
        return None
    begin, end = _instant(starts_at, lock), None if ends_at is None else _instant(ends_at, lock)
    if end is not None and end <= begin:
        # It never opens: an instant that is over says so, and the other codes of the lock can be read.
        begin = end - timedelta(seconds=1)
    return Window(begin, end)


def _in_wall_time(starts_at: datetime, ends_at: datetime | None, lock: Lock) -> Times:
    zone, schedule = ZoneInfo(lock.time_zone), lock.features.schedule
    begin = _step_begun(_wall(starts_at, zone), schedule)
    while _meant(begin, zone) > starts_at:
        begin -= timedelta(seconds=schedule.step_seconds)
    if ends_at is None:
        return Times(begin.isoformat(), None, Window(_meant(begin, zone)))
    end = _step_begun(_wall(ends_at, zone), schedule)
    while _meant(end, zone) < ends_at:
        end += timedelta(seconds=schedule.step_seconds)
    return Times(begin.isoformat(), end.isoformat(), Window(_meant(begin, zone), _meant(end, zone)))


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _meant(wall: datetime, zone: ZoneInfo) -> datetime:
    """What the vendor makes of a wall time: the first coming where there are two (`fold` 0)."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _step_begun(wall: datetime, schedule: Schedule) -> datetime:
    midnight = datetime(1970, 1, 1)  # noqa: DTZ001  # wall time has no zone
    return wall - (wall - midnight) % timedelta(seconds=schedule.step_seconds)


def _instant(text: str, lock: Lock) -> datetime:
    at = datetime.fromisoformat(text)
    return _meant(at, ZoneInfo(lock.time_zone)) if at.tzinfo is None else at.astimezone(UTC)


def _utc_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
