"""The cases and which of them apply to a world. Knows pytest as little as any vendor.

A vendor's test file parametrises over `applicable(...)` and awaits each case with a fresh world:

    @pytest.mark.parametrize(("profile", "case"), [pytest.param(p, c, id=f"{p}-{c.name}") for ...])
    async def test_the_driver_conforms(profile: str, case: Case) -> None:
        async with make_world(profile) as world:
            await case(world)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from lockstep.driver.conformance.world import Traits, World

Requirement = Callable[[Traits], bool]


@dataclass(frozen=True, slots=True)
class Case:
    """One behaviour, named by a sentence; `applies` tells from the traits whether a world must show it."""

    run: Callable[[World], Awaitable[None]]
    applies: Requirement

    @property
    def name(self) -> str:
        return self.run.__name__

    async def __call__(self, world: World) -> None:
        """Raise AssertionError where the driver does not conform."""
        await self.run(world)


class Cases:
    """The cases of one subject, in the order in which they are written."""

    def __init__(self) -> None:
        self.all: list[Case] = []

    def when(
        self, *requirements: Requirement
    ) -> Callable[[Callable[[World], Awaitable[None]]], Callable[[World], Awaitable[None]]]:
        """Add a case that applies where every requirement holds (none: always)."""

        def add(run: Callable[[World], Awaitable[None]]) -> Callable[[World], Awaitable[None]]:
            self.all.append(Case(run, lambda traits: all(holds(traits) for holds in requirements)))
            return run

        return add


def applicable(cases: Iterable[Case], traits: Traits) -> list[Case]:
    """The cases that a world with these traits must pass."""
    return [case for case in cases if case.applies(traits)]
