"""Codes set, changed and removed, and what a reading then shows."""

from __future__ import annotations

from datetime import timedelta

from lockstep.driver.changes import EnsureAbsent, EnsurePresent
from lockstep.driver.conformance.requirements import (
    can_be_read,
    can_delete,
    can_update,
    cannot_delete,
    cannot_update,
    has_own_schedule,
    opens_one_door,
    opens_several_doors,
    shows_content,
)
from lockstep.driver.conformance.steps import (
    change_code,
    entry_at,
    finished,
    intent,
    is_proven,
    read,
    remove_code,
    set_code,
    some_digits,
    window_in,
)
from lockstep.driver.conformance.suite import Cases
from lockstep.driver.conformance.world import World
from lockstep.driver.outcomes import Done, Reason, Refused
from lockstep.model.capabilities import Evidence, ReadBack
from lockstep.model.window import Window

writing = Cases()


@writing.when()
async def a_code_that_is_set_opens_its_door_and_no_other(world: World) -> None:
    placed = await set_code(world, world.driver())
    assert world.enter(world.targets[0], placed.digits)
    assert not world.enter(world.targets[1], placed.digits)
    assert not world.enter(world.targets[0], some_digits(world, 7))


@writing.when(can_be_read)
async def a_code_that_is_set_is_shown_with_the_best_evidence(world: World) -> None:
    capabilities = world.traits.capabilities
    placed = await set_code(world, world.driver())
    entry = await entry_at(world, placed)
    assert entry is not None
    assert is_proven(entry, capabilities)
    assert entry.evidence <= capabilities.best_evidence, "more evidence than the driver can give"
    assert entry.targets == placed.targets
    assert entry.is_code
    if capabilities.name.is_kept:
        assert entry.name == placed.name


@writing.when(shows_content)
async def a_reading_shows_what_the_capabilities_promise(world: World) -> None:
    capabilities = world.traits.capabilities
    placed = await set_code(world, world.driver())
    entry = await entry_at(world, placed)
    assert entry is not None
    if capabilities.read_back is ReadBack.DIGITS:
        assert entry.digits == placed.digits
    else:
        assert entry.digits is None
        assert entry.version is not None
        assert entry.version == placed.done.version
    if capabilities.schedule.is_own:
        assert entry.window is not None
        assert entry.window.same_from(placed.done.window or placed.window, world.clock.now())


@writing.when(can_update)
async def a_code_that_is_changed_opens_with_its_new_digits_alone(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    changed = await change_code(world, driver, placed, digits=some_digits(world, 1))
    assert changed.reference == placed.reference
    assert world.enter(world.targets[0], changed.digits)
    assert not world.enter(world.targets[0], placed.digits)


@writing.when(can_update, has_own_schedule)
async def a_window_that_is_moved_keeps_its_digits(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    ends_at = placed.window.ends_at
    assert ends_at is not None
    longer = Window(placed.window.starts_at, ends_at + (ends_at - placed.window.starts_at))
    await change_code(world, driver, placed, window=longer)
    world.clock.set(ends_at)
    assert world.enter(world.targets[0], placed.digits)


@writing.when(can_update, has_own_schedule)
async def digits_that_nobody_knows_stay_where_the_rest_is_changed(world: World) -> None:
    """Or the driver refuses, and nothing is changed."""
    driver = world.driver()
    placed = await set_code(world, driver)
    ends_at = placed.window.ends_at
    assert ends_at is not None
    longer = Window(placed.window.starts_at, ends_at + (ends_at - placed.window.starts_at))
    unknown = EnsurePresent(placed.targets, None, longer, placed.name, reference=placed.reference)
    outcome = await finished(world, driver, await driver.apply(intent(), unknown))
    world.settle()
    assert world.enter(world.targets[0], placed.digits)
    if not isinstance(outcome, Refused):
        world.clock.set(ends_at)
        assert world.enter(world.targets[0], placed.digits)


@writing.when(cannot_update)
async def a_lock_that_cannot_change_in_place_refuses_a_change(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    other = some_digits(world, 1)
    change = EnsurePresent(placed.targets, other, placed.window, placed.name, reference=placed.reference)
    assert isinstance(await driver.apply(intent(), change), Refused)
    world.settle()
    assert world.enter(world.targets[0], placed.digits)
    assert not world.enter(world.targets[0], other)


@writing.when(can_delete)
async def a_code_that_is_removed_opens_nothing_and_is_shown_no_more(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    await remove_code(world, driver, placed)
    assert not world.enter(world.targets[0], placed.digits)
    assert await entry_at(world, placed) is None


@writing.when(can_delete)
async def removing_what_is_gone_is_no_error(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    await remove_code(world, driver, placed)
    await remove_code(world, driver, placed)


@writing.when(cannot_delete)
async def a_code_that_cannot_be_taken_back_says_so(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    outcome = await driver.apply(intent(), EnsureAbsent(placed.targets, placed.reference))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.NOT_REVOCABLE
    assert world.enter(world.targets[0], placed.digits)


@writing.when(opens_one_door)
async def two_codes_stand_side_by_side(world: World) -> None:
    driver = world.driver()
    one, two = await set_code(world, driver, 0), await set_code(world, driver, 1)
    assert one.reference != two.reference
    assert world.enter(world.targets[0], one.digits)
    assert world.enter(world.targets[0], two.digits)


@writing.when()
async def each_write_is_one_call_and_a_reading_none(world: World) -> None:
    driver = world.driver()
    before = world.mutating_calls()
    placed = await set_code(world, driver)
    assert world.mutating_calls() == before + 1
    await world.driver().describe()
    await read(world.driver(), frozenset(world.targets))
    assert world.mutating_calls() == before + 1
    if can_update(world.traits):
        placed = await change_code(world, driver, placed, digits=some_digits(world, 1))
        before += 1
    if can_delete(world.traits):
        await remove_code(world, driver, placed)
        before += 1
    assert world.mutating_calls() == before + 1


@writing.when()
async def a_yes_claims_no_more_than_was_proven(world: World) -> None:
    placed = await set_code(world, world.driver())
    assert isinstance(placed.done, Done)
    assert Evidence.NONE < placed.done.evidence <= world.traits.capabilities.best_evidence


@writing.when(opens_several_doors)
async def one_credential_opens_all_its_doors_and_is_one_entry(world: World) -> None:
    driver, doors = world.driver(), frozenset(world.targets[:2])
    before = world.mutating_calls()
    placed = await set_code(world, driver, targets=doors)
    assert world.mutating_calls() <= before + len(doors)
    assert all(world.enter(door, placed.digits) for door in doors)
    reading = await read(world.driver(), frozenset(world.targets))
    assert [entry.targets for entry in reading.entries] == [doors]


@writing.when(opens_several_doors, can_update)
async def a_door_that_is_taken_from_a_credential_closes(world: World) -> None:
    driver, doors = world.driver(), frozenset(world.targets[:2])
    placed = await set_code(world, driver, targets=doors)
    changed = await change_code(world, driver, placed, targets=frozenset({world.targets[0]}))
    assert world.enter(world.targets[0], changed.digits)
    assert not world.enter(world.targets[1], changed.digits)


@writing.when(opens_several_doors, can_delete)
async def a_credential_that_is_removed_opens_none_of_its_doors(world: World) -> None:
    driver, doors = world.driver(), frozenset(world.targets[:2])
    placed = await set_code(world, driver, targets=doors)
    await remove_code(world, driver, placed)
    assert not any(world.enter(door, placed.digits) for door in doors)


@writing.when()
async def describing_twice_gives_the_same(world: World) -> None:
    one, two = await world.driver().describe(), await world.driver().describe()
    assert one.account == two.account
    assert {(t.reference, t.domain, t.capabilities) for t in one.targets} == {
        (t.reference, t.domain, t.capabilities) for t in two.targets
    }
    told = {target.reference: target for target in one.targets}
    assert set(world.targets) <= set(told)
    for target in world.targets:
        assert told[target].capabilities == world.traits.capabilities


@writing.when(opens_several_doors)
async def doors_of_one_credential_are_one_write_domain(world: World) -> None:
    described = await world.driver().describe()
    domains = {target.domain for target in described.targets if target.reference in world.targets}
    assert len(domains) == 1


@writing.when()
async def a_reading_is_complete_for_what_was_asked_and_says_when_it_began(world: World) -> None:
    begun_at = world.clock.now()
    reading = await read(world.driver(), frozenset(world.targets))
    assert reading.begun_at == begun_at
    assert reading.complete_for >= frozenset(world.targets)
    assert not [e for e in reading.entries if e.is_code and e.targets & frozenset(world.targets)]
    one = await read(world.driver(), frozenset({world.targets[0]}))
    assert world.targets[0] in one.complete_for


@writing.when(has_own_schedule, can_be_read)
async def a_code_for_later_is_set_and_shown_before_it_opens(world: World) -> None:
    window = window_in(world, timedelta(hours=30), timedelta(hours=48))
    placed = await set_code(world, world.driver(), window=window)
    assert not world.enter(world.targets[0], placed.digits)
    assert is_proven(await entry_at(world, placed), world.traits.capabilities)
