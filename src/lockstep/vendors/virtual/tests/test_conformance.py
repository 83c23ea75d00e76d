"""The conformance suite on every model of the virtual vendor's catalogue."""

from __future__ import annotations

import pytest

from lockstep.driver.conformance.cases import ALL_CASES
from lockstep.driver.conformance.suite import Case, applicable
from lockstep.vendors.virtual.emulator.features import models
from lockstep.vendors.virtual.tests.worlds import open_world, traits_of

APPLICABLE = [
    pytest.param(model, case, id=f"{model}-{case.name}")
    for model in models()
    for case in applicable(ALL_CASES, traits_of(model))
]


@pytest.mark.parametrize(("model", "case"), APPLICABLE)
async def test_the_driver_conforms(model: str, case: Case) -> None:
    async with open_world(model) as world:
        await case(world)


def test_every_case_is_shown_by_at_least_one_model() -> None:
    shown = {case.name for model in models() for case in applicable(ALL_CASES, traits_of(model))}
    assert shown == {case.name for case in ALL_CASES}
