"""The Nuki driver passes the suite that every driver passes, whatever the vendor's silence may mean."""

from __future__ import annotations

from typing import Any

import pytest

from lockstep.driver.conformance.cases import ALL_CASES
from lockstep.driver.conformance.suite import Case, applicable
from lockstep.vendors.nuki.tests.worlds import nuki_world, traits_of

# Where the vendor's documents are silent or its customers disagree, each answer is a world of its own.
WORLDS: dict[str, dict[str, Any]] = {
    "listed-after-the-device-has-it": {},
    "listed-before-the-device-has-it": {"listing": "before", "updates_show": "before"},
    "digits-hidden": {"returns_digits": False},
    "digits-hidden-and-listed-before": {
        "returns_digits": False,
        "listing": "before",
        "updates_show": "before",
    },
    "slow-queue": {"write_delay_seconds": 25},
    "writes-kept-for-offline-locks": {"offline_writes": "kept"},
    "partial-limits-ignored": {"partial_limits_ignored": True},
}

CASES = [
    pytest.param(switches, case, id=f"{name}-{case.name}")
    for name, switches in WORLDS.items()
    for case in applicable(ALL_CASES, traits_of(**switches))
]


@pytest.mark.parametrize(("switches", "case"), CASES)
async def test_the_driver_conforms(switches: dict[str, Any], case: Case) -> None:
    async with nuki_world(**switches) as world:
        await case(world)
