"""Whose an entry of a reading is: by reference, then by tag, then by digits and window; two candidates, neither."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.simulated import declare, digits, hours
from tests.model.strategies import HOUR_STEPS, NAMELESS, examples

from lockstep.model.belief import Belief
from lockstep.model.capabilities import Addressing, Capabilities, Evidence
from lockstep.model.declared import ABSENT
from lockstep.model.matching import Known, ReadEntry, match
from lockstep.model.seen import Seen
from lockstep.model.window import Window

IDS = Capabilities()
NAMELESS_IDS = Capabilities(name=NAMELESS)
SLOTS = Capabilities(addressing=Addressing.SLOT, name=NAMELESS)


def known(number: int, *references: str, code: int | None = None, possible: str = "1") -> Known:
    one = declare(number, number if code is None else code, 0, 9)
    return Known(one, Belief(frozenset({possible}), references=frozenset(references)), {1: one.spec})


def read(
    reference: str, code: int | None = None, name: str | None = None, window: Window | None = None
) -> ReadEntry:
    fingerprint = None if code is None else digits(code)
    return ReadEntry(Seen(reference, Evidence.LISTED, fingerprint, window=window, name=name))


def whose(
    ours: list[Known], entries: list[ReadEntry], capabilities: Capabilities
) -> tuple[dict[int, str | None], set[int], set[tuple[int, str]], set[str]]:
    """Found, ambiguous, surplus and foreign, each by number and reference."""
    m = match(ours, entries, capabilities)
    return (
        {i.int: s.reference if s else None for i, s in m.seen.items()},
        {i.int for i in m.ambiguous},
        {(i.int, s.reference) for i, s in m.surplus},
        {f.seen.reference for f in m.foreign},
    )


def test_an_entry_is_known_by_its_reference_whatever_it_carries() -> None:
    found = whose([known(1, "a")], [read("a", 50, "renamed"), read("b", 2, "Cleaner")], IDS)
    assert found == ({1: "a"}, set(), set(), {"b"})


def test_an_entry_is_known_by_its_tag_where_its_reference_is_not_known() -> None:
    found = whose([known(1)], [read("b", 50, "Anna tag01"), read("c", 1, "Anna TAG02 ")], IDS)
    assert found[0] == {1: "b"}
    assert whose([known(2)], [read("c", 50, "Anna TAG02 ")], IDS)[0] == {2: "c"}


def test_an_entry_is_known_by_its_digits_and_window_where_there_is_no_better_sign() -> None:
    ours = known(1)
    right = ours.declared.spec.window
    assert whose([ours], [read("b", 1, window=right)], NAMELESS_IDS)[0] == {1: "b"}
    assert whose([ours], [read("b", 1, window=Window(hours(0), hours(10)))], NAMELESS_IDS)[0] == {1: None}
    assert whose([ours], [read("b", 2, window=right)], NAMELESS_IDS)[0] == {1: None}


def test_a_window_that_the_vendor_rounded_or_clamped_still_matches() -> None:
    one = declare(1, 1, 0.5, 8.5)
    ours = Known(one, Belief(frozenset({"1"})), {1: one.spec})
    rounded = read("b", 1, window=Window(hours(0), hours(9)))
    assert whose([ours], [rounded], replace(NAMELESS_IDS, schedule=HOUR_STEPS))[0] == {1: "b"}
    clamped = read("b", 1, window=Window(hours(3), hours(8.5)))
    assert whose([ours], [clamped], NAMELESS_IDS)[0] == {1: "b"}


def test_a_code_with_our_digits_and_no_tag_is_not_ours_before_we_wrote_any() -> None:
    found = whose([known(1, possible=ABSENT)], [read("b", 1, "Cleaner")], IDS)
    assert found == ({1: None}, set(), set(), {"b"})


@pytest.mark.parametrize(
    ("entry", "is_ours"),
    [
        (read("slot1", 1), True),
        (read("slot1", 50), False),
        (read("slot1"), True),
    ],
    ids=["our digits", "somebody else's digits", "digits that cannot be read"],
)
def test_a_slot_that_somebody_else_may_have_is_ours_only_if_its_content_does_not_deny_it(
    entry: ReadEntry, is_ours: bool
) -> None:
    found = whose([known(1, "slot1")], [entry], SLOTS)
    assert found[0] == {1: "slot1" if is_ours else None}
    assert found[3] == (set() if is_ours else {"slot1"})


def test_a_slot_with_a_name_that_is_not_ours_is_somebody_elses() -> None:
    named = Capabilities(addressing=Addressing.SLOT)
    assert whose([known(1, "slot1")], [read("slot1", name="Cleaner")], named)[0] == {1: None}
    assert whose([known(1, "slot1")], [read("slot1", name="Anna tag01")], named)[0] == {1: "slot1"}


def test_two_entries_with_our_digits_are_both_left_alone() -> None:
    found = whose([known(1)], [read("b", 1), read("c", 1), read("d", 2)], NAMELESS_IDS)
    assert found == ({}, {1}, set(), {"b", "c", "d"})


def test_one_entry_that_two_of_ours_could_be_is_left_alone() -> None:
    found = whose([known(1, code=5), known(2, code=5)], [read("b", 5)], NAMELESS_IDS)
    assert found == ({}, {1, 2}, set(), {"b"})


def test_two_slots_that_only_exist_and_could_both_be_ours_are_left_alone() -> None:
    found = whose([known(1, "slot1", "slot2")], [read("slot1"), read("slot2")], SLOTS)
    assert found == ({}, {1}, set(), {"slot1", "slot2"})


def test_a_slot_that_two_of_ours_claim_goes_to_the_one_whose_digits_it_carries() -> None:
    ours = [known(1, "slot1"), known(2, "slot1")]
    assert whose(ours, [read("slot1", 2)], SLOTS)[0] == {1: None, 2: "slot1"}
    assert whose(ours, [read("slot1")], SLOTS) == ({}, {1, 2}, set(), {"slot1"})
    assert whose(ours, [read("slot1", 2)], IDS)[0] == {1: None, 2: "slot1"}


def test_further_entries_with_our_tag_are_copies_of_ours() -> None:
    copies = [read("a", 50, "x tag01"), read("b", 1, "y tag01"), read("c", 1, "z tag01")]
    assert whose([known(1, "b")], copies, IDS) == ({1: "b"}, set(), {(1, "a"), (1, "c")}, set())
    assert whose([known(1)], copies, IDS)[0] == {1: "b"}, "the one that is most as it should be"


def test_the_same_tag_twice_among_ours_is_settled_by_who_is_known_already() -> None:
    one, other = known(1, "a"), known(2)
    other = replace(other, declared=replace(other.declared, tag="tag01"))
    entries = [read("a", 1, "x tag01"), read("b", 2, "y tag01")]
    assert whose([one, other], entries, IDS)[0] == {1: "a", 2: "b"}
    stranger = replace(one, belief=Belief(frozenset({"1"})))
    assert whose([stranger, other], entries, IDS)[1] == {1, 2}


@examples(150)
@given(st.randoms(use_true_random=False))
def test_the_order_of_neither_entries_nor_reading_matters(random: Random) -> None:
    capabilities = random.choice([IDS, NAMELESS_IDS, SLOTS])
    ours = [
        known(n, *random.sample(["a", "b", "c", "d"], random.randint(0, 2)), code=random.randint(1, 3))
        for n in range(1, 4)
    ]
    entries = [
        read(r, random.choice([None, 1, 2, 3]), random.choice([None, "Anna tag01", "Ben tag02", "Cleaner"]))
        for r in random.sample(["a", "b", "c", "d", "e"], random.randint(0, 5))
    ]
    before = whose(ours, entries, capabilities)
    random.shuffle(ours)
    random.shuffle(entries)
    assert whose(ours, entries, capabilities) == before
    found, ambiguous, surplus, foreign = before
    taken = [r for r in found.values() if r] + [r for _, r in surplus] + sorted(foreign)
    assert sorted(taken) == sorted(e.seen.reference for e in entries), "each entry is one thing only"
    assert found.keys() | ambiguous == {1, 2, 3}
    assert not found.keys() & ambiguous


def test_names_stay_out_of_what_is_logged() -> None:
    assert "Anna" not in repr(read("a", 1, "Anna tag01"))
