"""The laws of belief: writes widen it, readings narrow it, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.simulated import T0, declare, digits, hours
from tests.model.strategies import HOLDS_DISABLED, examples

from lockstep.model.belief import (
    Belief,
    after_done,
    after_refusal,
    after_unknown,
    is_proven,
    narrow,
    widen,
)
from lockstep.model.capabilities import Capabilities, Evidence, ReadBack, Schedule, ScheduleKind
from lockstep.model.declared import ABSENT, OTHER, Spec, carried, revision_of
from lockstep.model.seen import Seen
from lockstep.model.window import Window

SETTLING = timedelta(seconds=10)
LATE = timedelta(minutes=5)
LOCK = Capabilities(settling=SETTLING, late_apply=LATE)
VERSIONED = replace(LOCK, read_back=ReadBack.VERSION)
EXISTING = replace(LOCK, read_back=ReadBack.EXISTS)
UNREAD = replace(LOCK, read_back=ReadBack.NONE, best_evidence=Evidence.ACCEPTED)
SPECS: dict[int, Spec] = {n: declare(1, n, n, 20 + n, n).spec for n in (1, 2, 3)}

states = st.sampled_from([ABSENT, OTHER, "1", "2", "3"])
instants = st.integers(0, 900).map(lambda s: T0 + timedelta(seconds=s))
capabilities = st.sampled_from([LOCK, VERSIONED, EXISTING, UNREAD, replace(LOCK, schedule=HOLDS_DISABLED)])


def shown(number: int, reference: str = "id1", evidence: Evidence = Evidence.LISTED, **more: object) -> Seen:
    """What a reading shows where the lock carries revision `number`."""
    spec = SPECS[number]
    return Seen(reference, evidence, spec.fingerprint, window=spec.window, **more)  # type: ignore[arg-type]


readings = st.one_of(
    st.none(),
    st.integers(1, 3).map(shown),
    st.just(Seen("id1", Evidence.LISTED, digits(99))),
    st.just(Seen("id1", Evidence.LISTED, version="v2")),
)


@st.composite
def beliefs(draw: st.DrawFn, lock: Capabilities = LOCK) -> Belief:
    """A belief that writes and readings can lead to on this lock."""
    belief = Belief()
    at = T0
    for _ in range(draw(st.integers(0, 4))):
        at += timedelta(seconds=draw(st.integers(1, 60)))
        step = draw(st.sampled_from(["write", "done", "unknown", "read"]))
        if step == "read":
            belief = narrow(belief, draw(readings), at, SPECS, lock)
            continue
        state = draw(st.sampled_from(["1", "2", "3", ABSENT]))
        belief = widen(belief, state, "id1", lock, at + timedelta(seconds=5))
        if step == "done":
            belief = after_done(belief, state, "id1", "v1", Evidence.LISTED, lock, at)
        if step == "unknown":
            belief = after_unknown(belief, at, lock)
    return belief


believed = capabilities.flatmap(lambda lock: st.tuples(st.just(lock), beliefs(lock)))
"""A lock, and what is believed of an entry on it."""


@examples(150)
@given(believed, states, instants)
def test_a_write_widens(on: tuple[Capabilities, Belief], state: str, at: datetime) -> None:
    lock, belief = on
    wider = widen(belief, state, "id9", lock, at + timedelta(hours=1))
    assert wider.possible == belief.possible | {state}
    assert wider.references > belief.references - {"id9"}
    assert not is_proven(wider, state, lock) or lock.read_back is ReadBack.NONE


@examples(150)
@given(believed, instants, instants)
def test_an_unknown_outcome_leaves_it_as_wide_as_it_was(
    on: tuple[Capabilities, Belief], begun: datetime, ended: datetime
) -> None:
    lock, belief = on
    wider = widen(belief, "1", None, lock, begun)
    unknown = after_unknown(wider, ended, lock, horizon=timedelta(hours=1))
    assert unknown.possible == wider.possible
    assert unknown.may_appear_late(ended + timedelta(minutes=59))
    assert unknown.tried == (*belief.tried, "1")


@examples(120)
@given(believed, readings, instants)
def test_reading_the_same_again_changes_nothing(
    on: tuple[Capabilities, Belief], seen: Seen | None, at: datetime
) -> None:
    lock, belief = on
    once = narrow(belief, seen, at, SPECS, lock)
    assert narrow(once, seen, at, SPECS, lock) == once


@examples(120)
@given(believed, readings, readings, instants, instants)
def test_an_older_reading_that_comes_later_changes_nothing(
    on: tuple[Capabilities, Belief], one: Seen | None, other: Seen | None, at: datetime, later: datetime
) -> None:
    lock, belief = on
    at, later = sorted([at, later])
    if at == later:
        return
    first = narrow(belief, other, later, SPECS, lock)
    assert narrow(first, one, at, SPECS, lock) == first or first == belief


@examples(120)
@given(beliefs(), readings, readings, instants, instants)
def test_where_content_is_read_the_last_reading_alone_decides(
    belief: Belief, one: Seen | None, other: Seen | None, at: datetime, later: datetime
) -> None:
    at, later = sorted([at, later])
    directly = narrow(belief, other, later, SPECS, LOCK)
    by_way = narrow(narrow(belief, one, at, SPECS, LOCK), other, later, SPECS, LOCK)
    if at < later and directly.read_at == later and (other is None or other.fingerprint is not None):
        assert by_way.possible == directly.possible


@examples(120)
@given(believed, readings, instants)
def test_a_reading_begun_before_the_last_write_has_settled_changes_nothing(
    on: tuple[Capabilities, Belief], seen: Seen | None, at: datetime
) -> None:
    lock, belief = on
    written = after_done(widen(belief, "1", "id1", lock, at), "1", "id1", None, Evidence.LISTED, lock, at)
    for early in (at - SETTLING, at, at + SETTLING - timedelta(microseconds=1)):
        assert narrow(written, seen, early, SPECS, lock) == written


@examples(120)
@given(beliefs(), readings, instants)
def test_a_reading_that_counts_narrows_to_what_it_shows(
    belief: Belief, seen: Seen | None, at: datetime
) -> None:
    after = narrow(belief, seen, at, SPECS, LOCK)
    if after == belief:
        return
    if seen is None:
        assert after.possible == {ABSENT}
    elif seen.fingerprint is not None:
        fits = {str(n) for n, s in SPECS.items() if s.fingerprint == seen.fingerprint}
        assert after.possible == (fits or {OTHER})
        assert after.references == {seen.reference}


def test_a_code_is_proven_only_by_a_reading_begun_after_the_write() -> None:
    written = after_done(widen(Belief(), "1", None, LOCK, T0), "1", "id1", None, Evidence.LISTED, LOCK, T0)
    assert not is_proven(written, "1", LOCK)
    assert not written.has_settled(LOCK, hours(5))
    read = narrow(written, shown(1), T0 + SETTLING, SPECS, LOCK)
    assert is_proven(read, "1", LOCK)
    assert read.has_settled(LOCK, T0 + SETTLING)
    assert (read.tried, read.late_until) == ((), None)


def test_a_listing_does_not_prove_where_the_device_can_acknowledge() -> None:
    lock = replace(LOCK, best_evidence=Evidence.ACKNOWLEDGED)
    written = widen(Belief(), "1", "id1", lock, T0)
    listed = narrow(written, shown(1), T0 + SETTLING, SPECS, lock)
    assert listed.possible == {"1"}
    assert not is_proven(listed, "1", lock)
    acknowledged = narrow(listed, shown(1, evidence=Evidence.ACKNOWLEDGED), hours(1), SPECS, lock)
    assert is_proven(acknowledged, "1", lock)


def test_a_lock_whose_codes_can_be_seen_used_is_proven_before_anybody_used_them() -> None:
    lock = replace(LOCK, best_evidence=Evidence.USED)
    read = narrow(
        widen(Belief(), "1", "id1", lock, T0), shown(1, evidence=Evidence.ACKNOWLEDGED), hours(1), SPECS, lock
    )
    assert is_proven(read, "1", lock)


def test_where_nothing_can_be_read_the_vendors_word_is_the_proof() -> None:
    written = widen(Belief(), "1", "slot1", UNREAD, T0)
    assert written.possible == {ABSENT, "1"}
    done = after_done(written, "1", "slot1", None, Evidence.ACCEPTED, UNREAD, T0)
    assert is_proven(done, "1", UNREAD)
    assert done.tried == ()
    gone = after_done(
        widen(done, ABSENT, None, UNREAD, hours(1)), ABSENT, None, None, Evidence.ACCEPTED, UNREAD, hours(1)
    )
    assert is_proven(gone, ABSENT, UNREAD)
    assert gone.references == frozenset()


def test_a_refusal_puts_back_what_was_and_counts_as_a_try() -> None:
    before = narrow(widen(Belief(), "1", "id1", LOCK, T0), shown(1), hours(1), SPECS, LOCK)
    wider = widen(before, "2", None, LOCK, hours(2))
    after = after_refusal(wider, before.possible, before.last_write_at)
    assert is_proven(after, "1", LOCK)
    assert (after.attempts_at("2"), after.late_until, after.references) == (1, None, before.references)
    first = after_refusal(widen(Belief(), "1", "slot4", LOCK, T0), frozenset({ABSENT}), None)
    assert (first.only, first.references, first.attempts) == (ABSENT, frozenset(), 1)


def test_of_two_writes_without_an_answer_one_may_still_come_after_the_other_was_seen() -> None:
    belief = Belief()
    for n in (0, 1):
        at = T0 + timedelta(minutes=n)
        belief = after_unknown(widen(belief, "1", None, LOCK, at), at, LOCK)
        if n == 0:
            belief = narrow(belief, None, at + SETTLING, SPECS, LOCK)
            assert belief.possible == {ABSENT}
            assert belief.late_until == T0 + LATE
    seen = narrow(belief, shown(1), T0 + timedelta(minutes=2), SPECS, LOCK)
    assert seen.possible == {"1"}
    assert seen.late_until == T0 + timedelta(minutes=1) + LATE
    later = narrow(seen, shown(1), T0 + timedelta(minutes=1) + LATE, SPECS, LOCK)
    assert (later.late_until, later.tried) == (None, ())


def test_an_earlier_write_with_a_longer_horizon_outlives_a_later_answer() -> None:
    first = after_unknown(widen(Belief(), "1", None, LOCK, T0), T0, LOCK, horizon=timedelta(hours=3))
    second = widen(first, "2", None, LOCK, hours(1))
    done = after_done(second, "2", "id2", None, Evidence.LISTED, LOCK, hours(1))
    assert done.late_until == hours(3)


def test_tries_are_counted_for_each_state_and_forgotten_once_it_is_seen() -> None:
    belief = Belief(tried=("1", "1", ABSENT), late_until=T0)
    assert (belief.attempts_at("1"), belief.attempts_at(ABSENT), belief.attempts) == (2, 1, 3)
    gone = narrow(belief, None, hours(1), SPECS, LOCK)
    assert gone.tried == ("1", "1"), "a step on the way does not forgive the goal"
    there = narrow(replace(gone, tried=("1", "1", "2")), shown(2), hours(2), SPECS, LOCK)
    assert there.tried == ()


@pytest.mark.parametrize(
    ("possible", "accepted", "seen", "after"),
    [
        ({ABSENT, "1"}, None, Seen("x", Evidence.LISTED), {"1"}),
        ({"1", "2"}, None, Seen("x", Evidence.LISTED), {"1", "2"}),
        ({"1", "2"}, "2", Seen("x", Evidence.LISTED), {"2"}),
        ({ABSENT}, None, Seen("x", Evidence.LISTED), {"1", "2", "3"}),
        ({"1", OTHER}, None, Seen("x", Evidence.LISTED), {"1", OTHER}),
        ({"1", OTHER}, "1", Seen("x", Evidence.LISTED), {"1"}),
        ({OTHER}, None, Seen("x", Evidence.LISTED), {OTHER}),
        ({"1"}, "1", Seen("x", Evidence.LISTED, version="v7"), {"1"}),
        ({"1"}, "1", Seen("x", Evidence.LISTED, version="v8"), {OTHER}),
        ({"1", "2"}, None, Seen("x", Evidence.LISTED, version="v7"), {"1", "2"}),
    ],
    ids=[
        "it exists, so the write arrived",
        "it exists, which of two nobody can tell",
        "it exists, and the last one was accepted",
        "it exists though nothing was thought to: any revision",
        "it exists, and may be what somebody else made of it",
        "it exists, and we wrote over what somebody else made of it",
        "somebody else's edit stays one until it is written over",
        "the version that we were given",
        "another version: somebody else changed it",
        "a version of an unknown write tells nothing",
    ],
)
def test_what_a_reading_without_digits_leaves_possible(
    possible: set[str], accepted: str | None, seen: Seen, after: set[str]
) -> None:
    belief = Belief(frozenset(possible), accepted=accepted, version="v7")
    lock = VERSIONED if seen.version else EXISTING
    assert narrow(belief, seen, hours(1), SPECS, lock).possible == after


def test_a_version_that_was_not_told_is_taken_from_the_first_reading() -> None:
    written = widen(Belief(), "1", None, VERSIONED, T0)
    done = after_done(written, "1", "id1", None, Evidence.LISTED, VERSIONED, T0)
    read = narrow(done, Seen("id1", Evidence.LISTED, version="v5"), hours(1), SPECS, VERSIONED)
    assert read.version == "v5"
    edited = narrow(read, Seen("id1", Evidence.LISTED, version="v6"), hours(2), SPECS, VERSIONED)
    assert edited.possible == {OTHER}


def test_after_a_write_without_an_answer_too_another_version_is_somebody_elses() -> None:
    written = widen(Belief(), "1", None, VERSIONED, T0)
    proven = narrow(
        after_unknown(written, T0, VERSIONED, timedelta(0)),
        Seen("id1", Evidence.LISTED, version="v5"),
        hours(1),
        SPECS,
        VERSIONED,
    )
    edited = narrow(proven, Seen("id1", Evidence.LISTED, version="v6"), hours(2), SPECS, VERSIONED)
    assert (proven.only, edited.possible, edited.overwritten) == ("1", frozenset({OTHER}), 1)


def test_the_version_of_a_write_of_ours_that_came_late_is_nobody_elses_doing() -> None:
    first = after_unknown(widen(Belief(), "1", None, VERSIONED, T0), T0, VERSIONED, timedelta(hours=1))
    second = after_unknown(widen(first, "1", "id1", VERSIONED, T0), T0, VERSIONED, timedelta(hours=1))
    proven = narrow(second, Seen("id1", Evidence.LISTED, version="v5"), hours(0.5), SPECS, VERSIONED)
    late = narrow(proven, Seen("id1", Evidence.LISTED, version="v6"), hours(2), SPECS, VERSIONED)
    # It is written once more, to be sure; but nobody is said to have changed it.
    assert (proven.only, late.possible, late.overwritten) == ("1", frozenset({OTHER}), 0)


def test_a_start_that_the_vendor_clamped_is_no_difference() -> None:
    clamped = replace(shown(1), window=Window(hours(1.5), SPECS[1].window.ends_at))
    assert narrow(Belief(), clamped, hours(2), SPECS, LOCK).possible == {"1"}
    moved = replace(shown(1), window=Window(hours(1), hours(30)))
    assert narrow(Belief(), moved, hours(2), SPECS, LOCK).possible == {OTHER}


def test_steps_of_the_vendor_are_no_difference() -> None:
    spec = Spec(digits(1), Window(hours(1.25), hours(2.5)), "", frozenset({"lock"}))
    lock = replace(LOCK, schedule=Schedule(granularity=timedelta(hours=1)))
    seen = Seen("id1", Evidence.LISTED, digits(1), window=Window(hours(1), hours(3)))
    assert narrow(Belief(), seen, hours(0), {1: spec}, lock).possible == {"1"}


def test_windows_that_a_lock_shows_but_does_not_obey_are_no_difference() -> None:
    lock = replace(LOCK, schedule=Schedule(ScheduleKind.NONE))
    seen = Seen("id1", Evidence.LISTED, digits(1), window=Window(hours(-999), hours(999)))
    assert narrow(Belief(), seen, hours(0), SPECS, lock).possible == {"1"}


def test_a_disabled_code_and_an_enabled_one_are_told_apart() -> None:
    lock = replace(LOCK, schedule=HOLDS_DISABLED)
    off = narrow(Belief(), Seen("s", Evidence.LISTED, digits(1), is_enabled=False), hours(0), SPECS, lock)
    assert off.possible == {"1-"}
    assert revision_of("1-") == 1
    assert carried(1, is_enabled=False) == "1-"


def proven(revision: int = 1) -> Belief:
    return narrow(
        widen(Belief(), str(revision), "id1", LOCK, T0), shown(revision), T0 + SETTLING, SPECS, LOCK
    )


@pytest.mark.parametrize(
    ("seen", "at", "times"),
    [
        (shown(1), hours(2), 0),
        (Seen("id1", Evidence.LISTED, digits(99)), hours(2), 1),
        (None, hours(2), 1),
        (None, hours(40), 0),
    ],
    ids=["unchanged", "other digits", "removed", "put away by the lock after its end"],
)
def test_what_somebody_else_does_to_a_proven_code_is_counted(
    seen: Seen | None, at: datetime, times: int
) -> None:
    after = narrow(proven(), seen, at, SPECS, LOCK)
    assert after.overwritten == times
    assert after.overwritten_at == (at if times else None)


def test_being_overwritten_counts_on_only_within_a_day() -> None:
    endless = {1: replace(SPECS[1], window=Window(hours(1)))}
    seen = replace(shown(1), window=endless[1].window)
    belief = replace(
        narrow(widen(Belief(), "1", "id1", LOCK, T0), seen, hours(1), endless, LOCK),
        overwritten=2,
        overwritten_at=hours(2),
    )
    assert narrow(belief, None, hours(26), endless, LOCK).overwritten == 3
    assert narrow(belief, None, hours(27), endless, LOCK).overwritten == 1


def test_our_own_removal_is_no_edit_by_somebody_else() -> None:
    removed = widen(proven(), ABSENT, None, LOCK, hours(1))
    after = narrow(removed, None, hours(2), SPECS, LOCK)
    assert (after.overwritten, after.only, after.references) == (0, ABSENT, frozenset())


def test_a_belief_says_only_what_it_knows() -> None:
    assert Belief().only == ABSENT
    assert Belief(frozenset({"1", "2"})).only is None
    assert not Belief().may_be_present
    assert Belief(frozenset({ABSENT, "1"})).may_be_present
    assert is_proven(Belief(), ABSENT, LOCK)
    assert not is_proven(Belief(frozenset({"1"})), "1", LOCK)
