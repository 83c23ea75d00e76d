"""Which locks a vendor's listing takes away: none at once. Pure.

A lock that one description lacks is unread, not gone; only several that agree over some time take it as removed. What
it may carry is not decided here: a removal from the account proves nothing of the lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.model.plan import is_doubtful

DESCRIBE_EVERY = timedelta(hours=1)
"""How often a vendor is asked what is under an account while nothing is missing."""
AGREEING = 3
"""So many descriptions in a row must lack a lock."""
REMOVED_OVER = timedelta(minutes=45)
"""And over this time."""
DOUBT_OVER = timedelta(hours=24)
"""The time where several locks are missing at once."""
_SOONEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Missed:
    """A lock that descriptions lack: since when, and how many in a row."""

    since: datetime
    times: int


def taken_as_removed(missing: Mapping[UUID, Missed], listed_before: int, now: datetime) -> set[UUID]:
    """Of the locks that are missing now, those that are taken as removed. `listed_before`: how many locks there were
    before the first of these went missing, these included."""
    over = DOUBT_OVER if is_doubtful(listed_before, len(missing)) else REMOVED_OVER
    return {id for id, m in missing.items() if m.times >= AGREEING and now - m.since >= over}


def next_description(missing_since: Iterable[datetime], now: datetime) -> timedelta:
    """How long to wait before the next: short after a lock went missing, then longer, by half the time passed."""
    waits = [min(max((now - since) / 2, _SOONEST), DESCRIBE_EVERY) for since in missing_since]
    return min(waits, default=DESCRIBE_EVERY)
