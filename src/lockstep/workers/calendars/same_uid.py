"""Entries of one feed that share a UID: edits of one stay, or several stays. Knows no calendar format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from lockstep.model.feed import FeedStay, StayKey


@dataclass(frozen=True, slots=True)
class Edition:
    """An entry and when it was last revised, as far as the feed tells."""

    stay: FeedStay
    revised_at: datetime


def settled(editions: Iterable[Edition]) -> tuple[FeedStay, ...]:
    """One entry for each stay, each with a key of its own.

    Of entries with one UID the highest SEQUENCE counts (RFC 5545 3.8.7.4). Of those left, nights that overlap
    are edits of one stay, of which the latest counts; nights that do not are stays of their own.
    """
    by_key: dict[StayKey, list[Edition]] = defaultdict(list)
    for edition in editions:
        by_key[edition.stay.stay_key].append(edition)
    return tuple(stay for same in by_key.values() for stay in _stays(same))


def _stays(same: list[Edition]) -> list[FeedStay]:
    latest = max(edition.stay.sequence for edition in same)
    valid = [edition for edition in same if edition.stay.sequence == latest]
    kept: list[FeedStay] = []
    # A stable sort: of equal ones the later in the feed is taken for the later edit.
    for edition in sorted(valid, key=lambda edition: edition.revised_at):
        kept = [stay for stay in kept if not stay.window.overlaps(edition.stay.window)]
        kept.append(edition.stay)
    if len(kept) == 1:
        return kept
    return [replace(stay, instance=f"{stay.instance or ''}d:{stay.arrives}") for stay in kept]
