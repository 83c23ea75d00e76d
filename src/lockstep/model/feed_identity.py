"""Which entry of a feed is which booking. Identity is the feed and the UID; no dates, digits or names.

Where a platform changes UIDs (Booking.com does while a guest is inside), an old and a new entry that overlap
and depart on the same day are the same stay.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

from lockstep.model.feed import ElsewhereStay, FeedStay, KnownStay
from lockstep.model.window import Window


def pair(
    known: Sequence[KnownStay], entries: Iterable[FeedStay], now: datetime
) -> tuple[dict[str, FeedStay], tuple[FeedStay, ...]]:
    """Entries by booking id, and the entries that no booking stands for. The order of neither input matters.

    A booking that is over or cancelled is met only by an entry of the same nights: some systems use one UID
    for one guest after another, and the next guest must not inherit a code.

    Once a reading was followed, pairing the same one again gives the same bookings the same entries. So nothing
    here may hang on what following changes: which entries are still without a booking, and which bookings the
    feed has cancelled.
    """
    live = [stay for stay in known if stay.cancelled is None and not stay.window.is_over(now)]
    past = [stay for stay in known if stay.cancelled is None and stay.window.is_over(now)]
    by_hand = [stay for stay in known if stay.cancelled == "hand"]
    by_feed = [stay for stay in known if stay.cancelled == "feed"]

    match = _Matching(entries, now)
    match.by_key(live)
    match.by_key((), by_feed)
    match.by_uid_and_nights(live, by_feed)
    for stays in (past, by_hand):
        match.by_uid_and_nights(stays)
    match.single_moved(live, by_feed, known)
    match.by_departure(live, by_feed)
    for stays in (past, by_hand):
        match.by_departure(stays)
    match.by_uid_and_nights(by_feed)
    return match.pairs, match.left


def is_present(entry: FeedStay) -> bool:
    """Whether the feed shows a stay here, rather than a block or a cancellation."""
    return not entry.is_cancelled and entry.kind != "block"


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
    """Pairs one to one, longest overlap first.

    `gone` are bookings that the feed cancelled. They compete with the live ones for what makes no booking: the
    entry that cancelled one of them must not go on to cancel the next that it overlaps.
    """

    def __init__(self, entries: Iterable[FeedStay], now: datetime) -> None:
        self._now = now
        # Of entries with the same key the reader leaves one; should it not, the last edit counts.
        self._left = {entry.stay_key: entry for entry in sorted(entries, key=_order)}
        self._by_uid: dict[str, list[FeedStay]] = defaultdict(list)
        self._by_departure: dict[date, list[FeedStay]] = defaultdict(list)
        for entry in self._left.values():
            self._by_uid[entry.uid].append(entry)
            self._by_departure[entry.departs].append(entry)
        self.pairs: dict[str, FeedStay] = {}

    @property
    def left(self) -> tuple[FeedStay, ...]:
        return tuple(self._left.values())

    def by_key(self, stays: Iterable[KnownStay], gone: Iterable[KnownStay] = ()) -> None:
        self._pair(stays, gone, lambda stay: [self._left.get(stay.said.stay_key)])

    def by_uid_and_nights(self, stays: Iterable[KnownStay], gone: Iterable[KnownStay] = ()) -> None:
        self._pair(stays, gone, lambda stay: [e for e in self._by_uid[stay.said.uid] if _meet(stay, e)])

    def by_departure(self, stays: Iterable[KnownStay], gone: Iterable[KnownStay] = ()) -> None:
        """Entries of platforms that do not keep UIDs."""
        self._pair(stays, gone, self._departing_alike)

    def single_moved(
        self, stays: Iterable[KnownStay], gone: Iterable[KnownStay], known: Iterable[KnownStay]
    ) -> None:
        """The only booking there ever was under a UID, and its only entry: the same stay, on other nights."""
        bookings = Counter(stay.said.uid for stay in known)

        def only(stay: KnownStay) -> list[FeedStay]:
            entries = self._by_uid[stay.said.uid]
            is_single = bookings[stay.said.uid] == len(entries) == 1
            # Occurrences of a rule come and go with the horizon: two that are told apart stay apart.
            return entries if is_single and None in (stay.said.instance, entries[0].instance) else []

        self._pair(stays, gone, only)

    def _departing_alike(self, stay: KnownStay) -> list[FeedStay]:
        if stay.said.keeps_uid:
            return []
        alike = self._by_departure[stay.said.departs]
        return [entry for entry in alike if not entry.keeps_uid and _meet(stay, entry)]

    def _pair(
        self,
        stays: Iterable[KnownStay],
        gone: Iterable[KnownStay],
        candidates: Callable[[KnownStay], Sequence[FeedStay | None]],
    ) -> None:
        found = [
            (-_overlap(stay.said.window, entry.window), stay.booking_id, _order(entry), stay, entry)
            for stay, is_gone in (*((stay, False) for stay in stays), *((stay, True) for stay in gone))
            if stay.booking_id not in self.pairs
            for entry in candidates(stay)
            if entry is not None and entry.stay_key in self._left
            if not is_gone or not is_present(entry) or entry.ends_at <= self._now
        ]
        for *_, stay, entry in sorted(found, key=lambda pairing: pairing[:3]):
            self._take(stay, entry)

    def _take(self, stay: KnownStay, entry: FeedStay) -> None:
        if stay.booking_id not in self.pairs and self._left.pop(entry.stay_key, None) is not None:
            self.pairs[stay.booking_id] = entry


def _meet(stay: KnownStay, entry: FeedStay) -> bool:
    return stay.said.window.overlaps(entry.window)


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
