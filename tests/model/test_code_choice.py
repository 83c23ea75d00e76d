"""Digits: what a lock takes, how they are chosen, and how an entry is named and known again."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.strategies import examples

from lockstep.model.capabilities import Capabilities, NameRules
from lockstep.model.code_choice import NoCommonLength, NoFreeCode, choose_code, common_length
from lockstep.model.constraints import CONSTRAINTS, breaches_of_code, breaches_of_name
from lockstep.model.naming import TAG_LENGTH, carries_tag, entry_name

SIX = Capabilities(code_lengths=frozenset({6}))
SHORT = Capabilities(code_lengths=frozenset({4, 5, 6}))
NUKI_LIKE = Capabilities(code_lengths=frozenset({6}), constraints=("no_zeros", "cannot_start_with_12"))


def nobody(digits: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("constraint", "allowed", "forbidden"),
    [
        ("digits_only", "123456", "12345a"),
        ("digits_only", "123456", "١٢٣٤٥٦"),
        ("no_zeros", "345678", "345670"),
        ("cannot_start_with_12", "212345", "123999"),
        ("cannot_contain_0789", "123456", "123457"),
        ("cannot_contain_089", "123457", "123458"),
        ("at_least_three_unique_digits", "111123", "111122"),
        ("no_all_same_digits", "1112", "1111"),
        ("no_ascending_or_descending_sequence", "123457", "123456"),
        ("no_ascending_or_descending_sequence", "7654329", "765432"),
        ("no_triple_consecutive_ints", "124578", "912356"),
        ("no_triple_consecutive_ints", "135246", "932146"),
    ],
)
def test_a_constraint_allows_and_forbids(constraint: str, allowed: str, forbidden: str) -> None:
    assert CONSTRAINTS[constraint].allows(allowed)
    assert not CONSTRAINTS[constraint].allows(forbidden)


def test_every_constraint_has_its_case_above() -> None:
    marks = test_a_constraint_allows_and_forbids.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} == set(CONSTRAINTS)


@pytest.mark.parametrize(
    ("digits", "broken"),
    [
        ("345678", []),
        ("34567", ["code_length"]),
        ("120456", ["no_zeros", "cannot_start_with_12"]),
        ("12x456", ["digits_only"]),
        ("", ["digits_only"]),
    ],
)
def test_every_rule_that_digits_break_is_told(digits: str, broken: list[str]) -> None:
    assert [b.constraint for b in breaches_of_code(digits, NUKI_LIKE)] == broken


def test_rules_are_told_in_words_and_without_the_digits() -> None:
    told = [b.message for b in breaches_of_code("120456", NUKI_LIKE)]
    assert told == ["no zero", "must not start with 12"]
    assert breaches_of_code("1", SHORT)[0].message == "must have 4 or 5 or 6 digits"


@pytest.mark.parametrize(
    ("name", "rules", "broken"),
    [
        ("Anna", NameRules(), []),
        ("", NameRules(shortest=1), ["name_length"]),
        ("x" * 11, NameRules(longest=10), ["name_length"]),
        ("x" * 11, NameRules(longest=10, truncates=True), []),
        ("Änna", NameRules(pattern="[A-Za-z]"), ["name_charset"]),
    ],
)
def test_every_rule_that_a_name_breaks_is_told(name: str, rules: NameRules, broken: list[str]) -> None:
    assert [b.constraint for b in breaches_of_name(name, rules)] == broken


locks = st.lists(st.sampled_from([SIX, SHORT, NUKI_LIKE]), min_size=1, max_size=4)


@examples(150)
@given(locks, st.integers(), st.one_of(st.none(), st.sampled_from(["1234", "777777", "012345"])))
def test_chosen_digits_suit_every_lock_and_are_free(
    of: list[Capabilities], seed: int, phone: str | None
) -> None:
    taken = {"777777"}
    choice = choose_code(of, taken.__contains__, Random(seed), phone_last_digits=phone)
    assert not any(breaches_of_code(choice.digits, lock) for lock in of)
    assert choice.digits not in taken
    assert (choice.warning is None) == (phone is None or choice.digits == phone)


@pytest.mark.parametrize(
    ("wanted", "phone", "digits", "warning"),
    [
        ("345678", "567891", "345678", None),
        ("345670", "567891", "567891", "wanted_code_not_possible"),
        (None, "567891", "567891", None),
        ("345670", "560000", None, "wanted_code_not_possible"),
        (None, "7891", None, "phone_digits_not_possible"),
    ],
    ids=["wanted", "phone instead", "phone", "neither", "phone too short"],
)
def test_a_wish_is_granted_or_becomes_a_warning(
    wanted: str | None, phone: str | None, digits: str | None, warning: str | None
) -> None:
    choice = choose_code([NUKI_LIKE], nobody, Random(1), wanted=wanted, phone_last_digits=phone)
    assert digits in (None, choice.digits)
    assert choice.warning == warning


def test_the_same_wish_cannot_be_granted_twice() -> None:
    choice = choose_code([SIX], {"345678"}.__contains__, Random(1), wanted="345678")
    assert choice.digits != "345678"


@pytest.mark.parametrize(
    ("lengths", "length"),
    [([{6}], 6), ([{4, 8}], 8), ([{4, 5}], 5), ([{4, 6}, {4, 5}], 4), ([], 6)],
)
def test_the_length_is_six_or_the_next_longer_that_all_take(lengths: list[set[int]], length: int) -> None:
    assert common_length([Capabilities(code_lengths=frozenset(n)) for n in lengths]) == length


def test_locks_without_a_common_length_cannot_share_a_code() -> None:
    with pytest.raises(NoCommonLength, match="Split the grant"):
        common_length([Capabilities(code_lengths=frozenset({4})), SIX])


def test_where_every_code_is_taken_it_is_said() -> None:
    with pytest.raises(NoFreeCode, match="Remove old codes"):
        choose_code([Capabilities(code_lengths=frozenset({1}))], lambda d: True, Random(1))


def test_digits_are_not_shown_where_a_choice_is_printed() -> None:
    assert "345678" not in repr(choose_code([SIX], nobody, Random(1), wanted="345678"))


TAG = "k7f2q"


@pytest.mark.parametrize(
    ("wanted", "rules", "name"),
    [
        ("Anna Smith", NameRules(), "Anna Smith k7f2q"),
        ("Anna Smith", NameRules(longest=10), "Anna k7f2q"),
        ("Anna Smith", NameRules(longest=11), "Anna k7f2q"),
        ("Anna Smith", NameRules(longest=6), "k7f2q"),
        ("Änna Smith", NameRules(pattern="[A-Za-z0-9]"), "AnnaSmithk7f2q"),
        ("Änna Smith", NameRules(), "Änna Smith k7f2q"),
        ("Änna Müßig", NameRules(pattern="[ -~ä-ü]"), "Anna Müssig k7f2q"),
        ("Müller-Weiß", NameRules(longest=16, pattern="[ -~]"), "Muller-Wei k7f2q"),
        ("A\u0308nne \u00c6sir\u00a0Þór", NameRules(pattern="[ -~]"), "Anne Aesir Thor k7f2q"),
        ("Søren Łukasz Žižek", NameRules(pattern="[ -~]"), "Soren Lukasz Zizek k7f2q"),
        ("O’Brien – Œuvre", NameRules(pattern="[ -~]"), "O'Brien - Oeuvre k7f2q"),
        ("王伟 Иван", NameRules(pattern="[ -~]"), "WangWei Ivan k7f2q"),
        ("Ana 😀 ♥\u200b", NameRules(pattern="[ -~]"), "Ana k7f2q"),
        ("😀", NameRules(pattern="[ -~]"), "k7f2q"),
        ("", NameRules(), "k7f2q"),
        ("Anna", NameRules(is_kept=False), ""),
    ],
)
def test_a_name_ends_in_its_tag(wanted: str, rules: NameRules, name: str) -> None:
    assert entry_name(wanted, TAG, rules) == name


@examples(100)
@given(
    st.text(max_size=80),
    st.builds(
        NameRules,
        longest=st.integers(TAG_LENGTH, 64),
        pattern=st.sampled_from([None, "[A-Za-z0-9 ]", "[a-z0-9]"]),
    ),
)
def test_whatever_the_guest_is_called_the_entry_is_known_again(wanted: str, rules: NameRules) -> None:
    name = entry_name(wanted, TAG, rules)
    assert not breaches_of_name(name, rules)
    assert carries_tag(name, TAG, rules)
    assert carries_tag(name.upper() + " ", TAG, rules)
    assert not carries_tag(name, "00000", rules)


@examples(100)
@given(
    st.text(max_size=40) | st.text("äöüßøåçñéèžłðþÆœ’ aAzZ-", max_size=40),
    st.builds(
        NameRules,
        longest=st.integers(TAG_LENGTH, 64),
        pattern=st.sampled_from([None, "[ -~]", "[A-Za-z0-9]"]),
    ),
)
def test_a_name_as_it_stands_on_a_lock_is_never_spelt_otherwise(wanted: str, rules: NameRules) -> None:
    name = entry_name(wanted, TAG, rules)
    assert entry_name(name.removesuffix(TAG), TAG, rules) == name
    if rules.pattern is not None:
        for form in ("NFC", "NFD"):
            assert entry_name(unicodedata.normalize(form, wanted), TAG, rules) == name


def test_no_name_and_no_tag_mean_nothing() -> None:
    assert not carries_tag(None, TAG, NameRules())
    assert not carries_tag("Anna", "", NameRules())
    assert not carries_tag(f"Anna {TAG}", TAG, NameRules(is_kept=False))
