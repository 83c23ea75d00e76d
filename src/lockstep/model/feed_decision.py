"""What a reading of a feed does to the bookings made from it. Believes additions at once, losses late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from lockstep.model import feed_warning
from lockstep.model.feed import (
    Adoption,
    Cancellation,
    Creation,
    Echo,
    FeedDecision,
    FeedDoubt,
    FeedKnowledge,
    FeedPolicy,
    FeedReading,
    FeedStay,
    FeedWarning,
    Hold,
    KnownStay,
    Miss,
    StayChange,
)
from lockstep.model.feed_identity import is_present, pair, same_stay_across_feeds
from lockstep.model.window import Window

Loss = Literal["vanished", "said"]

WHOLE_EVERY = timedelta(days=1)
"""However often a feed says that nothing changed, it is read whole at least this often."""


def decide(
    known: FeedKnowledge, reading: FeedReading | FeedDoubt, policy: FeedPolicy, now: datetime
) -> FeedDecision:
    """What follows from `reading`. Following it and reading the same again changes nothing more.

    A guest who is inside loses nothing by a feed, unless its departure moves to an instant still ahead.
    A held feed goes on adding and extending; what takes access away waits for an operator.
    """
    if isinstance(reading, FeedDoubt):
        return FeedDecision(held=known.hold, echoes=known.echoes, doubt=reading)
    pairs, strangers = pair(known.stays, reading.stays, now)
    lost = _lost(known.stays, pairs, reading, now)
    hold = _hold(known, lost, policy, now)
    so_far = _SoFar()
    _follow_losses(known, lost, hold, policy, now, so_far)
    for stay in known.stays:
        entry = pairs.get(stay.booking_id)
        if (
            entry is not None
            and stay.cancelled is None
            and not lost.get(stay.booking_id)
            and is_present(entry)
        ):
            _follow_entry(stay, entry, hold, now, so_far)
    again = {
        pairs[stay.booking_id]: stay.booking_id
        for stay in known.stays
        if stay.cancelled == "feed" and stay.booking_id in pairs
    }
    for entry in sorted(
        (*strangers, *again), key=lambda entry: (entry.arrives, entry.uid, entry.instance or "")
    ):
        if is_present(entry) and entry.ends_at > now:
            _admit(entry, again.get(entry), known, lost, policy, so_far)
    return so_far.decision(hold)


def needs_whole_feed(
    known: FeedKnowledge, whole_at: datetime | None, policy: FeedPolicy, now: datetime
) -> bool:
    """Whether the pull at `now` must not be answered with "not modified"; `whole_at`: when the last whole one was.

    Absence is counted in readings, and an answer without a body is none: fetched conditionally, a feed would
    never lose a stay. Neither would an entry that repeats another feed's be looked at when that one goes. And a host
    whose "not modified" is a fault would be believed for ever: so it is asked for the whole once a day.
    """
    booked = {stay.said.stay_key for stay in known.stays}
    return (
        whole_at is None
        # The next pull would come too late.
        or now + policy.pull_every > whole_at + WHOLE_EVERY
        or known.hold is not None
        or bool(known.elsewhere)
        or bool(known.confirmed_losses)
        or bool(known.accepted - booked)
        or any(stay.misses for stay in known.stays if stay.cancelled is None)
    )


@dataclass
class _SoFar:
    create: list[Creation] = field(default_factory=list)
    change: list[StayChange] = field(default_factory=list)
    adopt: list[Adoption] = field(default_factory=list)
    miss: list[Miss] = field(default_factory=list)
    cancel: list[Cancellation] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    delayed: list[str] = field(default_factory=list)
    waiting: list[FeedStay] = field(default_factory=list)
    echoes: set[Echo] = field(default_factory=set)
    warnings: list[FeedWarning] = field(default_factory=list)

    def decision(self, hold: Hold | None) -> FeedDecision:
        return FeedDecision(
            create=tuple(self.create),
            change=tuple(sorted(self.change, key=lambda change: change.booking_id)),
            adopt=tuple(self.adopt),
            miss=tuple(sorted(self.miss, key=lambda miss: miss.booking_id)),
            cancel=tuple(sorted(self.cancel, key=lambda cancel: cancel.booking_id)),
            unchanged=tuple(sorted(self.unchanged)),
            delayed=tuple(sorted(self.delayed)),
            waiting=tuple(self.waiting),
            echoes=frozenset(self.echoes),
            held=hold,
            warnings=tuple(sorted(self.warnings, key=lambda warning: (warning.code, warning.subject))),
        )


def _lost(
    stays: Iterable[KnownStay], pairs: Mapping[str, FeedStay], reading: FeedReading, now: datetime
) -> dict[str, Loss | None]:
    """Every live booking: None where the feed still has it, else how it went."""
    unreadable = {fault.uid for fault in reading.faults if fault.is_skipped and fault.uid is not None}
    lost: dict[str, Loss | None] = {}
    for stay in stays:
        if stay.cancelled is not None or stay.window.is_over(now):
            continue
        entry = pairs.get(stay.booking_id)
        if entry is None:
            # An entry that is there but cannot be read has not vanished.
            lost[stay.booking_id] = None if stay.said.uid in unreadable else "vanished"
        elif entry.is_cancelled:
            lost[stay.booking_id] = "said"
        # A feed whose years went wrong moves everything into the past: that too takes three readings.
        elif not is_present(entry) or (entry.ends_at <= now and not stay.window.contains(now)):
            lost[stay.booking_id] = "vanished"
        else:
            lost[stay.booking_id] = None
    return lost


def _hold(
    known: FeedKnowledge, lost: Mapping[str, Loss | None], policy: FeedPolicy, now: datetime
) -> Hold | None:
    # Who is inside loses nothing by a feed, and platforms drop a stay on its last morning: no loss.
    safe = {stay.booking_id for stay in known.stays if stay.window.contains(now)} | known.confirmed_losses
    gone = sorted(id for id, how in lost.items() if how and id not in safe)
    live = len(gone) + sum(how is None for how in lost.values())
    if known.hold is not None:
        return replace(known.hold, lost=tuple(gone))
    # A cancellation in so many words is believed, be it the only stay's; silence about all of them is not.
    if gone and len(gone) == live and any(lost[id] == "vanished" for id in gone):
        return Hold("lost_all", now, tuple(gone), live)
    if live >= policy.hold_from_stays and len(gone) > policy.hold_above_share * live:
        return Hold("lost_many", now, tuple(gone), live)
    return None


def _follow_losses(
    known: FeedKnowledge,
    lost: Mapping[str, Loss | None],
    hold: Hold | None,
    policy: FeedPolicy,
    now: datetime,
    so_far: _SoFar,
) -> None:
    for stay in known.stays:
        how = lost.get(stay.booking_id)
        if how is None:
            continue
        if stay.window.contains(now):
            if how == "said":
                so_far.warnings.append(feed_warning.guest_inside(stay.booking_id))
        elif stay.booking_id in known.confirmed_losses:
            so_far.cancel.append(Cancellation(stay.booking_id, "confirmed"))
        elif hold is None and how == "said":
            so_far.cancel.append(Cancellation(stay.booking_id, "said"))
        elif hold is None:
            _count_miss(stay, policy, now, so_far)


def _count_miss(stay: KnownStay, policy: FeedPolicy, now: datetime, so_far: _SoFar) -> None:
    misses, since = stay.misses + 1, stay.missing_since or now
    if misses >= policy.vanish_after_readings and now - since >= policy.vanish_over:
        so_far.cancel.append(Cancellation(stay.booking_id, "vanished"))
    else:
        so_far.miss.append(Miss(stay.booking_id, misses, since))


def _follow_entry(stay: KnownStay, entry: FeedStay, hold: Hold | None, now: datetime, so_far: _SoFar) -> None:
    said = _told(stay, entry)
    window = stay.window
    if stay.window.contains(now):
        said, window = _while_inside(stay, said, now, so_far)
    elif said.window != stay.said.window:
        window = stay.window if stay.window.is_over(now) and said.ends_at <= now else said.window
        if stay.window != stay.said.window:
            so_far.warnings.append(feed_warning.edit_replaced(stay.booking_id))
    if hold is not None and _takes_away(stay.window, window, now):
        so_far.delayed.append(stay.booking_id)
        return
    parts: set[Literal["window", "guest", "entry"]] = set()
    if window != stay.window:
        parts.add("window")
    if (said.guest_name, said.phone_last4, said.reservation_code) != (
        stay.said.guest_name,
        stay.said.phone_last4,
        stay.said.reservation_code,
    ):
        parts.add("guest")
    if said != stay.said:
        parts.add("entry")
    if parts:
        so_far.change.append(StayChange(stay.booking_id, window, said, frozenset(parts)))
    else:
        so_far.unchanged.append(stay.booking_id)


def _told(stay: KnownStay, entry: FeedStay) -> FeedStay:
    """The entry with what was known of its guest: platforms leave out later what they told before."""
    if stay.is_erased:
        return replace(entry, guest_name=None, phone_last4=None, reservation_code=None)
    return replace(
        entry,
        guest_name=entry.guest_name or stay.said.guest_name,
        phone_last4=entry.phone_last4 or stay.said.phone_last4,
        reservation_code=entry.reservation_code or stay.said.reservation_code,
    )


def _while_inside(stay: KnownStay, entry: FeedStay, now: datetime, so_far: _SoFar) -> tuple[FeedStay, Window]:
    """What is remembered, and the window, for a guest who is inside: only an end still ahead is followed.

    Booking.com moves the start of such a stay to today, day after day.
    """
    ends_at, departs = entry.ends_at, entry.departs
    if ends_at <= now and ends_at != stay.said.ends_at:
        so_far.warnings.append(feed_warning.departure_past(stay.booking_id))
        ends_at, departs = stay.said.ends_at, stay.said.departs
    said = replace(
        entry,
        arrives=stay.said.arrives,
        departs=departs,
        window=Window(stay.said.window.starts_at, ends_at),
    )
    if ends_at == stay.said.ends_at:
        return said, stay.window
    return said, Window(stay.window.starts_at, ends_at)


def _takes_away(before: Window, after: Window, now: datetime) -> bool:
    if before.is_over(now):
        return False
    return not after.covers(Window(max(before.starts_at, now), before.ends_at))


def _admit(
    entry: FeedStay,
    again: str | None,
    known: FeedKnowledge,
    lost: Mapping[str, Loss | None],
    policy: FeedPolicy,
    so_far: _SoFar,
) -> None:
    """Decide on an entry that no live booking stands for."""
    twin = same_stay_across_feeds(entry, known.elsewhere)
    echo = Echo(entry.uid, entry.instance, entry.arrives, entry.departs)
    is_accepted = entry.stay_key in known.accepted
    if entry.kind == "stay" and twin is not None:
        so_far.adopt.append(Adoption(twin, entry))
        return
    if entry.kind == "unclear" and not is_accepted and (twin is not None or echo in known.echoes):
        # It lingers for hours after the other feed's stay was cancelled: what repeated one goes on as such.
        if echo in known.echoes or any(it.kind == "stay" for it in known.elsewhere if it.booking_id == twin):
            so_far.echoes.add(echo)
        return
    if entry.kind == "unclear" and not is_accepted and not _counts_as_stay(entry, policy):
        so_far.waiting.append(entry)
        return
    if _meets_another(entry, known, lost):
        so_far.warnings.append(feed_warning.overlap(entry.uid))
    so_far.create.append(Creation(entry, again))


def _counts_as_stay(entry: FeedStay, policy: FeedPolicy) -> bool:
    if policy.unclear_entries == "short":
        return entry.nights <= policy.longest_nights
    return policy.unclear_entries == "all"


def _meets_another(entry: FeedStay, known: FeedKnowledge, lost: Mapping[str, Loss | None]) -> bool:
    here = (stay.window for stay in known.stays if stay.booking_id in lost and not lost[stay.booking_id])
    there = (other.window for other in known.elsewhere)
    return any(window.overlaps(entry.window) for window in (*here, *there))
