"""How an entry is named on a lock: fitted to the vendor's rules, known by its tag, and still to be recognised."""

from __future__ import annotations

import re

import pytest

from lockstep.model.capabilities import NameRules
from lockstep.model.constraints import breaches_of_name
from lockstep.model.naming import carries_tag, entry_name, is_named_so, is_shown_as, untagged
from lockstep.vendors.nuki.limits import NAMES

STAY, TAG = "Anna Smith, Reservation-12345", "k7f2q"
RULES = [
    NAMES,
    NameRules(),
    NameRules(longest=12, pattern=r"[A-Za-z0-9 ]"),
    NameRules(longest=16, is_unique=True, truncates=True),
    NameRules(shortest=4, longest=10, pattern=r"[a-z0-9]"),
]


@pytest.mark.parametrize("rules", RULES)
def test_a_name_keeps_to_the_rules_and_is_still_recognised(rules: NameRules) -> None:
    name = entry_name(STAY, TAG, rules)
    assert breaches_of_name(name, rules) == []
    assert carries_tag(name, TAG, rules)
    held = "".join(c for c in STAY if rules.pattern is None or re.fullmatch(rules.pattern, c))
    assert held.startswith(untagged(name, TAG, rules) or "-")
    assert entry_name(STAY, "abcde", rules) != name, "no two are named alike"


def test_the_name_on_a_nuki_is_the_guests_as_far_as_it_has_room() -> None:
    assert entry_name(STAY, TAG, NAMES) == "Anna Smith, Re k7f2q"


@pytest.mark.parametrize(
    ("shown", "is_same"),
    [("Anna k7f2q", True), ("ANNA  k7f2q ", True), (None, True), ("Anna", False), ("Bo k7f2q", False)],
)
def test_a_name_read_back_is_the_same_but_for_case_and_spaces(shown: str | None, *, is_same: bool) -> None:
    assert is_shown_as(shown, "Anna k7f2q", NAMES) is is_same


def test_a_vendor_that_cuts_names_or_keeps_none_tells_nothing_else() -> None:
    assert is_shown_as("Anna k7", "Anna k7f2q", NameRules(truncates=True))
    assert not is_shown_as("Anna k7", "Anna k7f2q", NameRules())
    assert is_shown_as("Whatever", "Anna k7f2q", NameRules(is_kept=False))


def test_a_name_that_somebody_else_wrote_and_that_says_what_is_wanted_may_stay() -> None:
    assert is_named_so("Anna and Bo", "Anna and Bo", TAG, NAMES)
    assert not is_named_so("Anna and Bo", "Cleo", TAG, NAMES)
    assert not is_named_so("Anna and Bo k7f2q", "Anna and Bo", TAG, NAMES), "that one is ours already"
