"""What holds for every feed, whatever it says and in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.model.feed_followed import follow

from lockstep.model.feed import (
    ElsewhereStay,
    FeedDoubt,
    FeedKnowledge,
    FeedPolicy,
    FeedReading,
    FeedStay,
)
from lockstep.model.feed_decision import decide
from lockstep.model.stay_window import HouseTimes, stay_window

HOUSE = HouseTimes("Europe/Lisbon")
START = datetime(2025, 6, 10, 9, tzinfo=UTC)
DOUBT = FeedDoubt("feed_empty", "Nothing came.", "It is read again.")


@st.composite
def stays(draw: st.DrawFn) -> FeedStay:
    arrives = date(2025, 6, 1) + timedelta(days=draw(st.integers(0, 25)))
    departs = arrives + timedelta(days=draw(st.integers(1, 8)))
    kind = draw(st.sampled_from(["stay", "stay", "unclear", "block"]))
    return FeedStay(
        draw(st.sampled_from("abcdef")),
        arrives,
        departs,
        stay_window(arrives, departs, HOUSE),
        kind=kind,  # type: ignore[arg-type]  # one of a list of strings
        instance=draw(st.sampled_from([None, None, "1", "2"])),
        keeps_uid=kind == "stay",
        is_cancelled=draw(st.sampled_from([False, False, False, True])),
        guest_name=draw(st.sampled_from([None, "Ana", "Rui"])),
    )


readings = st.lists(stays(), max_size=7, unique_by=lambda stay: stay.stay_key).map(
    lambda entries: FeedReading("other", tuple(entries))
)
elsewheres = st.lists(stays(), max_size=2).map(
    lambda others: tuple(
        ElsewhereStay(f"e{n}", other.kind, other.arrives, other.departs, other.window)
        for n, other in enumerate(others)
        if other.kind != "block"
    )
)
histories = st.lists(
    st.tuples(st.one_of(readings, readings, st.just(DOUBT)), st.integers(1, 60)), min_size=1, max_size=6
)


def play(
    history: list[tuple[FeedReading | FeedDoubt, int]], known: FeedKnowledge
) -> tuple[FeedKnowledge, datetime]:
    now = START
    for reading, minutes in history:
        now += timedelta(minutes=15 * minutes)
        known = follow(known, decide(known, reading, FeedPolicy(), now))
    return known, now


@given(histories, readings, elsewheres, st.randoms(use_true_random=False))
def test_the_order_of_entries_and_bookings_does_not_matter(
    history: list[tuple[FeedReading | FeedDoubt, int]],
    reading: FeedReading,
    others: tuple[ElsewhereStay, ...],
    chance: Random,
) -> None:
    known, now = play(history, FeedKnowledge(elsewhere=others))
    shuffled = replace(reading, stays=tuple(chance.sample(reading.stays, len(reading.stays))))
    mixed = replace(known, stays=tuple(chance.sample(known.stays, len(known.stays))))
    assert decide(known, reading, FeedPolicy(), now) == decide(mixed, shuffled, FeedPolicy(), now)


@given(histories, readings, elsewheres)
def test_the_same_reading_again_changes_nothing_more(
    history: list[tuple[FeedReading | FeedDoubt, int]],
    reading: FeedReading,
    others: tuple[ElsewhereStay, ...],
) -> None:
    known, now = play(history, FeedKnowledge(elsewhere=others))
    first = decide(known, reading, FeedPolicy(), now)
    again = decide(follow(known, first), reading, FeedPolicy(), now)
    assert (again.create, again.change) == ((), ())
    assert not any(cancel.why == "said" for cancel in again.cancel)
    # A stay that was missing may just have been so for the third time.
    assert {cancel.booking_id for cancel in again.cancel} <= {miss.booking_id for miss in first.miss}


@given(histories, st.sampled_from([DOUBT, FeedReading("other")]), st.integers(1, 100))
def test_an_empty_or_doubtful_reading_never_cancels_anything_at_once(
    history: list[tuple[FeedReading | FeedDoubt, int]], reading: FeedReading | FeedDoubt, later: int
) -> None:
    known, now = play(history, FeedKnowledge())
    known = replace(known, stays=tuple(replace(s, misses=0, missing_since=None) for s in known.stays))
    for pull in range(later):
        decision = decide(known, reading, FeedPolicy(), now + pull * timedelta(seconds=1))
        assert not decision.cancel
        known = follow(known, decision)


@given(histories, st.one_of(readings, st.just(DOUBT)))
def test_nobody_inside_is_put_out_by_a_feed(
    history: list[tuple[FeedReading | FeedDoubt, int]], reading: FeedReading | FeedDoubt
) -> None:
    known, now = play(history, FeedKnowledge())
    inside = {s.booking_id for s in known.stays if s.cancelled is None and s.window.contains(now)}
    after = follow(known, decide(known, reading, FeedPolicy(), now))
    for stay in after.stays:
        if stay.booking_id in inside:
            assert stay.cancelled is None
            assert stay.window.contains(now)


@given(histories, readings)
def test_a_held_feed_takes_no_access_away(
    history: list[tuple[FeedReading | FeedDoubt, int]], reading: FeedReading
) -> None:
    known, now = play(history, FeedKnowledge())
    decision = decide(known, reading, FeedPolicy(), now)
    if decision.held is None:
        return
    after = {stay.booking_id: stay for stay in follow(known, decision).stays}
    for stay in known.stays:
        if stay.cancelled is None and not stay.window.is_over(now):
            assert after[stay.booking_id].cancelled is None
            assert after[stay.booking_id].window.same_from(stay.window, now) or after[
                stay.booking_id
            ].window.covers(stay.window)


@given(histories, readings)
def test_a_booking_stands_in_one_list_and_every_live_one_is_accounted_for(
    history: list[tuple[FeedReading | FeedDoubt, int]], reading: FeedReading
) -> None:
    known, now = play(history, FeedKnowledge())
    decision = decide(known, reading, FeedPolicy(), now)
    named = [
        *(change.booking_id for change in decision.change),
        *(miss.booking_id for miss in decision.miss),
        *(cancel.booking_id for cancel in decision.cancel),
        *decision.unchanged,
        *decision.delayed,
    ]
    assert len(named) == len(set(named))
    live = {s.booking_id for s in known.stays if s.cancelled is None and not s.window.is_over(now)}
    inside = {s.booking_id for s in known.stays if s.window.contains(now)}
    lost = set(decision.held.lost) if decision.held else set()
    assert live <= set(named) | inside | lost


@given(histories)
def test_no_two_live_bookings_stand_for_one_entry(history: list[tuple[FeedReading | FeedDoubt, int]]) -> None:
    known, now = play(history, FeedKnowledge())
    keys = [s.said.stay_key for s in known.stays if s.cancelled is None and not s.window.is_over(now)]
    assert len(keys) == len(set(keys))
