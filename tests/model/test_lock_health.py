"""How a battery stands, and when going offline again and again is more than being offline."""

from __future__ import annotations

import pytest
from tests.model.simulated import hours

from lockstep.model.lock_health import Battery, battery, has_steadied, is_flaky, outages_with


@pytest.mark.parametrize(
    ("level", "is_critical", "stands"),
    [
        (None, None, None),
        (None, True, Battery.CRITICAL),
        (0.9, True, Battery.CRITICAL),
        (0.1, False, Battery.LOW),
        (0.5, False, Battery.GOOD),
        (0.9, None, Battery.FULL),
    ],
)
def test_a_battery_stands_as_its_level_and_its_vendor_say(
    level: float | None, is_critical: bool | None, stands: Battery | None
) -> None:
    assert battery(level, is_critical=is_critical) is stands


def test_three_outages_within_an_hour_are_flaky_until_an_hour_without_one() -> None:
    outages = outages_with(outages_with([], hours(0)), hours(0.9))
    assert not is_flaky(outages)
    assert not is_flaky(outages_with(outages, hours(1.5))), "the first is too long ago"
    outages = outages_with(outages, hours(0.95))
    assert is_flaky(outages)
    outages = outages_with(outages, hours(1.9))
    assert is_flaky(outages), "not steady for an hour yet"
    assert not has_steadied(outages, hours(2.8))
    assert has_steadied(outages, hours(2.9))
    assert not has_steadied([hours(0)], hours(9)), "it was not flaky"
