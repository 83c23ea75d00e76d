"""Entries that repeat, made into single ones. The library does the counting; here stands what it is given.

A rule that never comes true, or comes true every second, would keep a worker busy for minutes or for ever
(INTERVAL=0 does, in dateutil 2.9, tried 2026-11): only rules that people make calendars with are followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar, Event, vRecur

MOST_SERIES = 20
_PARTS = {
    "DAILY": {"BYDAY"},
    "WEEKLY": {"BYDAY"},
    "MONTHLY": {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": {"BYMONTH", "BYMONTHDAY", "BYDAY"},
}
_ALWAYS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
_SMALL_NUMBER = re.compile(r"[1-9]\d{0,3}")


def is_modest(rule: str) -> bool:
    """Whether `rule` (the value of an RRULE line) is one that a booking calendar or a time zone may have."""
    parts = dict(part.partition("=")[::2] for part in rule.strip().upper().split(";") if part)
    allowed = _PARTS.get(parts.get("FREQ", ""))
    return (
        allowed is not None
        and set(parts) <= _ALWAYS | allowed
        and all(_SMALL_NUMBER.fullmatch(parts.get(name, "1")) for name in ("INTERVAL", "COUNT"))
    )


def repeats(event: Event) -> bool:
    """Whether `event` stands for more than itself."""
    return "RRULE" in event or "RDATE" in event


def is_followed(event: Event) -> bool:
    """Whether the rule of an event that repeats is one that is followed."""
    rule = event.get("RRULE")
    if event.start.year < 1970:
        return False
    return rule is None or (isinstance(rule, vRecur) and is_modest(_as_text(rule)))


def occurrences(events: Iterable[Event], now: datetime, horizon: timedelta) -> list[Event]:
    """The single events of one series, its exceptions among `events`, from yesterday to the horizon."""
    series = Calendar()
    for event in events:
        series.add_component(event)
    found = recurring_ical_events.of(series).between(now - timedelta(days=1), now + horizon)
    return [event for event in found if isinstance(event, Event)]


def _as_text(rule: vRecur) -> str:
    text: bytes = rule.to_ical()  # type: ignore[no-untyped-call]
    return text.decode()


def instance_of(event: Event) -> str | None:
    """Which occurrence of its series an event is: the start that the rule gave it."""
    at = event.get("RECURRENCE-ID")
    if at is None or not hasattr(at, "dt"):
        return None
    start: date = at.dt
    if isinstance(start, datetime) and start.tzinfo is not None:
        start = start.astimezone(UTC)
    return f"r:{start.isoformat()}"
