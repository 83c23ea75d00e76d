"""How instants are said: by the property's clocks, across midnights, zones and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lockstep.http.pages import words
from lockstep.model.window import Window

AMSTERDAM, AUCKLAND = "Europe/Amsterdam", "Pacific/Auckland"


def utc(month: int, day: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone", "now", "said"),
    [
        (utc(6, 1, 13), AMSTERDAM, utc(6, 1, 4), "15:00"),
        (utc(6, 1, 13), None, utc(6, 1, 4), "13:00"),
        (utc(6, 2, 9), AMSTERDAM, utc(6, 1, 4), "tomorrow 11:00"),
        (utc(6, 1, 21, 59), AMSTERDAM, utc(6, 1, 22, 1), "yesterday 23:59"),
        (utc(6, 1, 22, 1), AMSTERDAM, utc(6, 1, 22, 2), "00:01"),
        (utc(6, 5, 13), AMSTERDAM, utc(6, 1, 4), "Fri 5 June 15:00"),
        (utc(1, 2, 11, year=2027), AMSTERDAM, utc(12, 30, 11), "Sat 2 January 2027 12:00"),
        (utc(6, 1, 12), AUCKLAND, utc(6, 1, 11), "tomorrow 00:00"),
        (utc(10, 25, 0, 30), AMSTERDAM, utc(10, 25, 0), "02:30"),
        (utc(10, 25, 1, 30), AMSTERDAM, utc(10, 25, 0), "02:30"),
        (utc(3, 29, 1), AMSTERDAM, utc(3, 29, 0, 59), "03:00"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_instant_is_told_by_the_clocks_of_the_place(
    at: datetime, zone: str | None, now: datetime, said: str
) -> None:
    assert words.moment(at, zone, now) == said


def test_the_whole_of_an_instant_is_there_for_people_and_machines() -> None:
    assert words.full(utc(6, 1, 13), AMSTERDAM) == "Monday 1 June 2026, 15:00"
    assert words.iso(utc(6, 1, 13)) == "2026-06-01T13:00:00Z"


@pytest.mark.parametrize(
    ("zone", "place"),
    [("Europe/Amsterdam", "Amsterdam"), ("America/Argentina/Buenos_Aires", "Buenos Aires"), (None, "UTC")],
)
def test_a_zone_is_named_by_its_place(zone: str | None, place: str) -> None:
    assert words.place_of(zone) == place


def test_a_code_that_opens_outside_of_the_stay_is_worth_telling() -> None:
    starts_at, ends_at = utc(6, 1, 13), utc(6, 3, 9)
    exact = Window(starts_at, ends_at)
    assert not words.opens_early(exact, starts_at)
    assert not words.opens_late(exact, ends_at)
    wide = Window(utc(6, 1, 12), utc(6, 3, 10))
    assert words.opens_early(wide, starts_at)
    assert words.opens_late(wide, ends_at)
    assert words.opens_late(Window(starts_at), ends_at)
    assert not words.opens_late(Window(starts_at), None)
