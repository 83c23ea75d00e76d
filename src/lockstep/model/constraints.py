"""Rules that digits and names must obey, each one named predicate with its message; which apply is a capability."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from lockstep.model.capabilities import Capabilities, NameRules


@dataclass(frozen=True, slots=True)
class Constraint:
    """`allows(digits)` tells whether digits may be used; `message` says the rule to a person."""

    name: str
    message: str
    allows: Callable[[str], bool]


def _no_run_of_three(digits: str) -> bool:
    steps = [int(b) - int(a) for a, b in pairwise(digits)]
    return not any(a == b and a in (1, -1) for a, b in pairwise(steps))


def _is_no_sequence(digits: str) -> bool:
    steps = {int(b) - int(a) for a, b in pairwise(digits)}
    return steps not in ({1}, {-1})


CONSTRAINTS: dict[str, Constraint] = {
    c.name: c
    for c in (
        Constraint("digits_only", "only the digits 0 to 9", lambda d: d.isascii() and d.isdigit()),
        Constraint("no_zeros", "no zero", lambda d: "0" not in d),
        Constraint("cannot_start_with_12", "must not start with 12", lambda d: not d.startswith("12")),
        Constraint("cannot_contain_0789", "only the digits 1 to 6", lambda d: not set(d) & set("0789")),
        Constraint("cannot_contain_089", "none of the digits 0, 8, 9", lambda d: not set(d) & set("089")),
        Constraint(
            "at_least_three_unique_digits", "at least three different digits", lambda d: len(set(d)) >= 3
        ),
        Constraint("no_all_same_digits", "not all digits the same", lambda d: len(set(d)) > 1),
        Constraint("no_ascending_or_descending_sequence", "no sequence such as 123456", _is_no_sequence),
        Constraint("no_triple_consecutive_ints", "no three consecutive digits such as 456", _no_run_of_three),
    )
}


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that digits or a name break on one lock."""

    constraint: str
    message: str


def breaches_of_code(digits: str, capabilities: Capabilities) -> list[Breach]:
    """Every rule of the lock that `digits` break; empty when they may be used."""
    found = []
    if not CONSTRAINTS["digits_only"].allows(digits):
        return [Breach("digits_only", CONSTRAINTS["digits_only"].message)]
    if len(digits) not in capabilities.code_lengths:
        lengths = " or ".join(str(n) for n in sorted(capabilities.code_lengths))
        found.append(Breach("code_length", f"must have {lengths} digits"))
    for name in capabilities.constraints:
        constraint = CONSTRAINTS[name]
        if not constraint.allows(digits):
            found.append(Breach(constraint.name, constraint.message))
    return found


def breaches_of_name(name: str, rules: NameRules) -> list[Breach]:
    """Every rule that a name breaks as it would be written."""
    found = []
    if len(name) < rules.shortest:
        found.append(Breach("name_length", f"at least {rules.shortest} characters"))
    if len(name) > rules.longest and not rules.truncates:
        found.append(Breach("name_length", f"at most {rules.longest} characters"))
    if rules.pattern and not all(re.fullmatch(rules.pattern, c) for c in name):
        found.append(Breach("name_charset", f"each character must match {rules.pattern}"))
    return found
