"""Which rules and facts of the virtual vendor apply, each from `emulator/README.md`. Knows no calls."""

from __future__ import annotations

from datetime import timedelta

CODE_RULES = {
    "no_zeros": "no_zeros",
    "not_starting_with_12": "cannot_start_with_12",
    "no_runs": "no_triple_consecutive_ints",
    "three_different": "at_least_three_unique_digits",
}
"""The vendor's names of rules for digits, and ours. README, "Rules for digits"."""

SLOTS = 250
"""Numbered slots where `places` is not told. README, "Slots"."""

JOB_LOOK = timedelta(seconds=5)
"""When to look at a job whose reply does not tell. README, "Jobs"."""

SIGNATURE = "X-Virtual-Signature"
"""README, "Callbacks"."""
