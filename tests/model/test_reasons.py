"""Why a code stands as it does, in words: each standing has a cause, and none is without a next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lockstep.kit.ids import new_id
from lockstep.model.access_code import Failure, Standing
from lockstep.model.belief import Belief
from lockstep.model.capabilities import Capabilities, Evidence, Schedule, ScheduleKind
from lockstep.model.declared import ABSENT, OTHER, Declared, Spec
from lockstep.model.lock_health import PROBLEMS, troubles_of_lock
from lockstep.model.reasons import NOTHING_TO_DO, PROOFS, reason_of
from lockstep.model.window import Window

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAIN = Capabilities()
KNOWS_NO_TIMES = Capabilities(schedule=Schedule(ScheduleKind.NONE))
FAILURE = Failure("full", "No place is left.", "Remove a code.", NOW)


def declared(starts_at: datetime = NOW + 2 * HOUR, revision: int = 2) -> Declared:
    spec = Spec(new_id(), Window(starts_at, starts_at + 48 * HOUR), "Anna", frozenset({"door"}))
    return Declared(new_id(), revision, spec, declared_at=NOW - 24 * HOUR)


def believed(*possible: str, **fields: object) -> Belief:
    return replace(Belief(frozenset(possible)), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("evidence", list(Evidence), ids=lambda e: e.name.lower())
def test_a_proven_code_says_by_what_and_that_nothing_is_to_be_done(evidence: Evidence) -> None:
    belief = believed("2", evidence=evidence, proven_at=NOW)
    reason = reason_of(Standing.PROVEN, declared(), belief, PLAIN, NOW)
    assert (reason.cause, reason.next_step) == (PROOFS[evidence], NOTHING_TO_DO)


def test_a_code_that_opened_its_door_says_so() -> None:
    belief = believed("2", evidence=Evidence.LISTED, proven_at=NOW, last_write_at=NOW)
    reason = reason_of(Standing.PROVEN, declared(), belief, PLAIN, NOW, used_at=NOW + HOUR)
    assert reason.cause == PROOFS[Evidence.USED]


@pytest.mark.parametrize(
    ("belief", "capabilities", "said"),
    [
        (believed(ABSENT), PLAIN, "It is not on the lock yet"),
        (believed(ABSENT, tried=("2",)), PLAIN, "It is being written"),
        (believed(ABSENT, "2", accepted="2", tried=("2",)), PLAIN, "The vendor took it"),
        (believed(ABSENT, "2", tried=("2",)), PLAIN, "A change got no clear answer"),
        (believed("1"), PLAIN, "the lock may still have it as it was before"),
        (believed(ABSENT, overwritten_at=NOW - HOUR), PLAIN, "Somebody else changed it"),
        (believed(OTHER, overwritten_at=NOW - HOUR), PLAIN, "Somebody else changed it"),
        (believed("2"), KNOWS_NO_TIMES, "It is being taken off"),
    ],
    ids=[
        "new",
        "refused",
        "accepted",
        "no answer",
        "an old revision",
        "removed elsewhere",
        "edited elsewhere",
        "early",
    ],
)
def test_a_code_in_doubt_says_what_is_awaited_and_that_lockstep_goes_on(
    belief: Belief, capabilities: Capabilities, said: str
) -> None:
    reason = reason_of(Standing.UNCONFIRMED, declared(), belief, capabilities, NOW)
    assert said in reason.cause
    assert "Lockstep looks again by itself" in reason.next_step


@pytest.mark.parametrize("standing", [Standing.FAILED, Standing.UNCONFIRMED])
def test_what_went_wrong_last_is_the_reason(standing: Standing) -> None:
    reason = reason_of(standing, declared(), believed(ABSENT), PLAIN, NOW, FAILURE)
    assert (reason.cause, reason.next_step) == (FAILURE.cause, FAILURE.next_step)


def test_a_late_code_says_that_the_guest_is_near_and_to_have_another_way_in() -> None:
    reason = reason_of(Standing.FAILED, declared(NOW + HOUR / 2), believed(ABSENT), PLAIN, NOW)
    assert "arrives soon" in reason.cause
    assert "another way in" in reason.next_step


def test_a_code_that_should_be_gone_says_so() -> None:
    withdrawn = replace(declared(), withdrawn_at=NOW - HOUR)
    reason = reason_of(Standing.FAILED, withdrawn, believed("2"), PLAIN, NOW)
    assert "should be gone" in reason.cause
    assert "Remove it" in reason.next_step


def test_a_scheduled_code_waits_for_its_time() -> None:
    reason = reason_of(Standing.SCHEDULED, declared(NOW + 99 * HOUR), believed(ABSENT), PLAIN, NOW)
    assert reason.cause == "Its time has not come yet."


def test_a_lock_in_good_health_has_no_troubles() -> None:
    assert troubles_of_lock(is_online=True, is_battery_critical=False, problems=()) == []
    assert troubles_of_lock(is_online=None, is_battery_critical=None, problems=()) == []


def test_every_trouble_of_a_lock_has_words_and_a_next_step_the_worst_first() -> None:
    found = troubles_of_lock(
        is_online=False, is_battery_critical=True, problems=[*PROBLEMS, "never_heard_of"]
    )
    assert len(found) == len(PROBLEMS) + 3
    assert "cannot reach it" in found[0].cause
    assert "battery" in found[-1].cause
    assert "never heard of" in found[-2].cause
    assert all(reason.cause and reason.next_step for reason in found)
