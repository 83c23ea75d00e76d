"""Which entry of a feed is which booking. Identity is the feed and the UID; no dates, digits or names.

Where a platform changes UIDs (Booking.com does while a guest is inside), an old and a new entry that overlap
and depart on the same day are the same stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

from lockstep.model.feed import ElsewhereStay, FeedStay, KnownStay
from lockstep.model.window import Window

Fits = Callable[[KnownStay, FeedStay], bool]


def pair(
    known: Sequence[KnownStay], entries: Iterable[FeedStay], now: datetime
) -> tuple[dict[str, FeedStay], tuple[FeedStay, ...]]:
    """Entries by booking id, and the entries that no booking stands for. The order of neither input matters.

    A booking that is over or cancelled is met only by an entry of the same nights: some systems use one UID
    for one guest after another, and the next guest must not inherit a code.
    """
    live = [stay for stay in known if stay.cancelled is None and not stay.window.is_over(now)]
    past = [stay for stay in known if stay.cancelled is None and stay.window.is_over(now)]
    by_hand = [stay for stay in known if stay.cancelled == "hand"]
    by_feed = [stay for stay in known if stay.cancelled == "feed"]

    match = _Matching(entries)
    match.all(live, _same_key)
    for stays in (live, past, by_hand, by_feed):
        match.all(stays, _same_uid_same_nights)
    match.single_moved(live)
    for stays in (live, past, by_hand):
        match.all(stays, _same_departure)
    return match.pairs, tuple(match.entries)


def same_stay_across_feeds(entry: FeedStay, elsewhere: Iterable[ElsewhereStay]) -> str | None:
    """The booking of another feed that `entry` repeats, or None; both feeds belong to one property.

    An unclear entry repeats the stay, or the stays, whose nights make up its own (platforms merge closures
    that meet), and an unclear entry of exactly its nights: the one read first stays. A stay repeats an
    unclear entry of exactly its nights. Two stays are never one: they are a double booking.
    """
    others = sorted((other for other in elsewhere), key=lambda other: other.booking_id)
    twins = [other for other in others if (other.arrives, other.departs) == (entry.arrives, entry.departs)]
    if entry.kind == "stay":
        return next((twin.booking_id for twin in twins if twin.kind == "unclear"), None)
    if entry.kind != "unclear":
        return None
    if twins:
        return min(twins, key=lambda twin: (twin.kind != "stay", twin.booking_id)).booking_id
    covering = [other for other in others if other.kind == "stay" and other.window.overlaps(entry.window)]
    nights = set().union(*(_nights(other.arrives, other.departs) for other in covering))
    return covering[0].booking_id if covering and _nights(entry.arrives, entry.departs) <= nights else None


class _Matching:
    """Pairs one to one, longest overlap first."""

    def __init__(self, entries: Iterable[FeedStay]) -> None:
        # Of entries with the same key the reader leaves one; should it not, the last edit counts.
        self.entries = list({entry.key: entry for entry in sorted(entries, key=_order)}.values())
        self.pairs: dict[str, FeedStay] = {}

    def all(self, stays: Iterable[KnownStay], fits: Fits) -> None:
        candidates = [
            (-_overlap(stay.said.window, entry.window), stay.booking_id, _order(entry), stay, entry)
            for stay in stays
            if stay.booking_id not in self.pairs
            for entry in self.entries
            if fits(stay, entry)
        ]
        for *_, stay, entry in sorted(candidates, key=lambda candidate: candidate[:3]):
            self._take(stay, entry)

    def single_moved(self, stays: Iterable[KnownStay]) -> None:
        """One booking and one entry left under a UID: the same stay, moved to other nights."""
        left = [stay for stay in stays if stay.booking_id not in self.pairs]
        for stay in left:
            rivals = [other for other in left if other.said.uid == stay.said.uid]
            same = [entry for entry in self.entries if entry.uid == stay.said.uid]
            # Occurrences of a rule come and go with the horizon: two that are told apart stay apart.
            if len(rivals) == len(same) == 1 and None in (stay.said.instance, same[0].instance):
                self._take(stay, same[0])

    def _take(self, stay: KnownStay, entry: FeedStay) -> None:
        if stay.booking_id not in self.pairs and entry in self.entries:
            self.pairs[stay.booking_id] = entry
            self.entries.remove(entry)


def _same_key(stay: KnownStay, entry: FeedStay) -> bool:
    return stay.said.key == entry.key


def _same_uid_same_nights(stay: KnownStay, entry: FeedStay) -> bool:
    return stay.said.uid == entry.uid and stay.said.window.overlaps(entry.window)


def _same_departure(stay: KnownStay, entry: FeedStay) -> bool:
    return (
        not (stay.said.keeps_uid or entry.keeps_uid)
        and stay.said.departs == entry.departs
        and stay.said.window.overlaps(entry.window)
    )


def _overlap(one: Window, other: Window) -> timedelta:
    ends = [window.ends_at for window in (one, other) if window.ends_at is not None]
    return min(ends) - max(one.starts_at, other.starts_at)


def _nights(arrives: date, departs: date) -> set[date]:
    return {arrives + timedelta(days=night) for night in range((departs - arrives).days)}


def _order(entry: FeedStay) -> tuple[str, ...]:
    ends_at = entry.ends_at.isoformat()
    told = (entry.guest_name, entry.phone_last4, entry.reservation_code)
    facts = (f"{entry.sequence:010}", entry.window.starts_at.isoformat(), ends_at, entry.kind)
    return (entry.uid, entry.instance or "", *facts, str(entry.is_cancelled), *map(str, told))
