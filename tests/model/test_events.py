"""What is told: the closed list of events, what a change of belief causes, and which alarms are due."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import fields, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.simulated import T0, Keeper, Luck, SimulatedLock, declare, digits, hours
from tests.model.strategies import LOCKS, Story, examples, stories

from lockstep.model.belief import Belief
from lockstep.model.code_events import CodeFact, alarms_due, events_of_belief, refusal_due, start_due
from lockstep.model.declared import Declared, carried
from lockstep.model.events import (
    KINDS,
    AccessCodeFailedToSet,
    AccessCodeLate,
    AccessCodeMissedStart,
    CalendarAdded,
    CalendarFailed,
    LockUnlocked,
)
from lockstep.model.plan import MOST_ATTEMPTS

FORBIDDEN = {"digits", "password", "name", "email", "phone", "url", "fingerprint", "secret"}


class Ear(Keeper):
    """Hears what is told of its entries, pass by pass, as a worker would record it."""

    def __init__(self, lock: SimulatedLock) -> None:
        super().__init__(lock)
        self.told: list[tuple[datetime, int, str]] = []
        self.raised: dict[int, frozenset[str]] = {}
        self.started: dict[int, int] = {}
        self.heard: list[CodeFact] = []

    def declare(self, *entries: Declared) -> None:
        super().declare(*(replace(one, declared_at=self.now) for one in entries))

    def look(self) -> None:
        """A pass tells twice: what the reading changed, and what the writes did."""
        before = dict(self.beliefs)
        self.read()
        self._tell(before)
        before = dict(self.beliefs)
        super().look()
        self._tell(before)
        for id, one in self.declared.items():
            already = self.raised.get(id.int, frozenset())
            for fact in alarms_due(one, self.beliefs[id], self.capabilities, self.now, already):
                assert fact.alarm is not None
                self.raised[id.int] = self.raised.get(id.int, frozenset()) | {fact.alarm}
                self._hear(id.int, fact)
            already_started = self.started.get(id.int)
            begun = start_due(one, self.beliefs[id], self.capabilities, self.now, already_started)
            if begun is not None:
                self.started[id.int] = one.revision
                self._hear(id.int, begun)

    def _tell(self, before: dict[UUID, Belief]) -> None:
        for id, one in self.declared.items():
            for fact in events_of_belief(one, before[id], self.beliefs[id], self.capabilities, self.now):
                self._hear(id.int, fact)

    def _hear(self, number: int, fact: CodeFact) -> None:
        self.heard.append(fact)
        self.told.append((self.now, number, fact.event.kind.removeprefix("access_code.")))

    def kinds(self) -> list[str]:
        return [kind for _, _, kind in self.told]


def ear(name: str = "cloud keypad") -> Ear:
    return Ear(SimulatedLock(LOCKS[name]))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_event_has_a_name_a_meaning_and_nothing_secret(kind: str) -> None:
    event = KINDS[kind]
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", kind)
    assert event.__doc__
    assert not event.__doc__.startswith(f"{event.__name__}("), "say what it means"
    assert not {f.name for f in fields(event)} & FORBIDDEN
    assert "".join(part.title() for part in re.split(r"[._]", kind)) == event.__name__


def test_ids_are_subjects_and_the_rest_is_payload() -> None:
    at = T0
    event = LockUnlocked(device_id="device_1", access_code_id="code_1", at=at, how="code")
    assert event.subjects() == {"device_id": "device_1", "access_code_id": "code_1"}
    assert event.payload() == {"at": "2026-06-01T12:00:00Z", "how": "code"}


def test_a_failure_is_told_where_there_is_one() -> None:
    assert CalendarAdded(calendar_id="calendar_1").payload() == {}
    said = CalendarFailed(calendar_id="calendar_1", code="feed_empty", cause="Empty.", next_step="Wait.")
    assert said.payload() == {"code": "feed_empty", "cause": "Empty.", "next_step": "Wait."}


@pytest.mark.parametrize("name", LOCKS)
def test_a_codes_life_is_told_once_step_by_step(name: str) -> None:
    keeper = ear(name)
    keeper.declare(declare(1, 1, 2, 5))
    keeper.run(hours(3))
    # On a lock that cannot keep it back, a code that was written ahead opens from then on.
    schedule = LOCKS[name].schedule
    is_ahead = schedule.is_own or schedule.can_hold_disabled
    assert keeper.kinds() == ["set_on_device", *(["started"] if is_ahead else [])]
    assert keeper.heard[0].details["is_ahead"] is is_ahead
    told = len(keeper.heard)
    keeper.declare(declare(1, 2, 2, 6, revision=2))
    keeper.run(hours(4))
    # Where nothing can be changed in place, it is taken off and set anew.
    between = [] if LOCKS[name].can_update else ["removed_from_device"]
    assert keeper.kinds()[told:] == [*between, "set_on_device"]
    assert keeper.heard[-1].details["is_ahead"] is False
    keeper.run(hours(8))
    assert keeper.kinds()[told + len(between) + 1 :] == ["removed_from_device"]
    assert keeper.heard[-1].details == {"is_for_good": True}


def test_events_of_an_entry_become_events_of_each_of_its_codes() -> None:
    keeper = ear()
    keeper.declare(declare(1, 1, 0, 5))
    keeper.run(hours(1))
    (fact,) = keeper.heard
    event = fact.about(access_code_id="code_1", device_id="device_1", access_grant_id="grant_1")
    assert event.kind == "access_code.set_on_device"
    told = {"evidence": "listed", "is_enabled": True, "is_ahead": False, "revision": 1}
    assert event.payload() == told
    assert event.subjects()["access_grant_id"] == "grant_1"


def test_a_code_held_disabled_is_told_as_set_once_and_not_again_when_it_is_enabled() -> None:
    keeper = ear("slots, held disabled")
    keeper.declare(declare(1, 1, 2, 5))
    keeper.run(hours(4))
    assert keeper.kinds() == ["set_on_device", "started"]
    assert keeper.heard[0].details["is_enabled"] is False


def test_an_edit_made_elsewhere_is_told_and_so_is_its_repair() -> None:
    keeper = ear()
    keeper.declare(declare(1, 1, 0, 90))
    keeper.run(hours(1))
    (mine,) = keeper.lock.entries
    keeper.lock.edit(mine, keeper.now, fingerprint=digits(99))
    keeper.run(hours(2))
    keeper.lock.remove(mine)
    keeper.lock.remember(keeper.now)
    keeper.run(hours(3))
    assert keeper.kinds() == [
        "set_on_device",
        "modified_outside",
        "set_on_device",
        "removed_outside",
        "set_on_device",
    ]


def test_two_systems_at_work_on_one_lock_are_told_once() -> None:
    keeper = ear()
    keeper.declare(declare(1, 1, 0, 90))
    keeper.run(hours(1))
    for n in range(5):
        (mine,) = keeper.lock.entries
        keeper.lock.edit(mine, keeper.now, fingerprint=digits(99))
        keeper.run(hours(2 + n))
    assert Counter(keeper.kinds())["overwritten_again"] == 1
    assert Counter(keeper.kinds())["modified_outside"] == 5


def test_an_answer_that_does_not_come_is_told_as_unconfirmed() -> None:
    keeper = ear()
    keeper.luck = iter([Luck.LOST_AFTER, *[Luck.WELL] * 9]).__next__
    keeper.declare(declare(1, 1, 0, 90))
    keeper.run(hours(1))
    assert keeper.kinds() == ["unconfirmed", "set_on_device"]


def test_a_code_that_never_came_is_not_told_as_removed() -> None:
    keeper = ear()
    keeper.luck = iter([Luck.LOST_BEFORE, *[Luck.WELL] * 9]).__next__
    keeper.declare(declare(1, 1, 0, 90))
    keeper.look()
    keeper.withdraw(1)
    keeper.run(hours(1))
    assert keeper.kinds() == ["unconfirmed"]


def test_what_is_never_seen_is_told_as_late_and_given_up_once_each() -> None:
    keeper = ear()
    keeper.luck = lambda: Luck.LIED
    keeper.declare(declare(1, 1, 3, 90))
    keeper.run(hours(30))
    assert keeper.kinds() == ["failed_to_set", "late", "missed_start"]
    told = {kind: at for at, _, kind in keeper.told}
    assert told["late"] == hours(2), "an hour before the arrival"
    assert told["missed_start"] == hours(3)
    assert len(keeper.writes) == MOST_ATTEMPTS


def test_a_code_that_does_not_go_is_told_within_five_minutes() -> None:
    keeper = ear()
    keeper.declare(declare(1, 1, 0, 5))
    keeper.run(hours(1))
    keeper.luck = lambda: Luck.LIED
    keeper.run(hours(9))
    assert keeper.told[-1] == (hours(5) + timedelta(minutes=5), 1, "failed_to_remove")
    assert keeper.kinds() == ["set_on_device", "failed_to_remove"]


@examples(60)
@given(stories(), st.lists(st.sampled_from([*Luck]), max_size=4))
def test_what_is_gone_is_not_told_as_gone_again_before_it_was_set_again(
    story: Story, lucks: list[Luck]
) -> None:
    keeper = Ear(SimulatedLock(story.capabilities))
    keeper.luck = iter([*lucks, *[Luck.WELL] * 999]).__next__
    keeper.declare(*story.before)
    keeper.run(hours(story.changes_at))
    story.change(keeper)
    keeper.run(hours(16))
    for number in {n for _, n, _ in keeper.told}:
        kinds = [k for _, n, k in keeper.told if n == number]
        told = [k for k in kinds if k in ("set_on_device", "removed_from_device", "removed_outside")]
        for one, other in itertools.pairwise(told):
            assert "set_on_device" in (one, other), kinds


def test_alarms_say_what_is_wrong_and_what_to_do() -> None:
    one = declare(1, 1, 0, 90)
    fact, missed = alarms_due(one, Belief(), LOCKS["cloud keypad"], hours(1))
    assert missed.event is AccessCodeMissedStart
    event = fact.about(access_code_id="code_1", device_id="device_1")
    assert isinstance(event, AccessCodeLate)
    assert event.code == "late"
    assert event.next_step
    raised = frozenset({str(fact.alarm), str(missed.alarm)})
    assert alarms_due(one, Belief(), LOCKS["cloud keypad"], hours(1), raised) == []
    again = replace(one, revision=2)
    assert alarms_due(again, Belief(), LOCKS["cloud keypad"], hours(1), raised)


REFUSED = {"code": "rule_broken", "cause": "The vendor says no.", "next_step": "Give other digits.", "at": ""}


def test_a_refusal_is_told_once_for_what_is_declared_and_says_whether_it_was_an_update() -> None:
    one, lock = declare(1, 1, 0, 90, revision=2), LOCKS["cloud keypad"]
    fact = refusal_due(one, Belief(), lock, hours(1), REFUSED)
    assert fact is not None
    event = fact.about(access_code_id="code_1", device_id="device_1")
    assert isinstance(event, AccessCodeFailedToSet)
    assert (event.code, event.is_update) == ("rule_broken", False)
    raised = frozenset({str(fact.alarm)})
    assert refusal_due(one, Belief(), lock, hours(1), REFUSED, raised) is None
    assert refusal_due(replace(one, revision=3), Belief(), lock, hours(1), REFUSED, raised)
    before = Belief(frozenset({carried(1)}))
    update = refusal_due(one, before, lock, hours(1), REFUSED)
    assert update is not None
    assert update.details["is_update"]


@pytest.mark.parametrize("code", ["device_offline", "vendor_busy", "given_up", "digits_may_be_on_lock"])
def test_what_is_not_the_codes_own_fault_or_has_an_alarm_of_its_own_is_no_refusal(code: str) -> None:
    lock = LOCKS["cloud keypad"]
    assert refusal_due(declare(1, 1, 0, 90), Belief(), lock, hours(1), REFUSED | {"code": code}) is None


def test_a_code_that_is_to_be_gone_is_not_told_as_refused() -> None:
    lock = LOCKS["cloud keypad"]
    gone = replace(declare(1, 1, 0, 90), withdrawn_at=hours(1))
    assert refusal_due(gone, Belief(), lock, hours(2), REFUSED) is None
    assert refusal_due(declare(1, 1, 0, 1), Belief(), lock, hours(2), REFUSED) is None
