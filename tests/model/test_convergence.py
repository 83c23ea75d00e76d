"""Whatever becomes of a call, and whoever else edits the lock: it ends right, in bounded writes, at the right time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.simulated import (
    CALL,
    HOUR,
    T0,
    Keeper,
    Luck,
    OnLock,
    SimulatedLock,
    declare,
    digits,
    entry_id,
    expected,
    hours,
)
from tests.model.strategies import JUST_IN_TIME, LOCKS, NAMELESS, READABLE, Story, bad_luck, examples, stories

from lockstep.model.access_code import Standing, is_gone, standing
from lockstep.model.belief import is_proven
from lockstep.model.capabilities import Addressing, Capabilities, NameRules, ReadBack, ScheduleKind
from lockstep.model.declared import ABSENT, due_state
from lockstep.model.plan import MOST_ATTEMPTS, Hold, Kind

CODES = [digits(n) for n in range(1, 6)]


def door(keeper: Keeper) -> dict[UUID, set[UUID | None]]:
    """Whose codes open the door now, without the cleaner's."""
    return {c: who for c in CODES if (who := keeper.lock.opens(c, keeper.now))}


def right(keeper: Keeper) -> dict[UUID, set[UUID]]:
    return expected(keeper.declared, keeper.capabilities, keeper.now, keeper.lock)


def fate(lucks: list[Luck], capabilities: Capabilities) -> Iterator[Luck]:
    """The given luck, then only good. A lie is found out only where digits are read."""
    is_readable = capabilities.read_back is ReadBack.DIGITS
    yield from (Luck.LOST_BEFORE if luck is Luck.LIED and not is_readable else luck for luck in lucks)
    while True:
        yield Luck.WELL


def horizon(keeper: Keeper) -> datetime:
    """From here on nothing of what was written so far can come as a surprise."""
    return keeper.now + keeper.capabilities.late_apply + timedelta(minutes=40)


@examples(100)
@given(stories(), st.lists(bad_luck, max_size=MOST_ATTEMPTS - 1), st.integers(1, 2400))
def test_whatever_becomes_of_a_call_the_door_ends_right_in_bounded_writes(
    story: Story, lucks: list[Luck], late_by: int
) -> None:
    keeper = story.begun()
    untroubled = story.begun()
    story.change(keeper)
    story.change(untroubled)
    keeper.luck = fate(lucks, story.capabilities).__next__
    keeper.late_by = timedelta(seconds=late_by)
    until = horizon(keeper)
    keeper.run(until)
    untroubled.run(until)
    assert door(keeper) == right(keeper)
    assert len(keeper.writes) <= len(untroubled.writes) + 3 * len(lucks)


@examples(80)
@given(stories(READABLE), st.lists(bad_luck, max_size=6), st.integers(1, 2400))
def test_nothing_is_shown_as_set_that_a_reading_would_not_find(
    story: Story, lucks: list[Luck], late_by: int
) -> None:
    keeper = story.begun()
    story.change(keeper)
    keeper.luck = fate(lucks, story.capabilities).__next__
    keeper.late_by = timedelta(seconds=late_by)
    until = horizon(keeper)
    while keeper.look_at <= until:
        keeper.now = keeper.look_at
        keeper.look()
        for id, one in keeper.declared.items():
            is_shown = standing(one, keeper.beliefs[id], story.capabilities, keeper.now) is Standing.PROVEN
            mine = {e.fingerprint for e in keeper.lock.entries.values() if e.owner == id}
            assert not is_shown or one.spec.fingerprint in mine


@examples(100)
@given(stories(), st.lists(bad_luck, max_size=6))
def test_no_luck_brings_two_codes_with_the_same_digits_or_touches_a_stranger(
    story: Story, lucks: list[Luck]
) -> None:
    keeper = story.begun()
    strangers = [e for e in keeper.lock.entries.values() if e.owner is None]
    story.change(keeper)
    keeper.luck = fate(lucks, story.capabilities).__next__

    def check() -> None:
        entries = list(keeper.lock.entries.values())
        assert [e for e in entries if e.owner is None] == strangers
        clashing = [
            (a, b) for a in entries for b in entries if a.owner != b.owner and keeper.lock.clashes(a, b)
        ]
        assert not clashing

    keeper.lock.on_change = check
    keeper.run(horizon(keeper))


@pytest.mark.parametrize("luck", [Luck.LOST_BEFORE, Luck.LIED, Luck.LOST_AFTER])
@pytest.mark.parametrize("name", LOCKS)
def test_what_never_works_is_tried_a_bounded_number_of_times_and_then_given_up(name: str, luck: Luck) -> None:
    keeper = Keeper(SimulatedLock(LOCKS[name]), lambda: luck)
    keeper.declare(declare(1, 1, -1, 900))
    keeper.run(hours(48))
    if luck is Luck.LIED and LOCKS[name].read_back is ReadBack.NONE:
        assert len(keeper.writes) == 1, "a lock that cannot be read is believed"
    elif luck is Luck.LOST_AFTER and LOCKS[name].read_back is not ReadBack.NONE:
        assert len(keeper.writes) == 1, "the reading shows that it worked"
    else:
        assert len(keeper.writes) == MOST_ATTEMPTS
        assert keeper.plan().held() == {entry_id(1): Hold.GIVEN_UP}


def test_a_removal_that_never_works_is_given_up_too() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, -1, 900))
    keeper.run(hours(1))
    keeper.withdraw(1)
    keeper.luck = lambda: Luck.LIED
    keeper.run(hours(48))
    assert [c.kind for _, c, _ in keeper.writes] == [Kind.SET] + [Kind.REMOVE] * MOST_ATTEMPTS


def test_a_new_declaration_gets_its_own_tries() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()), lambda: Luck.LOST_BEFORE)
    keeper.declare(declare(1, 1, -1, 900))
    keeper.run(hours(5))
    keeper.luck = lambda: Luck.WELL
    keeper.declare(declare(1, 2, -1, 900, revision=2))
    keeper.run(hours(6))
    assert door(keeper) == {digits(2): {entry_id(1)}}


@pytest.mark.parametrize("name", [n for n, c in LOCKS.items() if c.read_back is not ReadBack.NONE])
def test_a_withdrawn_entry_that_a_late_write_brings_is_found_and_removed(name: str) -> None:
    keeper = Keeper(SimulatedLock(LOCKS[name]), lambda: Luck.LATE)
    keeper.late_by = LOCKS[name].late_apply
    keeper.declare(declare(1, 1, -1, 900))
    keeper.look()
    assert not keeper.lock.entries
    keeper.luck = lambda: Luck.WELL
    keeper.withdraw(1)
    assert not is_gone(keeper.beliefs[entry_id(1)])
    keeper.run(T0 + LOCKS[name].late_apply + CALL + HOUR)
    assert not keeper.lock.entries
    assert is_gone(keeper.beliefs[entry_id(1)])
    assert [c.kind for _, c, _ in keeper.writes] == [Kind.SET, Kind.REMOVE]


def test_digits_of_a_tombstone_are_not_given_to_another_before_its_horizon() -> None:
    keeper = Keeper(SimulatedLock(LOCKS["slow to apply"]), lambda: Luck.LOST_BEFORE)
    keeper.declare(declare(1, 1, -1, 900))
    keeper.look()
    keeper.luck = lambda: Luck.WELL
    keeper.withdraw(1)
    keeper.declare(declare(2, 1, -1, 900))
    keeper.run(T0 + timedelta(minutes=39))
    assert len(keeper.writes) == 1
    keeper.run(hours(2))
    assert door(keeper) == {digits(1): {entry_id(2)}}


@pytest.mark.parametrize("places", [1, 2])
def test_a_slot_that_a_late_write_may_still_reach_is_not_given_to_another(places: int) -> None:
    slots = Capabilities(addressing=Addressing.SLOT, most_codes=places, late_apply=timedelta(minutes=30))
    keeper = Keeper(SimulatedLock(slots), lambda: Luck.LATE)
    keeper.late_by = timedelta(minutes=20)
    keeper.declare(declare(1, 1, -1, 900))
    keeper.look()
    keeper.luck = lambda: Luck.WELL
    keeper.withdraw(1)
    keeper.declare(declare(2, 2, -1, 900))
    keeper.run(hours(2))
    assert door(keeper) == {digits(2): {entry_id(2)}}
    assert [c.entry_id.int for _, c, _ in keeper.writes] == ([1, 2, 1] if places == 2 else [1, 1, 2])
    assert keeper.lock.refusals == []


edits = st.sampled_from(["digits", "window", "removed", "disabled"])


@examples(80)
@given(stories(READABLE), edits, st.integers(0, 3))
def test_an_edit_made_elsewhere_is_seen_and_put_right(story: Story, edit: str, which: int) -> None:
    keeper = story.begun()
    story.change(keeper)
    keeper.run(keeper.now + timedelta(minutes=2))
    ours = sorted((e for e in keeper.lock.entries.values() if e.owner is not None), key=lambda e: e.reference)
    if not ours:
        return
    edited = ours[which % len(ours)]
    can_tell = not (
        keeper.capabilities.addressing is Addressing.SLOT and not keeper.capabilities.name.is_kept
    )
    if edit == "digits" and can_tell:
        keeper.lock.edit(edited.reference, keeper.now, fingerprint=digits(99))
    elif edit == "window" and keeper.capabilities.schedule.kind is not ScheduleKind.NONE:
        keeper.lock.edit(edited.reference, keeper.now, window=declare(9, 9, -40, 400).spec.window)
    elif edit == "disabled" and keeper.capabilities.schedule.can_hold_disabled:
        keeper.lock.edit(edited.reference, keeper.now, is_enabled=not edited.is_enabled)
    else:
        keeper.lock.remove(edited.reference)
        keeper.lock.remember(keeper.now)
    keeper.run(keeper.now + timedelta(minutes=20))
    assert door(keeper) == right(keeper)


def test_an_edit_by_version_is_seen_although_digits_cannot_be_read() -> None:
    keeper = Keeper(SimulatedLock(LOCKS["read by version"]))
    keeper.declare(declare(1, 1, -1, 900))
    keeper.run(hours(1))
    (mine,) = keeper.lock.entries
    keeper.lock.edit(mine, keeper.now, fingerprint=digits(99))
    keeper.run(hours(2))
    assert door(keeper) == {digits(1): {entry_id(1)}}
    assert keeper.beliefs[entry_id(1)].overwritten == 1


def test_two_systems_that_fight_over_a_code_are_counted() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, -1, 900))
    keeper.run(hours(1))
    for n in range(3):
        (mine,) = keeper.lock.entries
        keeper.lock.edit(mine, keeper.now, fingerprint=digits(99))
        keeper.run(hours(2 + n))
    assert keeper.beliefs[entry_id(1)].overwritten == 3
    assert door(keeper) == {digits(1): {entry_id(1)}}


@examples(80)
@given(stories(), st.integers(0, 15))
def test_readings_that_lag_behind_mislead_nobody(story: Story, lag: int) -> None:
    """The vendor's cloud shows a write only after up to the settling time."""
    keeper = story.begun()
    keeper.lock.lag = min(timedelta(seconds=lag), story.capabilities.settling)
    story.change(keeper)
    keeper.run(keeper.now + timedelta(minutes=30))
    assert door(keeper) == right(keeper)
    untroubled = story.begun()
    story.change(untroubled)
    untroubled.run(keeper.now)
    assert len(keeper.writes) == len(untroubled.writes)


def test_an_empty_reading_after_a_full_one_changes_nothing_until_a_second_agrees() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(*(declare(n, n, -1, 900) for n in range(1, 5)))
    keeper.run(hours(1))
    stored, keeper.lock.entries = keeper.lock.entries, {}
    keeper.lock.remember(keeper.now)
    keeper.read()
    assert keeper.plan().is_empty
    keeper.lock.entries = stored
    keeper.lock.remember(keeper.now)
    keeper.run(hours(2))
    assert len(keeper.writes) == 4
    keeper.lock.entries = {}
    keeper.lock.remember(keeper.now)
    keeper.run(hours(3))
    assert len(keeper.writes) == 8


@examples(80)
@given(stories())
def test_looking_only_when_told_to_is_enough_to_make_every_due_change_on_time(story: Story) -> None:
    """At every instant at which the door must change it has changed, but for a call and its proof."""
    keeper = story.begun()
    story.change(keeper)
    keeper.run(keeper.now + timedelta(minutes=5))
    end = hours(18)
    while keeper.now < end:
        assert keeper.look_at > keeper.now
        if not any(b.tried for b in keeper.beliefs.values()):
            before = min(keeper.look_at, end) - timedelta(microseconds=1)
            for id, one in keeper.declared.items():
                due_now = due_state(one, story.capabilities, keeper.now)
                assert due_now == due_state(one, story.capabilities, before), "a due change between two looks"
                if due_now not in (None, ABSENT):
                    assert keeper.beliefs[id].possible == {due_now}
            now, keeper.now = keeper.now, before
            assert door(keeper) == right(keeper)
            keeper.now = now
        keeper.run(keeper.look_at)


def test_a_lock_that_knows_no_windows_opens_from_an_hour_before_the_start_to_the_end() -> None:
    keeper = Keeper(SimulatedLock(LOCKS["slots, just in time"]))
    keeper.declare(declare(1, 1, 5, 8))
    opened = []
    for minute in range(0, 10 * 60, 10):
        keeper.run(T0 + timedelta(minutes=minute))
        if door(keeper):
            opened.append(minute)
    assert (opened[0], opened[-1]) == (4 * 60, 8 * 60 - 10)


def test_a_lock_that_holds_disabled_codes_opens_exactly_in_the_window() -> None:
    keeper = Keeper(SimulatedLock(LOCKS["slots, held disabled"]))
    keeper.declare(declare(1, 1, 5, 8))
    opened, stood = [], []
    for minute in range(0, 10 * 60, 10):
        keeper.run(T0 + timedelta(minutes=minute))
        stood += [minute] * len(keeper.lock.entries)
        opened += [minute] * len(door(keeper))
    assert (stood[0], opened[0], opened[-1], stood[-1]) == (240, 300, 470, 470)


def test_codes_go_to_a_lock_with_its_own_schedule_three_days_ahead() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, 100, 120))
    keeper.run(hours(100 - 72) - timedelta(seconds=1))
    assert not keeper.writes
    keeper.run(hours(100 - 72))
    assert len(keeper.writes) == 1


def test_a_slot_that_somebody_else_took_over_is_not_overwritten() -> None:
    """Our code was in slot 1; somebody put theirs there. Ours goes elsewhere."""
    keeper = Keeper(SimulatedLock(Capabilities(addressing=Addressing.SLOT, name=NAMELESS)))
    keeper.declare(declare(1, 1, -1, 900))
    keeper.run(hours(1))
    theirs = OnLock("slot1", None, digits(50), declare(9, 9, -99, 999).spec.window)
    keeper.lock.entries["slot1"] = theirs
    keeper.lock.remember(keeper.now)
    keeper.run(hours(2))
    assert keeper.lock.entries["slot1"] == theirs
    assert keeper.lock.entries["slot2"].owner == entry_id(1)


def test_two_entries_that_could_both_be_ours_are_both_left_alone() -> None:
    keeper = Keeper(SimulatedLock(Capabilities(name=NAMELESS)), lambda: Luck.LOST_BEFORE)
    keeper.declare(declare(1, 1, -1, 900))
    keeper.look()
    keeper.luck = lambda: Luck.WELL
    for n in (1, 2):
        window = keeper.declared[entry_id(1)].spec.window
        keeper.lock.entries[f"app{n}"] = OnLock(f"app{n}", None, digits(1), window)
    keeper.lock.remember(keeper.now)
    standing_there = dict(keeper.lock.entries)
    keeper.run(hours(2))
    assert keeper.lock.entries == standing_there
    assert keeper.plan().held() == {entry_id(1): Hold.AMBIGUOUS}


def test_a_second_copy_that_a_late_write_made_is_removed_and_the_right_one_stays() -> None:
    keeper = Keeper(SimulatedLock(Capabilities(late_apply=timedelta(minutes=10))), lambda: Luck.LATE)
    keeper.lock.capabilities = replace(keeper.capabilities, duplicates=LOCKS["silent duplicates"].duplicates)
    keeper.late_by = timedelta(minutes=5)
    keeper.declare(declare(1, 1, -1, 900))
    keeper.look()
    keeper.luck = lambda: Luck.WELL
    keeper.run(hours(1))
    assert len(keeper.lock.entries) == 1
    assert door(keeper) == {digits(1): {entry_id(1)}}
    assert [c.kind for _, c, _ in keeper.writes] == [Kind.SET, Kind.SET, Kind.REMOVE]


def test_the_soonest_arrivals_have_the_places_and_the_next_gets_one_when_it_is_free() -> None:
    keeper = Keeper(SimulatedLock(Capabilities(most_codes=2)))
    keeper.declare(declare(1, 1, 3, 6), declare(2, 2, 4, 9), declare(3, 3, 5, 9))
    keeper.run(hours(1))
    assert {e.owner for e in keeper.lock.entries.values()} == {entry_id(1), entry_id(2)}
    keeper.declare(declare(4, 4, 2, 9))
    keeper.run(hours(5))
    assert {e.owner for e in keeper.lock.entries.values()} == {entry_id(1), entry_id(4)}
    keeper.run(hours(7))
    assert {e.owner for e in keeper.lock.entries.values()} == {entry_id(2), entry_id(4)}
    assert keeper.lock.refusals == []


@pytest.mark.parametrize("schedule", [Capabilities().schedule, JUST_IN_TIME], ids=["own", "none"])
def test_a_lock_out_of_reach_is_asked_again_and_nothing_is_counted_as_tried(schedule: object) -> None:
    capabilities = replace(Capabilities(name=NameRules()), schedule=schedule)  # type: ignore[arg-type]
    keeper = Keeper(SimulatedLock(capabilities), lambda: Luck.NOT_SENT)
    keeper.declare(declare(1, 1, -1, 900))
    keeper.run(hours(5))
    assert not keeper.beliefs[entry_id(1)].tried
    keeper.luck = lambda: Luck.WELL
    keeper.run(hours(6))
    assert is_proven(keeper.beliefs[entry_id(1)], "1", capabilities)
