"""Steps that the cases share: digits and names that obey, codes set and found again, errors caught."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from lockstep.driver.changes import Change, EnsureAbsent, EnsurePresent, Intent, Issue, ObserveScope
from lockstep.driver.conformance.world import World
from lockstep.driver.contract import Driver, ObservedEntry, Reading
from lockstep.driver.outcomes import Accepted, Done, DriverError, Outcome
from lockstep.kit.ids import new_id
from lockstep.model.capabilities import Addressing, Capabilities, CodeChooser, Evidence, ReadBack
from lockstep.model.constraints import breaches_of_code
from lockstep.model.naming import entry_name
from lockstep.model.window import Window

DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A code that the vendor said yes to, and where it stands."""

    targets: frozenset[str]
    reference: str
    digits: str = field(repr=False)
    window: Window
    name: str = field(repr=False)
    done: Done


def intent() -> Intent:
    """Ten seconds for one call."""
    return Intent(new_id(), DEADLINE_SECONDS)


def some_digits(world: World, index: int = 0) -> str:
    """The digits numbered `index` of those that the lock allows; another index, other digits."""
    found = _allowed(world.traits.capabilities)
    for _ in range(index):
        next(found)
    return next(found)


def some_name(world: World, index: int = 0) -> str:
    """A name as Lockstep writes it, with a tag of its own."""
    tag = f"t{index:04d}"
    return entry_name(f"Guest {index}", tag, world.traits.capabilities.name)


def open_window(world: World, hours: int = 24) -> Window:
    """A window that has just begun, in whole steps of the lock."""
    return window_in(world, timedelta(0), timedelta(hours=hours))


def window_in(world: World, begins_in: timedelta, lasts: timedelta) -> Window:
    """A window in whole steps of the lock, counted from the step that is running."""
    step = max(world.traits.capabilities.schedule.granularity, timedelta(minutes=1))
    now = world.clock.now()
    begun = Window(now, now + step).widened_to(step).starts_at
    return Window(begun + begins_in, begun + begins_in + lasts)


async def finished(world: World, driver: Driver, outcome: Outcome) -> Outcome:
    """Follow a job to its end, letting time pass; any other outcome as it is."""
    while isinstance(outcome, Accepted):
        world.clock.set(max(outcome.look_at, world.clock.now() + timedelta(seconds=1)))
        outcome = await driver.follow(outcome.token)
    return outcome


async def change_of(
    world: World,
    driver: Driver,
    index: int = 0,
    *,
    targets: frozenset[str] | None = None,
    digits: str | None = None,
    window: Window | None = None,
    name: str | None = None,
    is_enabled: bool = True,
) -> Change:
    """What makes one more code, on the first target unless told otherwise."""
    capabilities = world.traits.capabilities
    targets = targets or frozenset({world.targets[0]})
    window = window or open_window(world)
    name = some_name(world, index) if name is None else name
    place = None
    if capabilities.addressing is Addressing.SLOT:
        taken = frozenset(entry.reference for entry in (await read(driver, targets)).entries)
        if capabilities.read_back is ReadBack.NONE:
            # Nothing shows which slots are taken; each index has one of its own.
            taken = frozenset(_slots_before(driver, targets, index))
        place = driver.place(targets, taken, capabilities.most_codes)
    if capabilities.chooser is CodeChooser.VENDOR:
        return Issue(targets, window, name, place)
    chosen = digits or some_digits(world, index)
    return EnsurePresent(targets, chosen, window, name, is_enabled=is_enabled, place=place)


async def set_code(
    world: World,
    driver: Driver,
    index: int = 0,
    *,
    targets: frozenset[str] | None = None,
    digits: str | None = None,
    window: Window | None = None,
    name: str | None = None,
    is_enabled: bool = True,
) -> Placed:
    """A code set, settled, and found again. Fails where the vendor does not say yes."""
    change = await change_of(
        world,
        driver,
        index,
        targets=targets,
        digits=digits,
        window=window,
        name=name,
        is_enabled=is_enabled,
    )
    assert not isinstance(change, EnsureAbsent)
    done = said_yes(await finished(world, driver, await driver.apply(intent(), change)))
    world.settle()
    reference = done.reference
    if reference is None:
        assert not world.traits.tells_references, "the vendor tells references, this outcome has none"
        entry = await entry_named(world, change.targets, change.name)
        assert entry is not None, "a code that was set does not stand in the reading after it has settled"
        reference = entry.reference
    placed_digits = change.digits if isinstance(change, EnsurePresent) else done.material
    assert placed_digits, "the vendor computes digits, this outcome has none"
    return Placed(change.targets, reference, placed_digits, change.window, change.name, done)


async def change_code(
    world: World,
    driver: Driver,
    placed: Placed,
    *,
    digits: str | None = None,
    window: Window | None = None,
    targets: frozenset[str] | None = None,
    is_enabled: bool = True,
) -> Placed:
    """The full state written again in place, settled."""
    change = EnsurePresent(
        targets or placed.targets,
        digits or placed.digits,
        window or placed.window,
        placed.name,
        is_enabled=is_enabled,
        reference=placed.reference,
    )
    done = said_yes(await finished(world, driver, await driver.apply(intent(), change)))
    world.settle()
    reference = done.reference or placed.reference
    return Placed(change.targets, reference, digits or placed.digits, change.window, change.name, done)


async def remove_code(world: World, driver: Driver, placed: Placed) -> Done:
    """A code removed, settled."""
    absent = EnsureAbsent(placed.targets, placed.reference)
    done = said_yes(await finished(world, driver, await driver.apply(intent(), absent)))
    world.settle()
    return done


async def read(driver: Driver, targets: frozenset[str]) -> Reading:
    """One observation of some targets."""
    return await driver.observe(ObserveScope(targets))


async def entry_at(world: World, placed: Placed) -> ObservedEntry | None:
    """The entry with the reference of `placed`, as a driver made anew reads it."""
    reading = await read(world.driver(), placed.targets)
    return next((entry for entry in reading.entries if entry.reference == placed.reference), None)


async def entry_named(world: World, targets: frozenset[str], name: str) -> ObservedEntry | None:
    """The one entry with this name, as a driver made anew reads it."""
    reading = await read(world.driver(), targets)
    found = [entry for entry in reading.entries if entry.name == name]
    assert len(found) <= 1, "two entries carry the name of one code"
    return found[0] if found else None


def is_proven(entry: ObservedEntry | None, capabilities: Capabilities) -> bool:
    """Whether a reading shows an entry with the best evidence that the driver can give."""
    return entry is not None and entry.evidence >= capabilities.best_evidence


def proves_the_device(capabilities: Capabilities) -> bool:
    """Whether the best evidence comes from the lock itself."""
    return capabilities.best_evidence >= Evidence.ACKNOWLEDGED


def said_yes(outcome: Outcome) -> Done:
    """The outcome, which has to be Done."""
    assert isinstance(outcome, Done), f"the vendor did not say yes: {outcome!r}"
    return outcome


async def error_of(asked: Awaitable[object]) -> DriverError:
    """The DriverError that a call raises. Fails where it raises none."""
    try:
        answer = await asked
    except DriverError as error:
        return error
    raise AssertionError(f"an error was due, this came: {answer!r}")


def _allowed(capabilities: Capabilities) -> Iterator[str]:
    lengths = capabilities.code_lengths
    length = 6 if 6 in lengths else min(lengths)
    seen = set()
    for step in range(10**length):
        digits = f"{(step * 7919 + 358_241) % 10**length:0{length}d}"
        if digits not in seen and not breaches_of_code(digits, capabilities):
            seen.add(digits)
            yield digits


def _slots_before(driver: Driver, targets: frozenset[str], index: int) -> list[str]:
    taken: list[str] = []
    for _ in range(index):
        place = driver.place(targets, frozenset(taken), None)
        assert place is not None, "no slot is free on a lock without codes"
        taken.append(place)
    return taken
