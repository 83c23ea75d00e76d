"""The status of a code as it is shown, and the alarms: derived when read, from declaration, belief and now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.model.simulated import T0, declare, hours
from tests.model.strategies import HOLDS_DISABLED, JUST_IN_TIME

from lockstep.model.access_code import (
    Failure,
    Standing,
    Status,
    alarm_instants,
    arrival_alarm_at,
    as_known,
    is_gone,
    is_late,
    rank,
    removal_alarm_at,
    standing,
    status,
)
from lockstep.model.belief import Belief
from lockstep.model.capabilities import Capabilities, Delete, Evidence
from lockstep.model.declared import ABSENT, OTHER, Declared

OWN = Capabilities()
JIT = Capabilities(schedule=JUST_IN_TIME)
DISABLED = Capabilities(schedule=HOLDS_DISABLED)
CODE = declare(1, 1, 10, 20)
MINUTE = timedelta(minutes=1)


def proven(*states: str, at: datetime = T0) -> Belief:
    return Belief(
        frozenset(states), Evidence.LISTED, frozenset({"id1"}), read_at=at, proven_at=at, last_write_at=at
    )


def unproven(*states: str) -> Belief:
    return Belief(frozenset(states), last_write_at=T0, late_until=T0 + 5 * MINUTE, tried=("1",))


@pytest.mark.parametrize(
    ("belief", "used_at", "shown"),
    [
        (proven("1"), None, Evidence.LISTED),
        (proven("1"), T0, Evidence.USED),
        (proven("1"), T0 + MINUTE, Evidence.USED),
        (proven("1"), T0 - MINUTE, Evidence.LISTED),
        (replace(proven("1"), last_write_at=None), T0, Evidence.USED),
        (unproven("1"), T0 + MINUTE, Evidence.USED),
        (unproven(ABSENT, "1"), T0 + MINUTE, Evidence.NONE),
        (Belief(), T0, Evidence.NONE),
        (proven(OTHER), T0 + MINUTE, Evidence.LISTED),
    ],
    ids=[
        "never used",
        "used at once",
        "used",
        "used as it was before",
        "never written here",
        "seen nowhere but at the door",
        "in doubt",
        "gone",
        "changed by somebody else",
    ],
)
def test_a_code_that_opened_its_door_as_it_is_now_has_the_highest_rank(
    belief: Belief, used_at: datetime | None, shown: Evidence
) -> None:
    assert rank(belief, used_at) is shown


WITHDRAWN = replace(CODE, withdrawn_at=hours(5))


@pytest.mark.parametrize(
    ("declared", "belief", "lock", "at", "shown"),
    [
        (declare(1, 1, 100, 120), Belief(), OWN, 0, Status.UNSET),
        (declare(1, 1, 100, 120), proven("1"), OWN, 0, Status.SET),
        (CODE, Belief(), JIT, 0, Status.UNSET),
        (CODE, Belief(), OWN, 0, Status.SETTING),
        (CODE, unproven(ABSENT, "1"), OWN, 0, Status.SETTING),
        (CODE, unproven("1"), OWN, 0, Status.SETTING),
        (CODE, proven("1"), OWN, 0, Status.SET),
        (CODE, proven("1"), OWN, 15, Status.SET),
        (CODE, proven("1-"), DISABLED, 9.5, Status.SET),
        (CODE, proven("1-"), DISABLED, 10, Status.SETTING),
        (CODE, proven("1"), JIT, 0, Status.REMOVING),
        (CODE, proven(OTHER), OWN, 15, Status.UNKNOWN),
        (replace(CODE, revision=2), proven("1"), OWN, 15, Status.SETTING),
        (WITHDRAWN, proven("1"), OWN, 6, Status.REMOVING),
        (WITHDRAWN, unproven(ABSENT), OWN, 6, Status.REMOVING),
        (WITHDRAWN, proven(ABSENT), OWN, 6, Status.REMOVED),
        (WITHDRAWN, Belief(), OWN, 6, Status.REMOVED),
        (CODE, proven("1"), OWN, 20, Status.REMOVING),
        (CODE, proven(ABSENT), OWN, 20, Status.REMOVED),
    ],
    ids=[
        "long before",
        "long before, written early",
        "long before on a lock without schedule",
        "due",
        "written, not proven",
        "seen, not proven",
        "proven",
        "proven, inside",
        "held disabled",
        "to be enabled",
        "too early on a lock without schedule",
        "somebody else's edit",
        "changed",
        "withdrawn",
        "withdrawn, may yet appear",
        "withdrawn, gone",
        "withdrawn before it was written",
        "over",
        "over, gone",
    ],
)
def test_the_status_is_one_of_six(
    declared: Declared, belief: Belief, lock: Capabilities, at: float, shown: Status
) -> None:
    assert status(declared, belief, lock, hours(at)) is shown


FAILURE = Failure("lock_full", "No place is left.", "Remove a code.", T0)


@pytest.mark.parametrize(
    ("belief", "at", "failure", "stands"),
    [
        (proven("1"), 0, None, Standing.PROVEN),
        (proven("1"), 0, FAILURE, Standing.PROVEN),
        (unproven("1"), 0, None, Standing.UNCONFIRMED),
        (unproven("1"), 0, FAILURE, Standing.FAILED),
        (unproven("1"), 9, None, Standing.FAILED),
        (Belief(), -70, None, Standing.SCHEDULED),
        (proven(ABSENT), 21, None, Standing.GONE),
        (proven("1"), 20, None, Standing.UNCONFIRMED),
        (proven("1"), 20.1, None, Standing.FAILED),
    ],
)
def test_how_a_code_stands_in_front_of_a_person(
    belief: Belief, at: float, failure: Failure | None, stands: Standing
) -> None:
    assert standing(CODE, belief, OWN, hours(at), failure) is stands


@pytest.mark.parametrize(
    ("lock", "alarm_at"),
    [(OWN, hours(10) - 60 * MINUTE), (JIT, hours(10) - 30 * MINUTE)],
    ids=["own", "none"],
)
def test_an_arrival_without_proof_is_an_alarm_an_hour_ahead_or_half_where_just_in_time(
    lock: Capabilities, alarm_at: datetime
) -> None:
    assert arrival_alarm_at(CODE, lock) == alarm_at
    for belief in (Belief(), unproven(ABSENT, "1"), unproven("1"), proven(OTHER)):
        assert not is_late(CODE, belief, lock, alarm_at - timedelta(microseconds=1))
        assert is_late(CODE, belief, lock, alarm_at)
    assert not is_late(CODE, proven("1"), lock, alarm_at)


def test_what_is_declared_late_gets_five_minutes() -> None:
    walk_in = replace(CODE, declared_at=hours(11))
    assert not is_late(walk_in, unproven("1"), OWN, hours(11) + 4 * MINUTE)
    assert is_late(walk_in, unproven("1"), OWN, hours(11) + 5 * MINUTE)


def test_what_somebody_else_changed_gets_five_minutes_to_be_put_right() -> None:
    belief = replace(proven(OTHER), overwritten=1, overwritten_at=hours(15))
    assert not is_late(CODE, belief, OWN, hours(15))
    assert is_late(CODE, belief, OWN, hours(15) + 5 * MINUTE)


def test_enabling_a_code_at_its_start_is_no_alarm_while_it_is_under_way() -> None:
    assert not is_late(CODE, proven("1-"), DISABLED, hours(10))
    assert not is_late(CODE, unproven("1-", "1"), DISABLED, hours(10) + 4 * MINUTE)
    assert is_late(CODE, unproven("1-", "1"), DISABLED, hours(10) + 5 * MINUTE)


@pytest.mark.parametrize("declared", [CODE, WITHDRAWN], ids=["over", "withdrawn"])
def test_a_code_that_should_be_gone_is_an_alarm_after_five_minutes(declared: Declared) -> None:
    at = hours(20) if declared.withdrawn_at is None else declared.withdrawn_at
    assert removal_alarm_at(declared, OWN) == at + 5 * MINUTE
    for belief in (proven("1"), unproven("1", ABSENT), proven(OTHER)):
        assert not is_late(declared, belief, OWN, at + 4 * MINUTE)
        assert is_late(declared, belief, OWN, at + 5 * MINUTE)
    assert not is_late(declared, proven(ABSENT), OWN, at + 5 * MINUTE)
    assert not is_late(declared, unproven(ABSENT), OWN, at + 5 * MINUTE), "a tombstone opens no door"


def test_nobody_is_called_for_a_code_that_cannot_be_taken_back_and_ends_by_itself() -> None:
    lock = Capabilities(delete=Delete.IMPOSSIBLE)
    assert removal_alarm_at(CODE, lock) is None
    assert removal_alarm_at(WITHDRAWN, lock) == hours(5) + 5 * MINUTE


def test_a_code_without_end_is_never_late_to_go() -> None:
    assert removal_alarm_at(declare(1, 1, 0, None), OWN) is None


@pytest.mark.parametrize("lock", [OWN, JIT, DISABLED], ids=["own", "none", "disabled"])
@pytest.mark.parametrize(
    "belief",
    [Belief(), proven("1"), proven("1-"), replace(proven(OTHER), overwritten_at=hours(9.2))],
    ids=["absent", "proven", "disabled", "overwritten"],
)
def test_lateness_begins_only_at_the_instants_that_are_foretold(belief: Belief, lock: Capabilities) -> None:
    instants = alarm_instants(CODE, belief, lock)
    was_late = False
    for minute in range(8 * 60, 22 * 60):
        at = T0 + minute * MINUTE
        is_now_late = is_late(CODE, belief, lock, at)
        if is_now_late and not was_late:
            changes = {hours(10) - 60 * MINUTE, hours(10), hours(20), *instants}
            assert any(at - MINUTE < i <= at for i in changes)
        was_late = is_now_late


def test_a_code_is_gone_once_nothing_of_it_can_appear() -> None:
    assert is_gone(Belief())
    assert is_gone(proven(ABSENT))
    assert not is_gone(unproven(ABSENT))
    assert not is_gone(proven("1"))


def test_on_a_lock_that_is_not_listed_nothing_counts_as_proven_and_alarms_begin_after_five_minutes() -> None:
    now = hours(12)
    belief = proven("1")
    assert standing(CODE, belief, OWN, now) is Standing.PROVEN
    assert standing(CODE, belief, OWN, now, is_listed=False) is Standing.FAILED
    assert status(CODE, belief, OWN, now, is_listed=False) is Status.UNKNOWN
    for after, is_alarm in ((4 * MINUTE, False), (5 * MINUTE, True)):
        assert is_late(CODE, as_known(belief, now, now + after), OWN, now + after) is is_alarm
    gone = proven(ABSENT)
    assert as_known(gone, now, now + MINUTE * 5) == gone, "what is proven gone stays so"
