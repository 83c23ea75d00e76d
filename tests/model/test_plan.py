"""What a plan promises, whatever the lock can do: tried on a simulated lock that knows the vendor's rules itself."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.simulated import (
    HOUR,
    T0,
    Keeper,
    Luck,
    SimulatedLock,
    declare,
    digits,
    entry_id,
    expected,
    hours,
)
from tests.model.strategies import LOCKS, READABLE, Story, examples, stories

from lockstep.model.access_code import is_late
from lockstep.model.belief import Belief
from lockstep.model.capabilities import (
    Capabilities,
    Delete,
    DuplicateBehaviour,
    Duplicates,
    Evidence,
    NameRules,
)
from lockstep.model.declared import ABSENT, Declared, due_instants
from lockstep.model.plan import (
    Change,
    Foreign,
    Hold,
    Kind,
    Plan,
    first_thought,
    is_doubtful,
    next_thought,
    plan,
)

MOST_STEPS = 40


def steps(keeper: Keeper) -> list[Change]:
    """Follow the plan one change at a time, with proof after each, until it is empty."""
    made: list[Change] = []
    keeper.settle()
    while changes := keeper.plan().changes:
        assert len(made) < MOST_STEPS, f"the plan never empties: {changes}"
        change = next((c for c in changes if not c.waits_for), None)
        assert change is not None, f"every change waits for another: {changes}"
        assert keeper.write(change), keeper.lock.refusals
        made.append(change)
        keeper.settle()
    return made


@examples(150)
@given(stories())
def test_applying_a_plan_change_by_change_empties_the_next_and_the_lock_refuses_nothing(story: Story) -> None:
    keeper = story.begun()
    story.change(keeper)
    steps(keeper)
    assert keeper.lock.refusals == []
    assert not keeper.plan().held()


@examples(150)
@given(stories())
def test_applying_all_changes_of_one_plan_in_their_order_empties_the_next(story: Story) -> None:
    """Each is proven before the next is made, and none is planned anew in between: so what a change waits for stands
    before it, and a plan leaves nothing over.

    Of stories in which everybody has a place and digits of his own in the end, since a plan that holds somebody back
    waits for more than its own changes; in which every write comes through; and on an even hour or half, so that
    nothing falls due within the minutes that the changes take."""
    keeper = story.begun()
    story.change(keeper)
    keeper.settle()
    planned = keeper.plan()
    assert not planned.held()
    done: set[UUID] = set()
    for change in planned.changes:
        assert change.waits_for <= done, "it waits for what does not stand before it"
        assert keeper.write(change), keeper.lock.refusals
        keeper.settle()
        done.add(change.entry_id)
    assert keeper.plan() == Plan()


@examples(100)
@given(stories())
def test_the_lock_carries_what_is_declared_once_the_plan_is_empty(story: Story) -> None:
    keeper = story.begun()
    story.change(keeper)
    steps(keeper)
    door = expected(keeper.declared, story.capabilities, keeper.now, keeper.lock)
    for code in range(1, 6):
        assert keeper.lock.opens(digits(code), keeper.now) == door.get(digits(code), set())


@examples(60)
@given(stories())
def test_until_time_makes_something_due_a_quiet_lock_is_left_alone(story: Story) -> None:
    keeper = story.begun()
    story.change(keeper)
    steps(keeper)
    written = len(keeper.writes)
    windows = [d.spec.window for d in keeper.declared.values()]
    instants = {w.starts_at - HOUR for w in windows} | {w.starts_at for w in windows}
    instants |= {w.ends_at for w in windows if w.ends_at is not None}
    until = min((at for at in instants if at > keeper.now), default=keeper.now + 24 * HOUR)
    while keeper.now + timedelta(minutes=7) < until:
        keeper.now += timedelta(minutes=7)
        keeper.look()
        assert keeper.plan().is_empty
    assert len(keeper.writes) == written


@pytest.mark.parametrize("name", LOCKS)
def test_an_entry_that_stands_as_declared_is_never_written_again(name: str) -> None:
    keeper = Keeper(SimulatedLock(LOCKS[name]))
    keeper.declare(declare(1, 1, 0, None))
    keeper.run(hours(1))
    assert [c.kind for _, c, _ in keeper.writes] == [Kind.SET]
    keeper.run(hours(24 * 7))
    assert len(keeper.writes) == 1


@examples(80)
@given(stories())
def test_codes_that_are_not_ours_stay_untouched(story: Story) -> None:
    keeper = story.begun()
    strangers = [e for e in keeper.lock.entries.values() if e.owner is None]
    story.change(keeper)
    steps(keeper)
    assert [e for e in keeper.lock.entries.values() if e.owner is None] == strangers


@examples(80)
@given(stories(), st.randoms(use_true_random=False))
def test_the_order_in_which_entries_are_given_does_not_matter(story: Story, random: Random) -> None:
    keeper = story.begun()
    story.change(keeper)
    shuffled = list(keeper.declared.values())
    random.shuffle(shuffled)
    again = plan(shuffled, keeper.beliefs, keeper.specs, story.capabilities, keeper.now, keeper.foreign)
    assert (again.changes, again.held()) == (keeper.plan().changes, keeper.plan().held())


@examples(100)
@given(stories())
def test_no_prefix_of_a_plan_opens_what_neither_its_start_nor_its_end_opens(story: Story) -> None:
    keeper = story.begun()
    instants = [keeper.now + timedelta(minutes=20) * n for n in range(60)]
    codes = [digits(n) for n in range(1, 6)]

    def door() -> set[tuple[UUID, datetime]]:
        return {(c, at) for c in codes for at in instants if keeper.lock.opens(c, at)}

    prefixes = [door()]
    keeper.lock.on_change = lambda: prefixes.append(door())
    story.change(keeper)
    steps(keeper)
    for opened in prefixes:
        assert opened <= prefixes[0] | prefixes[-1]


@examples(100)
@given(stories())
def test_no_entry_ever_opens_outside_its_old_and_its_new_window(story: Story) -> None:
    keeper = story.begun()
    story.change(keeper)

    def check() -> None:
        for entry in keeper.lock.entries.values():
            if entry.owner is not None:
                assert entry.window in {s.window for s in keeper.specs[entry.owner].values()}

    keeper.lock.on_change = check
    steps(keeper)


@examples(100)
@given(stories())
def test_no_two_codes_with_the_same_digits_stand_where_the_vendor_forbids_it(story: Story) -> None:
    lenient = Duplicates(DuplicateBehaviour.SILENT, story.capabilities.duplicates.compared_by)
    story = replace(story, capabilities=replace(story.capabilities, duplicates=lenient))
    keeper = story.begun()
    story.change(keeper)

    def check() -> None:
        for one, other in itertools.combinations(keeper.lock.entries.values(), 2):
            assert not keeper.lock.clashes(one, other)

    keeper.lock.on_change = check
    steps(keeper)


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_digits_swapped_round_a_full_lock_end_right(name: str, count: int) -> None:
    capabilities = replace(READABLE[name], most_codes=count)
    keeper = Keeper(SimulatedLock(capabilities))
    keeper.declare(*(declare(n, n, -1, 9) for n in range(1, count + 1)))
    keeper.run(hours(1))
    keeper.declare(*(declare(n, n % count + 1, -1, 9, revision=2) for n in range(1, count + 1)))
    made = steps(keeper)
    assert keeper.lock.refusals == []
    for n in range(1, count + 1):
        assert keeper.lock.opens(digits(n % count + 1), keeper.now) == {entry_id(n)}
    if capabilities.can_update and capabilities.duplicates.behaviour is DuplicateBehaviour.ERROR:
        # One is taken off to make room; the others change in place, and no guest but one is ever without a code.
        assert [c.kind for c in made].count(Kind.REMOVE) == 1


def test_a_circle_is_broken_at_its_least_urgent_member_and_nobody_beside_it_is_taken_off() -> None:
    """Two guests who are inside and one who arrives later swap digits; a fourth waits for none of this."""
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, -2, 9), declare(2, 2, -1, 9), declare(3, 3, 5, 9), declare(4, 4, 7, 9))
    keeper.run(hours(1))
    keeper.declare(
        declare(1, 2, -2, 9, 2), declare(2, 3, -1, 9, 2), declare(3, 1, 5, 9, 2), declare(4, 5, 7, 9, 2)
    )
    made = keeper.plan().changes
    assert [c.entry_id for c in made if c.kind is Kind.REMOVE] == [entry_id(3)]


def test_a_set_comes_before_a_removal_that_nothing_needs() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, -2, 9))
    keeper.run(hours(1))
    keeper.withdraw(1)
    keeper.declare(declare(2, 2, -1, 9))
    assert [c.kind for c in keeper.plan().changes] == [Kind.SET, Kind.REMOVE]


def test_a_compromised_code_goes_first() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, -2, 9))
    keeper.run(hours(1))
    gone = replace(keeper.declared[entry_id(1)], withdrawn_at=keeper.now, is_compromised=True)
    keeper.declare(gone, declare(2, 2, -1, 9))
    assert [c.kind for c in keeper.plan().changes] == [Kind.REMOVE, Kind.SET]


def test_where_nothing_changes_in_place_a_code_is_taken_off_only_once_its_new_digits_are_free() -> None:
    keeper = Keeper(SimulatedLock(Capabilities(can_update=False)))
    keeper.declare(declare(1, 1, -2, 9), declare(2, 2, -1, 9))
    keeper.run(hours(1))
    keeper.withdraw(2)
    keeper.declare(declare(1, 2, -2, 9, revision=2))
    first, second, third = keeper.plan().changes
    assert (first.kind, first.entry_id, first.waits_for) == (Kind.REMOVE, entry_id(2), frozenset())
    assert (second.kind, second.entry_id, second.waits_for) == (
        Kind.REMOVE,
        entry_id(1),
        frozenset({entry_id(2)}),
    )
    assert (third.kind, third.waits_for) == (Kind.SET, frozenset({entry_id(1), entry_id(2)}))


@pytest.mark.parametrize(
    ("held", "hold"),
    [
        ("foreign digits", Hold.TAKEN_BY_FOREIGN),
        ("ambiguous", Hold.AMBIGUOUS),
        ("written too often", Hold.GIVEN_UP),
        ("unsettled", Hold.LOOK),
        ("same digits as ours", Hold.DUPLICATE),
        ("no place", Hold.FULL),
    ],
)
def test_what_cannot_be_written_now_is_held_and_says_why(held: str, hold: Hold) -> None:
    one = declare(1, 1, -1, 9)
    inside = declare(2, 1 if held == "same digits as ours" else 2, -2, 9)
    beliefs = {
        one.entry_id: {
            "written too often": Belief(tried=("1",) * 5),
            "unsettled": Belief(frozenset({ABSENT, "1"}), last_write_at=T0, tried=("1",)),
        }.get(held, Belief()),
        inside.entry_id: Belief(frozenset({"1"}), Evidence.LISTED, frozenset({"id1"}), proven_at=T0),
    }
    foreign = Foreign(
        fingerprints=frozenset({digits(1)} if held == "foreign digits" else ()),
        ambiguous=frozenset({one.entry_id} if held == "ambiguous" else ()),
    )
    capabilities = Capabilities(most_codes=1 if held == "no place" else None)
    specs = {d.entry_id: {1: d.spec} for d in (one, inside)}
    planned = plan([one, inside], beliefs, specs, capabilities, T0, foreign)
    assert planned.is_empty
    assert planned.held() == {one.entry_id: hold}


def test_of_two_new_entries_with_the_same_digits_only_the_more_urgent_is_set() -> None:
    soon, later = declare(1, 1, 1, 9), declare(2, 1, 2, 9)
    specs = {d.entry_id: {1: d.spec} for d in (soon, later)}
    planned = plan([later, soon], {}, specs, Capabilities(), T0)
    assert [c.entry_id for c in planned.changes] == [soon.entry_id]
    assert planned.held() == {later.entry_id: Hold.DUPLICATE}


def test_digits_are_not_waited_for_where_their_holder_only_moves_its_window() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, 2, 9))
    keeper.run(hours(1))
    keeper.declare(declare(1, 1, 2, 12, revision=2), declare(2, 1, 14, 19))
    planned = keeper.plan()
    assert [c.entry_id for c in planned.changes] == [entry_id(1)]
    assert planned.held() == {entry_id(2): Hold.TURN}


def test_digits_that_a_later_guest_has_on_the_lock_already_go_to_the_sooner_one_and_come_back_after_his_stay() -> (
    None
):
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, 20, 29))
    keeper.run(hours(1))
    keeper.declare(declare(2, 1, 2, 9))
    planned = keeper.plan()
    assert [(c.kind, c.entry_id, c.waits_for) for c in planned.changes] == [
        (Kind.REMOVE, entry_id(1), frozenset()),
        (Kind.SET, entry_id(2), frozenset({entry_id(1)})),
    ]
    assert planned.held() == {entry_id(1): Hold.TURN}
    keeper.run(hours(3))
    assert keeper.lock.opens(digits(1), keeper.now) == {entry_id(2)}
    keeper.run(hours(21))
    assert keeper.lock.opens(digits(1), keeper.now) == {entry_id(1)}


def test_who_is_inside_keeps_the_digits_that_a_guest_who_arrives_wants_as_well() -> None:
    keeper = Keeper(SimulatedLock(Capabilities()))
    keeper.declare(declare(1, 1, -1, 9))
    keeper.run(hours(1))
    keeper.declare(declare(2, 1, 9, 19))
    assert keeper.plan().held() == {entry_id(2): Hold.TURN}
    assert keeper.plan().is_empty


def test_a_lock_that_cannot_be_read_is_looked_at_as_soon_as_its_last_write_has_settled() -> None:
    keeper = Keeper(SimulatedLock(LOCKS["slots unread"]))
    keeper.declare(declare(1, 1, -1, 9))
    keeper.look()
    keeper.declare(declare(1, 2, -1, 9, revision=2))
    keeper.look()
    assert keeper.look_at == T0 + keeper.capabilities.settling


def test_what_lies_far_ahead_is_first_thought_of_when_it_is_to_be_written() -> None:
    capabilities = SimulatedLock(LOCKS["slots unread"]).capabilities
    far, near = declare(1, 1, 1000, 1009), declare(2, 2, 1, 9)
    at = first_thought(far, capabilities, T0)
    assert T0 < at == min(due_instants(far, capabilities))
    assert first_thought(near, capabilities, T0) == T0
    assert first_thought(far, capabilities, at) == at


def test_a_tombstone_is_looked_at_when_its_horizon_is_over() -> None:
    keeper = Keeper(SimulatedLock(LOCKS["slow to apply"]), lambda: Luck.LOST_BEFORE)
    keeper.declare(declare(1, 1, -1, 9))
    keeper.look()
    keeper.withdraw(1)
    keeper.settle()
    late_until = keeper.beliefs[entry_id(1)].late_until
    assert late_until is not None
    looks = []
    while keeper.now < late_until + HOUR:
        keeper.now = next_thought(
            list(keeper.declared.values()), keeper.beliefs, keeper.capabilities, keeper.now
        ) or hours(99)
        keeper.read()
        looks.append(keeper.now)
    assert late_until in looks
    assert looks[-1] == hours(99), "afterwards there is nothing to look at"


def test_a_code_that_nobody_can_take_back_is_held_and_not_removed() -> None:
    one = declare(1, 1, -9, -1)
    beliefs = {one.entry_id: Belief(frozenset({"1"}), Evidence.LISTED, proven_at=T0)}
    capabilities = Capabilities(delete=Delete.IMPOSSIBLE)
    planned = plan([one], beliefs, {one.entry_id: {1: one.spec}}, capabilities, T0)
    assert planned.held() == {one.entry_id: Hold.NOT_REVOCABLE}
    assert planned.is_empty


def test_a_place_is_not_kept_for_an_entry_whose_digits_somebody_else_has() -> None:
    soon, later = declare(1, 1, 1, 9), declare(2, 2, 2, 9)
    specs = {d.entry_id: {1: d.spec} for d in (soon, later)}
    foreign = Foreign(places=1, fingerprints=frozenset({digits(1)}))
    planned = plan([soon, later], {}, specs, Capabilities(most_codes=2), T0, foreign)
    assert [c.entry_id for c in planned.changes] == [later.entry_id]
    assert planned.held() == {soon.entry_id: Hold.TAKEN_BY_FOREIGN}


def test_a_place_is_not_kept_for_an_entry_whose_digits_another_of_ours_keeps() -> None:
    inside, soon, later = declare(1, 1, -1, 9), declare(2, 1, 1, 9), declare(3, 3, 2, 9)
    specs = {d.entry_id: {1: d.spec} for d in (inside, soon, later)}
    there = Belief(frozenset({"1"}), Evidence.LISTED, frozenset({"id1"}), proven_at=T0)
    beliefs = {inside.entry_id: there}
    planned = plan([inside, soon, later], beliefs, specs, Capabilities(most_codes=2), T0)
    assert [c.entry_id for c in planned.changes] == [later.entry_id]
    assert planned.held() == {soon.entry_id: Hold.DUPLICATE}


def test_what_cannot_be_taken_off_keeps_its_place() -> None:
    over, soon, later = declare(1, 1, -9, -1), declare(2, 2, 1, 9), declare(3, 3, 2, 9)
    specs = {d.entry_id: {1: d.spec} for d in (over, soon, later)}
    there = Belief(frozenset({"1"}), Evidence.LISTED, frozenset({"id1"}), proven_at=T0)
    beliefs = {over.entry_id: replace(there, tried=(ABSENT,) * 5), later.entry_id: there}
    planned = plan([over, soon, later], beliefs, specs, Capabilities(most_codes=2), T0)
    assert [(c.kind, c.entry_id.int) for c in planned.changes] == [(Kind.REMOVE, 3), (Kind.SET, 2)]
    assert planned.held() == {over.entry_id: Hold.GIVEN_UP, later.entry_id: Hold.FULL}


def test_a_backup_code_stands_where_a_place_is_left_and_leaves_it_to_whoever_arrives() -> None:
    spare, soon = declare(1, 1, -1, 9, is_spare=True), declare(2, 2, 1, 9)
    specs = {d.entry_id: {1: d.spec} for d in (spare, soon)}
    there = Belief(frozenset({"1"}), Evidence.LISTED, frozenset({"id1"}), proven_at=T0)
    alone = plan([spare], {}, specs, Capabilities(most_codes=1), T0)
    assert [(c.kind, c.entry_id.int) for c in alone.changes] == [(Kind.SET, 1)]
    crowded = plan([spare, soon], {spare.entry_id: there}, specs, Capabilities(most_codes=1), T0)
    assert [(c.kind, c.entry_id.int) for c in crowded.changes] == [(Kind.REMOVE, 1), (Kind.SET, 2)]
    late = replace(spare, declared_at=T0)
    assert not is_late(late, Belief(), Capabilities(), T0 + timedelta(hours=5)), "nobody arrives by it"


def test_a_second_copy_goes_once_the_entry_itself_is_right() -> None:
    one = declare(1, 1, -1, 9)
    right = Belief(frozenset({"1"}), Evidence.LISTED, frozenset({"id1"}), proven_at=T0)
    foreign = Foreign(surplus=((one.entry_id, "id2"),))
    specs = {one.entry_id: {1: one.spec}}
    assert plan([one], {one.entry_id: right}, specs, Capabilities(), T0, foreign).changes == (
        Change(Kind.REMOVE, one.entry_id, "1", reference="id2"),
    )
    wrong = replace(right, possible=frozenset({"other"}))
    made = plan([one], {one.entry_id: wrong}, specs, Capabilities(), T0, foreign).changes
    assert [c.kind for c in made] == [Kind.SET]


def test_a_second_copy_goes_first_where_it_has_the_name_that_the_vendor_takes_once() -> None:
    one = declare(1, 1, -1, 9)
    wrong = Belief(frozenset({"other"}), Evidence.LISTED, frozenset({"id1"}), proven_at=T0)
    foreign = Foreign(surplus=((one.entry_id, "id2"),))
    takes_a_name_once = Capabilities(name=NameRules(is_unique=True))
    made = plan([one], {one.entry_id: wrong}, {one.entry_id: {1: one.spec}}, takes_a_name_once, T0, foreign)
    assert made.changes == (Change(Kind.REMOVE, one.entry_id, "other", reference="id2"),)


def crowded(random: Random) -> tuple[list[Declared], dict[UUID, Belief], Capabilities, int]:
    """A lock with too few places, some of them taken already, one sometimes by somebody else."""
    count = random.randint(1, 8)
    entries = [declare(n, n, random.randint(-6, 20), 30, 1) for n in range(1, count + 1)]
    beliefs = {}
    places = random.randint(1, 6)
    foreign = random.randint(0, min(2, places - 1))
    for one in random.sample(entries, min(count, random.randint(0, places - foreign))):
        beliefs[one.entry_id] = Belief(frozenset({"1"}), Evidence.LISTED, frozenset({"x"}), proven_at=T0)
    for one in entries:
        if random.random() < 0.15:
            entries[entries.index(one)] = replace(one, withdrawn_at=T0)
    return entries, beliefs, Capabilities(most_codes=places), foreign


def best_of_all(entries: list[Declared], present: set[UUID], places: int) -> set[UUID]:
    """Brute force: of all sets that fit, with everybody in it who is inside and on the lock, the one that serves the
    soonest arrivals."""
    wanted = [d for d in entries if d.withdrawn_at is None]

    def arrival(one: Declared) -> tuple[bool, datetime, UUID]:
        return (one.spec.window.starts_at > T0, one.spec.window.starts_at, one.entry_id)

    inside = {d.entry_id for d in wanted if d.entry_id in present and d.spec.window.starts_at <= T0}
    fitting = [
        chosen
        for size in range(len(wanted) + 1)
        for chosen in itertools.combinations(sorted(wanted, key=arrival), size)
        if size <= max(places, len(inside)) and inside <= {d.entry_id for d in chosen}
    ]
    last = (True, T0 + timedelta(days=9999), UUID(int=2**128 - 1))
    best = min(
        fitting,
        key=lambda c: [arrival(d) for d in c if d.entry_id not in inside] + [last] * (len(wanted) + 1),
    )
    return {d.entry_id for d in best}


def test_soonest_first_equals_brute_force_and_nobody_inside_is_evicted() -> None:
    for seed in range(1_000):
        entries, beliefs, capabilities, foreign = crowded(Random(seed))
        specs = {d.entry_id: {1: d.spec} for d in entries}
        planned = plan(entries, beliefs, specs, capabilities, T0, Foreign(places=foreign))
        removed = {c.entry_id for c in planned.changes if c.kind is Kind.REMOVE}
        standing = (set(beliefs) - removed) | {c.entry_id for c in planned.changes if c.kind is Kind.SET}
        assert capabilities.most_codes is not None
        best = best_of_all(entries, set(beliefs), capabilities.most_codes - foreign)
        assert standing == best, f"seed {seed}"
        inside = {d.entry_id for d in entries if d.is_inside(T0)} & set(beliefs)
        assert not inside & removed, f"seed {seed}"
        left_out = {d.entry_id for d in entries if d.withdrawn_at is None} - best
        assert left_out == {i for i, h in planned.held().items() if h is Hold.FULL}, f"seed {seed}"


@pytest.mark.parametrize(
    ("before", "missing", "is_doubt"),
    [(0, 0, False), (1, 1, False), (2, 1, False), (2, 2, True), (3, 1, False), (3, 2, True), (10, 5, False)],
)
def test_a_reading_that_lacks_too_much_at_once_is_a_doubt(before: int, missing: int, is_doubt: bool) -> None:
    assert is_doubtful(before, missing) is is_doubt
