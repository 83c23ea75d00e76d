"""Calendars of which nothing new is told: what is written, and how long that is believed."""

from datetime import timedelta

import pytest
from tests.workers.calendars.hosted import Hosted, stay

from lockstep.emulation.feeds import FeedFaultKind
from lockstep.operations import spaces

THREE = [stay(1, 5, 8), stay(2, 10, 12), stay(3, 12, 15)]


@pytest.mark.parametrize("platform", ["airbnb", "booking_com", "vrbo"])
async def test_a_quiet_calendar_writes_nothing(hosted: Hosted, house: spaces.Space, platform: str) -> None:
    await hosted.add(house.space_id, "flat", platform, *THREE)
    before = await hosted.all_that_is_kept()
    await hosted.quarters(3)
    assert hosted.board.feeds["flat"].asked == 4
    assert hosted.board.feeds["flat"].not_modified == 3
    assert await hosted.all_that_is_kept() == before


async def test_a_host_that_says_not_modified_for_ever_is_asked_for_the_whole_once_a_day(
    hosted: Hosted, house: spaces.Space
) -> None:
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    hosted.fault("flat", FeedFaultKind.STUCK_304)
    shown = [*THREE]
    for days, new in enumerate((stay(4, 20, 22), stay(5, 25, 28)), 1):
        shown.append(new)
        hosted.show("flat", *shown)
        await hosted.quarters(95)
        assert (new.arrives, new.departs) not in await hosted.living()
        await hosted.quarters(1)
        assert (new.arrives, new.departs) in await hosted.living()
        assert hosted.board.feeds["flat"].asked == 1 + 96 * days


async def test_a_calendar_that_is_sent_whole_each_time_is_quiet_too(
    hosted: Hosted, house: spaces.Space
) -> None:
    # With bookings of another calendar nearby, "not modified" would not do.
    await hosted.add(house.space_id, "vrbo", "vrbo", stay(9, 20, 25))
    await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    await hosted.quarters(1)
    before = await hosted.all_that_is_kept()
    await hosted.quarters(2)
    assert hosted.board.feeds["flat"].not_modified == 0
    assert await hosted.all_that_is_kept() == before


async def test_when_it_was_read_last_is_known_to_the_hour(hosted: Hosted, house: spaces.Space) -> None:
    calendar = await hosted.add(house.space_id, "flat", "airbnb", *THREE)
    await hosted.quarters(9)
    good_at = (await hosted.get(calendar)).good_at
    assert good_at is not None
    assert hosted.clock.now() - good_at < timedelta(hours=1)
