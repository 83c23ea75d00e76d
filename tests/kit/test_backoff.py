"""Waiting before another try."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.kit.backoff import full_jitter

FIRST, MOST = timedelta(seconds=2), timedelta(minutes=10)


@given(failures=st.integers(1, 10_000), seed=st.integers())
def test_a_wait_lies_between_nothing_and_the_doubled_bound(failures: int, seed: int) -> None:
    wait = full_jitter(failures, first=FIRST, most=MOST, random=Random(seed))
    assert timedelta(0) <= wait <= min(FIRST * 2 ** min(failures - 1, 20), MOST)


def test_waits_are_spread_over_the_whole_range() -> None:
    random = Random(1)
    waits = [full_jitter(30, first=FIRST, most=MOST, random=random) / MOST for _ in range(2000)]
    tenths = [sum(tenth / 10 <= wait < (tenth + 1) / 10 for wait in waits) for tenth in range(10)]
    assert min(tenths) > 100


def test_the_same_chance_gives_the_same_wait() -> None:
    assert full_jitter(3, first=FIRST, most=MOST, random=Random(7)) == full_jitter(
        3, first=FIRST, most=MOST, random=Random(7)
    )


def test_a_wait_without_a_failure_is_refused() -> None:
    with pytest.raises(ValueError, match="it begins at 1"):
        full_jitter(0, first=FIRST, most=MOST, random=Random(1))
