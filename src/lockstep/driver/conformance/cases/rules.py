"""Rules for digits, names and places, as the capabilities tell them and the vendor holds them."""

from __future__ import annotations

import re
from datetime import timedelta

from lockstep.driver.changes import EnsurePresent
from lockstep.driver.conformance.requirements import (
    caller_chooses,
    can_be_read,
    compares_by_presence,
    compares_by_window,
    device_proves,
    duplicates,
    has_app,
    has_code_rules,
    has_few_places,
    has_name_characters,
    has_unique_names,
    is_addressed_by_slot,
    is_unique_per_lock,
    is_unique_per_site,
    keeps_names,
)
from lockstep.driver.conformance.steps import (
    change_of,
    entry_named,
    finished,
    intent,
    is_proven,
    proves_the_device,
    set_code,
    some_digits,
    some_name,
    window_in,
)
from lockstep.driver.conformance.suite import Cases
from lockstep.driver.conformance.world import World
from lockstep.driver.contract import ObservedEntry
from lockstep.driver.outcomes import Outcome, Reason, Refused
from lockstep.model.capabilities import DuplicateBehaviour, ReadBack
from lockstep.model.constraints import CONSTRAINTS

rules = Cases()


@rules.when(caller_chooses)
async def digits_of_another_length_are_refused(world: World) -> None:
    lengths = world.traits.capabilities.code_lengths
    for length in {min(lengths) - 1, max(lengths) + 1} - {0}:
        digits = (some_digits(world, 3) * 3)[:length]
        _is_refused(await _try(world, digits=digits), Reason.RULE_BROKEN)
        assert not world.enter(world.targets[0], digits)


@rules.when(has_code_rules)
async def digits_against_each_rule_are_refused(world: World) -> None:
    for rule in world.traits.capabilities.constraints:
        digits = _digits_against(rule, world)
        _is_refused(await _try(world, digits=digits), Reason.RULE_BROKEN)
        assert not world.enter(world.targets[0], digits)


@rules.when(keeps_names)
async def a_name_as_long_as_allowed_is_kept_whole(world: World) -> None:
    name = _long_name(world, world.traits.capabilities.name.longest)
    placed = await set_code(world, world.driver(), name=name)
    assert await entry_named(world, placed.targets, name) is not None


@rules.when(keeps_names)
async def a_name_that_is_too_long_is_cut_or_refused_as_told(world: World) -> None:
    named = world.traits.capabilities.name
    name = _long_name(world, named.longest + 1)
    outcome = await _try(world, name=name)
    if not named.truncates:
        _is_refused(outcome, Reason.RULE_BROKEN)
        return
    world.settle()
    targets = frozenset({world.targets[0]})
    assert await entry_named(world, targets, name[: named.longest]) is not None


@rules.when(has_name_characters)
async def a_name_of_other_characters_is_refused(world: World) -> None:
    pattern = world.traits.capabilities.name.pattern
    assert pattern is not None
    other = next(c for c in "-_é# Aa1" if not re.fullmatch(pattern, c))
    _is_refused(await _try(world, name=f"A{other}b"), Reason.RULE_BROKEN)


@rules.when(has_unique_names)
async def a_name_that_is_taken_is_refused(world: World) -> None:
    placed = await set_code(world, world.driver(), 0)
    _is_refused(await _try(world, 1, name=placed.name), Reason.RULE_BROKEN)


@rules.when(caller_chooses, duplicates(DuplicateBehaviour.ERROR))
async def digits_that_are_taken_are_refused_and_the_first_code_opens_on(world: World) -> None:
    placed = await set_code(world, world.driver(), 0)
    _is_refused(await _try(world, 1, digits=placed.digits), Reason.DUPLICATE_DIGITS)
    world.settle()
    assert world.enter(world.targets[0], placed.digits)
    assert await _shown(world, some_name(world, 1)) is None


@rules.when(caller_chooses, duplicates(DuplicateBehaviour.SILENT), device_proves, keeps_names)
async def digits_that_are_dropped_silently_are_never_proven(world: World) -> None:
    await set_code(world, world.driver(), 0)
    outcome = await _try(world, 1, digits=some_digits(world, 0))
    assert not isinstance(outcome, Refused)
    world.settle()
    world.clock.advance(world.traits.capabilities.late_apply)
    entry = await entry_named(world, frozenset({world.targets[0]}), some_name(world, 1))
    assert not is_proven(entry, world.traits.capabilities)


@rules.when(caller_chooses, duplicates(DuplicateBehaviour.ACCEPTED))
async def digits_may_be_given_twice_where_told(world: World) -> None:
    one = await set_code(world, world.driver(), 0)
    two = await set_code(world, world.driver(), 1, digits=one.digits)
    assert one.reference != two.reference


@rules.when(caller_chooses, duplicates(DuplicateBehaviour.ERROR), compares_by_window)
async def digits_may_be_given_twice_for_windows_that_do_not_overlap(world: World) -> None:
    driver = world.driver()
    first = window_in(world, timedelta(hours=2), timedelta(hours=2))
    second = window_in(world, timedelta(hours=4), timedelta(hours=2))
    one = await set_code(world, driver, 0, window=first)
    two = await set_code(world, driver, 1, digits=one.digits, window=second)
    for window in (first, second):
        world.clock.set(window.starts_at)
        assert world.enter(world.targets[0], two.digits)
    overlapping = window_in(world, timedelta(hours=0), timedelta(hours=1))
    _is_refused(await _try(world, 2, digits=one.digits, window=overlapping), Reason.DUPLICATE_DIGITS)


@rules.when(caller_chooses, duplicates(DuplicateBehaviour.ERROR), compares_by_presence)
async def digits_are_refused_while_present_also_for_another_window(world: World) -> None:
    first = window_in(world, timedelta(hours=2), timedelta(hours=2))
    second = window_in(world, timedelta(hours=8), timedelta(hours=2))
    one = await set_code(world, world.driver(), 0, window=first)
    _is_refused(await _try(world, 1, digits=one.digits, window=second), Reason.DUPLICATE_DIGITS)


@rules.when(caller_chooses, is_unique_per_lock)
async def another_lock_takes_the_same_digits(world: World) -> None:
    driver = world.driver()
    one = await set_code(world, driver, 0)
    await set_code(world, driver, 1, digits=one.digits, targets=frozenset({world.targets[1]}))
    assert world.enter(world.targets[1], one.digits)


@rules.when(caller_chooses, is_unique_per_site, duplicates(DuplicateBehaviour.ERROR))
async def another_door_of_the_site_refuses_the_same_digits(world: World) -> None:
    one = await set_code(world, world.driver(), 0)
    outcome = await _try(world, 1, digits=one.digits, targets=frozenset({world.targets[1]}))
    _is_refused(outcome, Reason.DUPLICATE_DIGITS)


@rules.when(has_few_places, has_app, can_be_read)
async def a_lock_that_is_full_says_so_or_is_never_believed(world: World) -> None:
    """Where the cloud learns of it from the device alone, the yes comes first and the proof never."""
    most = world.traits.capabilities.most_codes
    assert most is not None
    for index in range(1, most + 1):
        world.app_add(world.targets[0], some_digits(world, index), None, some_name(world, index))
    outcome = await _try(world, 0)
    if isinstance(outcome, Refused):
        assert outcome.reason is Reason.FULL
    world.settle()
    assert not world.enter(world.targets[0], some_digits(world, 0))
    shown = await _shown(world, some_name(world, 0))
    assert shown is None or (
        proves_the_device(world.traits.capabilities) and not is_proven(shown, world.traits.capabilities)
    )


@rules.when(is_addressed_by_slot, caller_chooses)
async def a_place_is_the_first_that_is_free_and_none_when_all_are_taken(world: World) -> None:
    driver, targets = world.driver(), frozenset({world.targets[0]})
    most = world.traits.capabilities.most_codes or 3
    taken: set[str] = set()
    for _ in range(most):
        place = driver.place(targets, frozenset(taken), most)
        assert place is not None
        assert place not in taken
        taken.add(place)
    assert driver.place(targets, frozenset(taken), most) is None
    freed = min(taken)
    assert driver.place(targets, frozenset(taken - {freed}), most) == freed


async def _try(world: World, index: int = 5, **wanted: object) -> Outcome:
    """A set that need not succeed."""
    driver = world.driver()
    change = await change_of(world, driver, index, **wanted)  # type: ignore[arg-type]
    assert isinstance(change, EnsurePresent) or not caller_chooses(world.traits)
    return await finished(world, driver, await driver.apply(intent(), change))


async def _shown(world: World, name: str) -> ObservedEntry | None:
    capabilities = world.traits.capabilities
    if not capabilities.name.is_kept or capabilities.read_back is ReadBack.NONE:
        return None
    return await entry_named(world, frozenset({world.targets[0]}), name)


def _is_refused(outcome: Outcome, reason: Reason) -> None:
    assert isinstance(outcome, Refused), f"a refusal was due, this came: {outcome!r}"
    assert outcome.reason is reason, f"{outcome.said}"


def _long_name(world: World, length: int) -> str:
    pattern = world.traits.capabilities.name.pattern
    letters = [c for c in "Guest name abcdefg12345" if pattern is None or re.fullmatch(pattern, c)]
    return "".join(letters[n % len(letters)] for n in range(length - 1)) + letters[0]


def _digits_against(rule: str, world: World) -> str:
    lengths = world.traits.capabilities.code_lengths
    length = 6 if 6 in lengths else min(lengths)
    for number in range(10**length):
        digits = f"{(number * 7919 + 123_456) % 10**length:0{length}d}"
        if not CONSTRAINTS[rule].allows(digits):
            return digits
    raise AssertionError(f"no digits break {rule}")
