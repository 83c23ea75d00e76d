"""Digits never reach a log line, an error or a printed value."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from lockstep.driver.changes import Change
from lockstep.driver.conformance.requirements import caller_chooses
from lockstep.driver.conformance.steps import change_of, finished, intent, read, set_code, some_digits
from lockstep.driver.conformance.suite import Cases
from lockstep.driver.conformance.world import Calls, Trouble, World
from lockstep.driver.outcomes import DriverError

secrecy = Cases()


@secrecy.when()
async def no_outcome_error_or_log_line_shows_digits(world: World) -> None:
    capabilities = world.traits.capabilities
    with _logged() as lines:
        placed = await set_code(world, world.driver())
        secret = placed.digits
        said = [repr(placed.done), str(placed.done)]
        reading = await read(world.driver(), placed.targets)
        said += [repr(reading), str(reading.entries)]
        # A double, a broken rule, and whatever the world lets go wrong: vendors repeat digits in what they say.
        said += await _said_of(world, await _change(world, secret))
        for kind in sorted(world.traits.troubles & {*Trouble} - {Trouble.WRITE_LATE, Trouble.WRITE_LOST}):
            world.trouble(kind, Calls.READS if kind is Trouble.STALE else Calls.WRITES)
            said += await _said_of(world, await _change(world, secret))
            world.calm()
        if caller_chooses(world.traits):
            too_long = (secret * 3)[: max(capabilities.code_lengths) + 1]
            said += await _said_of(world, await _change(world, too_long))
    for line in [*said, *lines]:
        assert secret not in line, line.replace(secret, "(the digits)")


async def _change(world: World, digits: str) -> Change:
    chosen = digits if caller_chooses(world.traits) else some_digits(world, 1)
    return await change_of(world, world.driver(), 1, digits=chosen)


async def _said_of(world: World, change: Change) -> list[str]:
    """Everything that can be printed of a change and what came of it."""
    said = [repr(change), str(change)]
    driver = world.driver()
    try:
        outcome = await finished(world, driver, await driver.apply(intent(), change))
        said += [repr(outcome), str(outcome)]
    except DriverError as error:
        said += [repr(error), str(error), error.said, *traceback.format_exception(error)]
    world.settle()
    return said


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.exc_info or ''}")


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Every line that anybody logs meanwhile, debug lines included."""
    root, handler = logging.getLogger(), _Lines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
