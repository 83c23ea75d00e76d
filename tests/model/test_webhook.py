"""When a delivery is tried again, when a webhook is disabled, and which secrets sign."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.simulated import T0, hours

from lockstep.model.webhook import (
    JITTER,
    SCHEDULE,
    Signing,
    must_be_disabled,
    next_try_at,
    rotated,
    signing_secrets,
)


@pytest.mark.parametrize(
    ("tries", "wait"),
    [
        (0, timedelta(0)),
        (1, timedelta(seconds=5)),
        (2, timedelta(minutes=5)),
        (3, timedelta(minutes=30)),
        (4, timedelta(hours=2)),
        (5, timedelta(hours=5)),
        (6, timedelta(hours=10)),
        (7, timedelta(hours=10)),
    ],
)
def test_tries_are_spaced_as_receivers_of_seams_webhooks_expect(tries: int, wait: timedelta) -> None:
    assert next_try_at(tries, T0, chance=0.0) == T0 + wait


@given(st.integers(0, len(SCHEDULE) - 1), st.floats(0, 1, exclude_max=True))
def test_chance_only_ever_adds_a_little(tries: int, chance: float) -> None:
    at = next_try_at(tries, T0, chance)
    assert at is not None
    assert T0 + SCHEDULE[tries] <= at <= T0 + SCHEDULE[tries] * (1 + JITTER)


def test_after_the_last_try_a_delivery_is_given_up() -> None:
    assert next_try_at(len(SCHEDULE), T0, chance=0.0) is None
    with pytest.raises(ValueError, match="from 0"):
        next_try_at(-1, T0, chance=0.0)


@pytest.mark.parametrize(
    ("since", "tries", "is_disabled"),
    [(None, 99, False), (0, 10, True), (0, 9, False), (1, 10, False), (1, 500, False)],
    ids=["last one succeeded", "five days", "five days, few tries", "not yet", "not yet, many tries"],
)
def test_a_webhook_is_disabled_only_after_sustained_failure(
    since: int | None, tries: int, is_disabled: bool
) -> None:
    failing_since = None if since is None else hours(since)
    assert must_be_disabled(failing_since, tries, hours(5 * 24)) is is_disabled


def test_both_secrets_sign_while_one_is_being_replaced_and_then_the_new_one_alone() -> None:
    signing = rotated(Signing("old"), "new", T0)
    assert signing_secrets(Signing("old"), T0) == ("old",)
    assert signing_secrets(signing, hours(23.9)) == ("new", "old")
    assert signing_secrets(signing, hours(24)) == ("new",)


def test_a_second_rotation_ends_the_oldest_secret_at_once() -> None:
    signing = rotated(rotated(Signing("first"), "second", T0), "third", hours(1))
    assert signing_secrets(signing, hours(1)) == ("third", "second")


def test_a_rotation_without_overlap_is_for_secrets_that_leaked() -> None:
    assert signing_secrets(rotated(Signing("old"), "new", T0, timedelta(0)), T0) == ("new",)


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(rotated(Signing("hush"), "hush2", T0))
