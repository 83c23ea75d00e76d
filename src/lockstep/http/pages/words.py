"""How instants, standings and shares are said to people. Pure; knows nothing of where they come from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lockstep.model.window import Window

_WORTH_TELLING = timedelta(minutes=1)


def local(at: datetime, zone: str | None) -> datetime:
    """The same instant by the clocks of `zone`; UTC where none is known."""
    return at.astimezone(ZoneInfo(zone) if zone else UTC)


def clock_time(at: datetime, zone: str | None) -> str:
    """`15:00`."""
    return f"{local(at, zone):%H:%M}"


def day(at: datetime, zone: str | None, now: datetime) -> str:
    """`Today`, `Tomorrow`, `Yesterday`, or `Fri 5 June`; with the year where it is another."""
    then, today = local(at, zone), local(now, zone)
    apart = (then.date() - today.date()).days
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}
    if apart in near:
        return near[apart]
    year = "" if then.year == today.year else f" {then.year}"
    return f"{then:%a} {then.day} {then:%B}{year}"


def moment(at: datetime, zone: str | None, now: datetime) -> str:
    """`15:00` where it is today, `tomorrow 15:00`, `Fri 5 June 15:00`."""
    name = day(at, zone, now)
    if name == "Today":
        return clock_time(at, zone)
    return f"{name.lower() if name in ('Tomorrow', 'Yesterday') else name} {clock_time(at, zone)}"


def full(at: datetime, zone: str | None) -> str:
    """`Monday 1 June 2026, 15:00`."""
    then = local(at, zone)
    return f"{then:%A} {then.day} {then:%B %Y}, {then:%H:%M}"


def place_of(zone: str | None) -> str:
    """`Amsterdam` for `Europe/Amsterdam`."""
    return zone.rpartition("/")[2].replace("_", " ") if zone else "UTC"


def iso(at: datetime) -> str:
    """For machines: `2026-06-01T13:00:00Z`."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def opens_early(opens: Window, starts_at: datetime) -> bool:
    """Whether a code opens before the stay, by more than the seconds of rounding."""
    return starts_at - opens.starts_at >= _WORTH_TELLING


def opens_late(opens: Window, ends_at: datetime | None) -> bool:
    """The same at the end of the stay."""
    if ends_at is None:
        return False
    return opens.ends_at is None or opens.ends_at - ends_at >= _WORTH_TELLING


def percent(share: float) -> str:
    return f"{round(share * 100)} %"


FILTERS: dict[str, Callable[..., Any]] = {
    "clock_time": clock_time,
    "day": day,
    "moment": moment,
    "full": full,
    "place_of": place_of,
    "iso": iso,
    "percent": percent,
    "opens_early": opens_early,
    "opens_late": opens_late,
}
