"""Anything that can happen, in any order: what is declared is what opens, and nothing else ever does.

Each profile is a run of its own, so that several processes share the work. The seed of each run is told at the end, and
with its failure: `--hypothesis-seed` makes the same run again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.whole.ground import ground
from tests.whole.life_troubled import Troubled

PROFILES = [
    "nuki",
    "plain",
    "slots",
    "just_in_time",
    "just_in_time_disabled",
    "existence",
    "unreadable",
    "window_duplicates",
    "shared_digits",
    "gateway",
    "doors",
    "short_names",
    "jobs",
]
EXAMPLES, STEPS = 300, 6
LONG_STEPS, STEPS_OF_A_LONG_LIFE = 10_000, 40


def _live(database_url: str, profile: str, chance: int, examples: int, steps: int) -> None:
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        # Finding a shorter one is left to whoever runs the printed one.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with ground(database_url) as shared:
        lives: Any = seed(chance)(lambda: Troubled(shared, profile))
        try:
            run_state_machine_as_test(lives, settings=wanted)
        except BaseException as error:
            error.add_note(f"The seed was {chance}: run this test again with --hypothesis-seed={chance}")
            error.add_note(
                "To run the one life again, put the printed reproduce_failure around the lambda in _live"
            )
            raise


@pytest.fixture
def chance(pytestconfig: pytest.Config) -> int:
    """What all chance of a run follows from."""
    wanted = pytestconfig.getoption("hypothesis_seed")
    return int(wanted) if wanted else secrets.randbelow(2**32)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_happens_what_is_declared_is_what_opens_in_the_end(
    database_url: str,
    profile: str,
    chance: int,
    record_property: Callable[[str, object], None],
) -> None:
    some, more = divmod(EXAMPLES, len(PROFILES))
    examples = some + (PROFILES.index(profile) < more)
    record_property("told", f"{profile}: {examples} lives of {STEPS} steps, seed {chance}")
    _live(database_url, profile, chance, examples, STEPS)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("profile", PROFILES)
def test_ten_thousand_steps(
    database_url: str,
    profile: str,
    chance: int,
    record_property: Callable[[str, object], None],
) -> None:
    lives = -(-LONG_STEPS // len(PROFILES) // STEPS_OF_A_LONG_LIFE)
    record_property("told", f"{profile}: {lives} lives of {STEPS_OF_A_LONG_LIFE} steps, seed {chance}")
    _live(database_url, profile, chance, lives, STEPS_OF_A_LONG_LIFE)
