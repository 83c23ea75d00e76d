"""Codes that are not ours, and others who write to ours."""

from __future__ import annotations

from lockstep.driver.changes import EnsurePresent
from lockstep.driver.conformance.requirements import (
    caller_chooses,
    can_be_read,
    can_delete,
    can_update,
    has_app,
    is_addressed_by_slot,
    shows_content,
)
from lockstep.driver.conformance.steps import (
    change_code,
    change_of,
    entry_at,
    finished,
    intent,
    read,
    remove_code,
    set_code,
    some_digits,
    some_name,
)
from lockstep.driver.conformance.suite import Cases
from lockstep.driver.conformance.world import World
from lockstep.driver.outcomes import Done

strangers = Cases()


@strangers.when(has_app, caller_chooses)
async def a_foreign_code_is_untouched_by_all_that_we_write(world: World) -> None:
    driver = world.driver()
    foreign = some_digits(world, 9)
    reference = world.app_add(world.targets[0], foreign, None, some_name(world, 9))
    world.settle()
    # A lock that shows nothing cannot tell which slots are foreign: those before ours are.
    placed = await set_code(world, driver, 1)
    if can_update(world.traits):
        placed = await change_code(world, driver, placed, digits=some_digits(world, 2))
    if can_delete(world.traits):
        await remove_code(world, driver, placed)
    assert world.enter(world.targets[0], foreign)
    if can_be_read(world.traits):
        reading = await read(world.driver(), placed.targets)
        assert reference in {entry.reference for entry in reading.entries}


@strangers.when(has_app, shows_content)
async def a_second_writers_edit_is_shown(world: World) -> None:
    placed = await set_code(world, world.driver())
    before = await entry_at(world, placed)
    assert before is not None
    world.app_edit(world.targets[0], placed.reference, some_digits(world, 3))
    world.settle()
    after = await entry_at(world, placed)
    assert after is not None
    assert (after.digits, after.version) != (before.digits, before.version)


@strangers.when(has_app, can_update)
async def our_next_write_puts_the_whole_state_back(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    edited = some_digits(world, 3)
    world.app_edit(world.targets[0], placed.reference, edited)
    world.settle()
    assert world.enter(world.targets[0], edited)
    await change_code(world, driver, placed)
    assert world.enter(world.targets[0], placed.digits)
    assert not world.enter(world.targets[0], edited)


@strangers.when(has_app, can_be_read)
async def a_code_deleted_by_a_second_writer_is_shown_no_more(world: World) -> None:
    placed = await set_code(world, world.driver())
    world.app_delete(world.targets[0], placed.reference)
    world.settle()
    assert await entry_at(world, placed) is None
    assert not world.enter(world.targets[0], placed.digits)


@strangers.when(has_app, can_delete)
async def removing_what_a_second_writer_deleted_is_no_error(world: World) -> None:
    driver = world.driver()
    placed = await set_code(world, driver)
    world.app_delete(world.targets[0], placed.reference)
    world.settle()
    await remove_code(world, driver, placed)


@strangers.when(has_app, is_addressed_by_slot, caller_chooses)
async def a_place_that_a_second_writer_took_meanwhile_is_not_overwritten(world: World) -> None:
    driver = world.driver()
    change = await change_of(world, driver)
    assert isinstance(change, EnsurePresent)
    foreign = some_digits(world, 9)
    reference = world.app_add(world.targets[0], foreign, None, some_name(world, 9))
    assert reference == change.place, "both took the first free place"
    outcome = await finished(world, driver, await driver.apply(intent(), change))
    assert not isinstance(outcome, Done)
    world.settle()
    assert world.enter(world.targets[0], foreign)
    assert not world.enter(world.targets[0], change.digits or "")
