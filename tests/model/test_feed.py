"""Feeds as stories: what a reading creates, changes, misses, cancels, and when it is not believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.model.feed_followed import follow

from lockstep.model.feed import (
    Echo,
    ElsewhereStay,
    FeedDecision,
    FeedDoubt,
    FeedFault,
    FeedKnowledge,
    FeedPolicy,
    FeedReading,
    FeedStay,
    Hold,
    KnownStay,
)
from lockstep.model.feed_decision import decide, needs_whole_feed
from lockstep.model.stay_window import HouseTimes, stay_window
from lockstep.model.window import Window

HOUSE = HouseTimes("Europe/Lisbon")
POLICY = FeedPolicy()
JUNE = datetime(2025, 6, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def entry(uid: str, arrives: int, departs: int, **more: Any) -> FeedStay:
    """A stay in June 2025, by the days of the month."""
    first, last = (date(2025, 6, 1) + timedelta(days=day - 1) for day in (arrives, departs))
    return FeedStay(uid, first, last, stay_window(first, last, HOUSE), **more)


def closed(uid: str, arrives: int, departs: int) -> FeedStay:
    return entry(uid, arrives, departs, kind="unclear", keeps_uid=False)


def booked(stay: FeedStay, booking: str = "", **more: Any) -> KnownStay:
    return KnownStay(booking or f"b-{stay.uid}", stay, more.pop("window", stay.window), **more)


def elsewhere(stay: FeedStay) -> ElsewhereStay:
    return ElsewhereStay(f"e-{stay.uid}", stay.kind, stay.arrives, stay.departs, stay.window)


def read(*stays: FeedStay) -> FeedReading:
    return FeedReading("other", stays)


def know(*stays: KnownStay, **more: Any) -> FeedKnowledge:
    return FeedKnowledge(stays, **more)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2025, 6, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)


def warned(decision: FeedDecision) -> list[str]:
    return [warning.code for warning in decision.warnings]


def cancelled(decision: FeedDecision) -> dict[str, str]:
    return {cancel.booking_id: cancel.why for cancel in decision.cancel}


def quiet(decision: FeedDecision) -> bool:
    return not (decision.create or decision.change or decision.adopt or decision.miss or decision.cancel)


FIVE = [entry(uid, day, day + 2) for uid, day in (("a", 3), ("b", 6), ("c", 9), ("d", 12), ("e", 15))]


def test_every_new_stay_becomes_a_booking() -> None:
    decision = decide(know(), read(*FIVE), POLICY, JUNE)
    assert [made.stay.uid for made in decision.create] == ["a", "b", "c", "d", "e"]


def test_a_stay_that_is_over_or_a_block_or_cancelled_becomes_none() -> None:
    stays = entry("past", -9, -4), entry("block", 3, 5, kind="block"), entry("off", 6, 8, is_cancelled=True)
    assert quiet(decide(know(), read(*stays), POLICY, JUNE))


def test_a_guest_who_is_inside_at_the_first_reading_gets_a_booking() -> None:
    assert decide(know(), read(entry("a", -2, 4)), POLICY, JUNE).create


def test_an_unchanged_feed_does_nothing() -> None:
    decision = decide(know(*map(booked, FIVE)), read(*FIVE), POLICY, JUNE)
    assert quiet(decision)
    assert decision.unchanged == ("b-a", "b-b", "b-c", "b-d", "b-e")


@pytest.mark.parametrize(
    ("arrives", "departs"),
    [(3, 7), (3, 4), (4, 5), (2, 5), (20, 24)],
    ids=["extend", "shorten", "late", "early", "move"],
)
def test_other_dates_move_the_window_of_the_same_booking(arrives: int, departs: int) -> None:
    moved = entry("a", arrives, departs)
    decision = decide(know(booked(FIVE[0])), read(moved), POLICY, JUNE)
    (change,) = decision.change
    assert (change.booking_id, change.window, change.said) == ("b-a", moved.window, moved)
    assert change.parts == {"window", "entry"}
    assert not decision.create


def test_another_name_changes_the_guest_and_not_the_window() -> None:
    known = booked(entry("a", 3, 5, guest_name="Ana"))
    (change,) = decide(know(known), read(entry("a", 3, 5, guest_name="Ana Lima")), POLICY, JUNE).change
    assert change.parts == {"guest", "entry"}


def test_what_a_platform_leaves_out_later_is_kept() -> None:
    known = booked(entry("a", 3, 5, phone_last4="1234", reservation_code="HMABC"))
    assert quiet(decide(know(known), read(entry("a", 3, 5)), POLICY, JUNE))


def test_an_erased_guest_is_not_taken_from_the_feed_again() -> None:
    known = booked(entry("a", 3, 5), is_erased=True)
    assert quiet(decide(know(known), read(entry("a", 3, 5, guest_name="Ana")), POLICY, JUNE))


def test_a_vanished_stay_cancels_only_after_three_good_readings_over_45_minutes() -> None:
    stays = know(*map(booked, FIVE))
    told: list[str] = []
    for reading in range(4):
        decision = decide(stays, read(*FIVE[1:]), POLICY, JUNE + reading * QUARTER)
        told.append("cancel" if decision.cancel else f"miss {decision.miss[0].misses}")
        stays = follow(stays, decision)
    assert told == ["miss 1", "miss 2", "miss 3", "cancel"]


def test_many_readings_within_a_minute_cancel_nothing() -> None:
    stays = know(*map(booked, FIVE))
    for second in range(20):
        decision = decide(stays, read(*FIVE[1:]), POLICY, JUNE + timedelta(seconds=second))
        assert not decision.cancel
        stays = follow(stays, decision)


def test_a_stay_that_comes_back_counts_from_none_again() -> None:
    missing = booked(FIVE[0], misses=2, missing_since=JUNE - 2 * QUARTER)
    decision = decide(know(missing, *map(booked, FIVE[1:])), read(*FIVE), POLICY, JUNE)
    assert "b-a" in decision.unchanged


def test_a_stay_that_turned_into_a_block_vanishes_like_any_other() -> None:
    turned = replace(FIVE[0], kind="block")
    (miss,) = decide(know(*map(booked, FIVE)), read(turned, *FIVE[1:]), POLICY, JUNE).miss
    assert miss.booking_id == "b-a"


def test_a_stay_cancelled_in_so_many_words_is_cancelled_at_once() -> None:
    off = replace(FIVE[0], is_cancelled=True)
    assert cancelled(decide(know(booked(FIVE[0])), read(off), POLICY, JUNE)) == {"b-a": "said"}


def test_a_stay_that_moves_into_the_past_vanishes_like_any_other() -> None:
    decision = decide(know(*map(booked, FIVE)), read(entry("a", -362, -360), *FIVE[1:]), POLICY, JUNE)
    assert [miss.booking_id for miss in decision.miss] == ["b-a"]
    assert not decision.change


def test_a_cancellation_of_one_stay_never_reaches_another_under_the_same_uid() -> None:
    one, two = entry("u", 3, 5), entry("u", 10, 12, instance="2")
    off = replace(one, is_cancelled=True)
    known = know(booked(one, "b1", cancelled="feed"), booked(two, "b2"), booked(FIVE[0]))
    decision = decide(known, read(off, FIVE[0]), POLICY, JUNE)
    assert not decision.cancel
    assert [miss.booking_id for miss in decision.miss] == ["b2"]


def test_an_entry_that_cannot_be_read_has_not_vanished() -> None:
    fault = FeedFault("a", "DTSTART is no date", "Correct it.", uid="a")
    reading = FeedReading("other", tuple(FIVE[1:]), (fault,))
    decision = decide(know(*map(booked, FIVE)), reading, POLICY, JUNE)
    assert not decision.miss
    assert not decision.held


@pytest.mark.parametrize(
    ("known", "left", "held"),
    [
        (5, 0, "lost_all"),
        (5, 2, "lost_many"),
        (5, 3, None),
        (3, 1, "lost_many"),
        (3, 2, None),
        (2, 1, None),
        (1, 0, "lost_all"),
    ],
)
def test_losing_more_than_half_of_three_or_all_is_held(known: int, left: int, held: str | None) -> None:
    decision = decide(know(*map(booked, FIVE[:known])), read(*FIVE[:left]), POLICY, JUNE)
    assert (decision.held.code if decision.held else None) == held
    assert not decision.cancel
    assert len(decision.miss) == (0 if held else known - left)


def test_stays_past_their_departure_do_not_count_as_lost() -> None:
    over = [booked(entry(f"o{n}", -20 + 3 * n, -18 + 3 * n)) for n in range(5)]
    decision = decide(know(*over, *map(booked, FIVE[:2])), read(*FIVE[:2]), POLICY, JUNE)
    assert quiet(decision)
    assert decision.held is None


def test_a_stay_that_leaves_the_feed_on_its_last_morning_is_no_loss() -> None:
    decision = decide(know(booked(entry("a", -2, 1))), read(), POLICY, at(1, 8))
    assert quiet(decision)
    assert decision.held is None


def test_losses_add_up_while_they_wait() -> None:
    missing = booked(FIVE[0], misses=1, missing_since=JUNE)
    decision = decide(know(missing, *map(booked, FIVE[1:3])), read(FIVE[2]), POLICY, JUNE + QUARTER)
    assert decision.held is not None
    assert decision.held.lost == ("b-a", "b-b")


def test_many_cancellations_at_once_are_held_though_said_in_words() -> None:
    off = [replace(stay, is_cancelled=True) for stay in FIVE[:3]]
    decision = decide(know(*map(booked, FIVE)), read(*off, *FIVE[3:]), POLICY, JUNE)
    assert decision.held is not None
    assert not decision.cancel


HELD = Hold("lost_all", JUNE, tuple(f"b-{stay.uid}" for stay in FIVE), 5)


def test_a_held_feed_stays_held_until_released_though_all_is_back() -> None:
    decision = decide(know(*map(booked, FIVE), hold=HELD), read(*FIVE), POLICY, JUNE + QUARTER)
    assert decision.held == replace(HELD, lost=())


def test_a_held_feed_counts_no_misses_however_long() -> None:
    stays = know(*map(booked, FIVE), hold=HELD)
    for reading in range(200):
        decision = decide(stays, read(), POLICY, JUNE + reading * QUARTER)
        assert quiet(decision)
        stays = follow(stays, decision)


def test_a_held_feed_adds_and_extends_but_does_not_shorten() -> None:
    known = know(*map(booked, FIVE), hold=HELD)
    reading = read(entry("a", 3, 6), entry("b", 6, 7), entry("c", 10, 12), entry("new", 20, 22))
    decision = decide(known, reading, POLICY, JUNE)
    assert [change.booking_id for change in decision.change] == ["b-a"]
    assert decision.delayed == ("b-b", "b-c")
    assert [made.stay.uid for made in decision.create] == ["new"]


def test_confirmed_losses_are_cancelled_by_the_next_reading_and_spare_the_rest() -> None:
    known = know(*map(booked, FIVE), confirmed_losses=frozenset({"b-a", "b-b", "b-c"}))
    decision = decide(known, read(*FIVE[3:]), POLICY, JUNE)
    assert cancelled(decision) == {"b-a": "confirmed", "b-b": "confirmed", "b-c": "confirmed"}
    assert decision.held is None


def test_a_confirmed_loss_that_is_back_is_not_cancelled() -> None:
    known = know(*map(booked, FIVE), confirmed_losses=frozenset(HELD.lost))
    assert quiet(decide(known, read(*FIVE), POLICY, JUNE))


def test_a_feed_released_while_still_empty_is_held_again() -> None:
    assert decide(know(*map(booked, FIVE)), read(), POLICY, JUNE).held is not None


def test_a_doubt_changes_nothing_and_keeps_what_was_remembered() -> None:
    echoes = frozenset({Echo("x", None, date(2025, 6, 3), date(2025, 6, 5))})
    doubt = FeedDoubt("feed_truncated", "It ends in the middle.", "It is read again.")
    decision = decide(know(*map(booked, FIVE), hold=HELD, echoes=echoes), doubt, POLICY, JUNE)
    assert quiet(decision)
    assert (decision.held, decision.echoes, decision.doubt) == (HELD, echoes, doubt)


INSIDE = entry("a", 1, 6)
NOON = at(3)


@pytest.mark.parametrize("how", ["vanished", "cancelled", "confirmed"])
def test_a_guest_who_is_inside_is_never_revoked_by_a_feed(how: str) -> None:
    stays = {"cancelled": [replace(INSIDE, is_cancelled=True)]}.get(how, [])
    losses = frozenset({"b-a"}) if how == "confirmed" else frozenset()
    missing = booked(INSIDE, misses=9, missing_since=at(1))
    decision = decide(know(missing, confirmed_losses=losses), read(*stays), POLICY, NOON)
    assert quiet(decision)
    assert decision.held is None


@pytest.mark.parametrize(
    ("arrives", "departs", "ends_on"),
    [(1, 9, 9), (1, 4, 4), (3, 6, 6), (5, 6, 6), (-5, 6, 6), (1, 2, 6), (3, 8, 8)],
    ids=[
        "later",
        "earlier-but-ahead",
        "start-today",
        "start-ahead",
        "start-before",
        "end-past",
        "today-and-later",
    ],
)
def test_while_a_guest_is_inside_only_an_end_still_ahead_is_followed(
    arrives: int, departs: int, ends_on: int
) -> None:
    decision = decide(know(booked(INSIDE)), read(entry("a", arrives, departs)), POLICY, NOON)
    window = decision.change[0].window if decision.change else INSIDE.window
    assert window == Window(INSIDE.window.starts_at, entry("x", 1, ends_on).window.ends_at)
    assert warned(decision) == (["departure_past"] if departs == 2 else [])


def test_a_start_that_moves_to_today_day_after_day_under_new_uids_is_no_change() -> None:
    stays = know(booked(closed("u1", 1, 6), "b"))
    for day in range(2, 6):
        decision = decide(stays, read(closed(f"u{day}", day, 6)), POLICY, at(day))
        (change,) = decision.change
        assert (change.booking_id, change.window) == ("b", INSIDE.window)
        assert change.parts == {"entry"}
        assert not decision.create
        stays = follow(stays, decision)
    assert quiet(decide(stays, read(closed("u5", 5, 6)), POLICY, at(5)))


def test_a_new_uid_with_another_departure_is_another_booking() -> None:
    decision = decide(know(booked(closed("u1", 10, 14), "b")), read(closed("u2", 10, 15)), POLICY, JUNE)
    assert [made.stay.uid for made in decision.create] == ["u2"]
    assert decision.held is not None


def test_a_new_uid_where_the_platform_keeps_uids_is_another_booking() -> None:
    known = [booked(entry("u1", 10, 14), "b"), booked(FIVE[0])]
    decision = decide(know(*known), read(entry("u2", 10, 14), FIVE[0]), POLICY, JUNE)
    assert [made.stay.uid for made in decision.create] == ["u2"]
    assert [miss.booking_id for miss in decision.miss] == ["b"]


def test_the_same_guest_back_to_back_stays_two_bookings() -> None:
    pair = [closed("u1", 3, 5), closed("u2", 5, 8)]
    assert len(decide(know(), read(*pair), POLICY, JUNE).create) == 2
    moved = [closed("u3", 4, 5), closed("u4", 5, 8)]
    decision = decide(know(*map(booked, pair)), read(*moved), POLICY, at(4, 9))
    assert {change.booking_id: change.said.uid for change in decision.change} == {"b-u1": "u3", "b-u2": "u4"}


def test_a_stay_that_the_feed_cancelled_and_shows_again_is_a_booking_of_its_own() -> None:
    known = booked(FIVE[0], cancelled="feed")
    (made,) = decide(know(known), read(FIVE[0]), POLICY, JUNE).create
    assert made.again == "b-a"


def test_a_stay_cancelled_by_hand_is_not_made_again() -> None:
    assert quiet(decide(know(booked(FIVE[0], cancelled="hand")), read(FIVE[0]), POLICY, JUNE))
    rolled = know(booked(closed("u1", 3, 5), cancelled="hand"))
    assert quiet(decide(rolled, read(closed("u2", 3, 5)), POLICY, JUNE))


@pytest.mark.parametrize(
    "past", [{"cancelled": "hand"}, {"cancelled": "feed"}, {}], ids=["hand", "feed", "over"]
)
def test_a_uid_used_for_the_next_guest_makes_a_new_booking(past: dict[str, Any]) -> None:
    known = know(booked(entry("room-1", -5, -2) if not past else entry("room-1", 3, 5), **past))
    (made,) = decide(known, read(entry("room-1", 10, 12)), POLICY, JUNE).create
    assert made.again is None


def test_an_extension_told_after_the_departure_lets_the_guest_in_again() -> None:
    (change,) = decide(know(booked(entry("a", -5, 1))), read(entry("a", -5, 3)), POLICY, at(1, 14)).change
    assert change.window.ends_at == entry("x", 1, 3).window.ends_at


def test_an_operators_edit_stays_until_the_feed_says_something_new() -> None:
    longer = Window(FIVE[0].window.starts_at, FIVE[0].ends_at + timedelta(hours=3))
    known = know(booked(FIVE[0], window=longer))
    assert quiet(decide(known, read(FIVE[0]), POLICY, JUNE))
    decision = decide(known, read(entry("a", 3, 6)), POLICY, JUNE)
    assert decision.change[0].window == entry("a", 3, 6).window
    assert warned(decision) == ["edit_replaced"]


@pytest.mark.parametrize(
    ("rule", "made", "waiting"),
    [("all", ["long", "short"], []), ("short", ["short"], ["long"]), ("by_hand", [], ["long", "short"])],
)
def test_where_a_platform_does_not_tell_the_operators_rule_decides(
    rule: Any, made: list[str], waiting: list[str]
) -> None:
    reading = read(closed("short", 3, 6), closed("long", 10, 400))
    decision = decide(know(), reading, FeedPolicy(unclear_entries=rule), JUNE)
    assert sorted(creation.stay.uid for creation in decision.create) == made
    assert sorted(stay.uid for stay in decision.waiting) == waiting
    accepted = know(accepted=frozenset({("long", None), ("short", None)}))
    assert len(decide(accepted, reading, FeedPolicy(unclear_entries=rule), JUNE).create) == 2


def test_the_same_uid_twice_is_two_stays_that_keep_apart_when_one_moves() -> None:
    one, two = entry("u", 3, 5, instance="2025-06-03"), entry("u", 10, 12, instance="2025-06-10")
    known = know(booked(one, "b1"), booked(two, "b2"))
    moved = entry("u", 4, 6, instance="2025-06-04")
    decision = decide(known, read(moved, two), POLICY, JUNE)
    assert [(change.booking_id, change.said) for change in decision.change] == [("b1", moved)]
    alone = decide(know(booked(two, "b2")), read(entry("u", 20, 22)), POLICY, JUNE)
    assert [change.booking_id for change in alone.change] == ["b2"]


def test_an_entry_that_makes_no_booking_moves_none_when_the_others_of_its_uid_are_booked() -> None:
    inside, over, new = entry("u", -4, 1, instance="1"), entry("u", -7, -5), entry("u", 3, 5, instance="2")
    known = know(booked(inside, "b1"))
    now = at(1, 8)
    first = decide(known, read(over, new), POLICY, now)
    assert [made.stay for made in first.create] == [new]
    assert quiet(decide(follow(known, first), read(over, new), POLICY, now))


def test_the_entry_that_cancelled_a_booking_never_goes_on_to_cancel_the_next_under_its_uid() -> None:
    one, two = entry("u", 3, 5, instance="1"), entry("u", 6, 9, instance="2")
    off = entry("u", 6, 9, instance="1", is_cancelled=True)
    known, reading = know(booked(one, "b1"), booked(two, "b2"), booked(FIVE[2])), read(off, FIVE[2])
    unheld = replace(POLICY, hold_above_share=1)
    first = decide(known, reading, unheld, JUNE)
    assert cancelled(first) == {"b1": "said"}
    again = decide(follow(known, first), reading, unheld, JUNE)
    assert not again.cancel
    assert [miss.booking_id for miss in again.miss] == ["b2"]


def test_two_platforms_that_block_each_other_make_one_booking_whichever_is_read_first() -> None:
    reserved, block = entry("airbnb", 3, 7), closed("booking", 3, 7)
    second = decide(know(elsewhere=(elsewhere(reserved),)), read(block), POLICY, JUNE)
    assert quiet(second)
    assert len(second.echoes) == 1
    first = decide(know(elsewhere=(elsewhere(block),)), read(reserved), POLICY, JUNE)
    assert [(adopted.booking_id, adopted.stay) for adopted in first.adopt] == [("e-booking", reserved)]
    assert not first.create


def test_a_closure_made_of_two_neighbouring_stays_repeats_them() -> None:
    others = tuple(elsewhere(entry(uid, start, end)) for uid, start, end in (("a", 3, 5), ("b", 5, 8)))
    assert not decide(know(elsewhere=others), read(closed("x", 3, 8)), POLICY, JUNE).create
    assert decide(know(elsewhere=others), read(closed("x", 3, 9)), POLICY, JUNE).create


def test_a_closure_that_repeated_a_stay_makes_no_booking_when_that_one_is_cancelled() -> None:
    block = closed("booking", 3, 7)
    before = decide(know(elsewhere=(elsewhere(entry("airbnb", 3, 7)),)), read(block), POLICY, JUNE)
    assert quiet(decide(know(echoes=before.echoes), read(block), POLICY, JUNE))
    assert decide(know(echoes=before.echoes), read(closed("anew", 3, 7)), POLICY, JUNE).create


def test_two_stays_on_the_same_nights_are_a_double_booking_and_both_are_made() -> None:
    other = elsewhere(entry("airbnb", 3, 7))
    decision = decide(know(elsewhere=(other,)), read(entry("vrbo", 3, 7)), POLICY, JUNE)
    assert len(decision.create) == 1
    assert warned(decision) == ["overlap"]


def test_a_feed_is_fetched_whole_while_absence_counts() -> None:
    def is_whole(known: FeedKnowledge) -> bool:
        return needs_whole_feed(known, JUNE, POLICY, JUNE)

    assert not is_whole(know(*map(booked, FIVE)))
    assert is_whole(know(booked(FIVE[0], misses=1, missing_since=JUNE)))
    assert is_whole(know(hold=HELD))
    assert is_whole(know(confirmed_losses=frozenset({"b"})))
    assert is_whole(know(accepted=frozenset({("u", None)})))
    assert is_whole(know(elsewhere=(elsewhere(FIVE[0]),)))


@pytest.mark.parametrize(
    ("pull_every", "since_whole", "is_whole"),
    [
        (timedelta(minutes=15), timedelta(minutes=15), False),
        (timedelta(minutes=15), timedelta(hours=23, minutes=45), False),
        (timedelta(minutes=15), timedelta(hours=23, minutes=46), True),
        (timedelta(hours=10), timedelta(hours=10), False),
        (timedelta(hours=10), timedelta(hours=20), True),
        (timedelta(days=1), timedelta(minutes=1), True),
        (timedelta(minutes=15), None, True),
    ],
    ids=["at once", "once more", "else too late", "seldom", "seldom, else too late", "daily", "never yet"],
)
def test_a_feed_is_fetched_whole_at_least_once_a_day(
    pull_every: timedelta, since_whole: timedelta | None, is_whole: bool
) -> None:
    whole_at = None if since_whole is None else JUNE - since_whole
    policy = replace(POLICY, pull_every=pull_every)
    assert needs_whole_feed(know(*map(booked, FIVE)), whole_at, policy, JUNE) is is_whole


def test_what_identifies_a_guest_is_in_no_repr() -> None:
    stay = entry("a", 3, 5, guest_name="Ana Lima", phone_last4="4711", reservation_code="HMSECRET12")
    decision = decide(know(booked(stay)), read(stay, entry("b", 6, 7, guest_name="Rui")), POLICY, JUNE)
    assert not any(secret in repr((stay, decision)) for secret in ("Ana", "4711", "HMSECRET12", "Rui"))
