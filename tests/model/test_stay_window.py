"""Dates and a property's hours become one window of instants, whatever the clocks do meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.stay_window import (
    HouseTimes,
    TimeZoneUnknown,
    arrival_instant,
    departure_instant,
    stay_window,
)
from lockstep.model.window import WindowEmpty


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "arrives", "departs", "starts_at", "ends_at"),
    [
        ("UTC", "2025-06-01", "2025-06-03", "2025-06-01T15:00", "2025-06-03T11:00"),
        ("Europe/Paris", "2025-06-01", "2025-06-03", "2025-06-01T13:00", "2025-06-03T09:00"),
        ("Europe/Paris", "2025-03-29", "2025-03-30", "2025-03-29T14:00", "2025-03-30T09:00"),
        ("Europe/Paris", "2025-10-25", "2025-10-26", "2025-10-25T13:00", "2025-10-26T10:00"),
        ("America/New_York", "2025-03-08", "2025-03-09", "2025-03-08T20:00", "2025-03-09T15:00"),
        ("Pacific/Tongatapu", "2025-06-01", "2025-06-03", "2025-06-01T02:00", "2025-06-02T22:00"),
        ("Pacific/Pago_Pago", "2025-06-01", "2025-06-03", "2025-06-02T02:00", "2025-06-03T22:00"),
        ("Pacific/Kiritimati", "2025-06-01", "2025-06-02", "2025-06-01T01:00", "2025-06-01T21:00"),
        ("Asia/Kathmandu", "2025-06-01", "2025-06-02", "2025-06-01T09:15", "2025-06-02T05:15"),
        ("Pacific/Apia", "2011-12-29", "2011-12-31", "2011-12-30T01:00", "2011-12-30T21:00"),
    ],
)
def test_a_stay_lasts_from_check_in_to_check_out_on_the_propertys_clocks(
    zone: str, arrives: str, departs: str, starts_at: str, ends_at: str
) -> None:
    window = stay_window(date.fromisoformat(arrives), date.fromisoformat(departs), HouseTimes(zone))
    assert (window.starts_at, window.ends_at) == (utc(starts_at), utc(ends_at))


DST_ZONES = {
    # zone: (a clock time that does not exist, the instant it becomes, one that exists twice, first, last)
    "Europe/Paris": ("2025-03-30T02:30", "2025-03-30T01:30", "2025-10-26T02:30", "00:30", "01:30"),
    "Europe/London": ("2025-03-30T01:30", "2025-03-30T01:30", "2025-10-26T01:30", "00:30", "01:30"),
    "Europe/Kyiv": ("2025-03-30T03:30", "2025-03-30T01:30", "2025-10-26T03:30", "00:30", "01:30"),
    "Atlantic/Azores": ("2025-03-30T00:30", "2025-03-30T01:30", "2025-10-26T00:30", "00:30", "01:30"),
    "America/New_York": ("2025-03-09T02:30", "2025-03-09T07:30", "2025-11-02T01:30", "05:30", "06:30"),
    "America/Los_Angeles": ("2025-03-09T02:30", "2025-03-09T10:30", "2025-11-02T01:30", "08:30", "09:30"),
    "America/St_Johns": ("2025-03-09T02:30", "2025-03-09T06:00", "2025-11-02T01:30", "04:00", "05:00"),
    "America/Santiago": ("2025-09-07T00:30", "2025-09-07T04:30", "2025-04-05T23:30", "02:30", "03:30"),
    "Australia/Sydney": ("2025-10-05T02:30", "2025-10-04T16:30", "2025-04-06T02:30", "15:30", "16:30"),
    "Australia/Lord_Howe": ("2025-10-05T02:15", "2025-10-04T15:45", "2025-04-06T01:45", "14:45", "15:15"),
    "Pacific/Auckland": ("2025-09-28T02:30", "2025-09-27T14:30", "2025-04-06T02:30", "13:30", "14:30"),
}


@pytest.mark.parametrize("zone", DST_ZONES)
def test_a_clock_time_that_does_not_exist_moves_forward_at_both_ends(zone: str) -> None:
    missing, becomes, *_ = DST_ZONES[zone]
    local = datetime.fromisoformat(missing)
    assert arrival_instant(local, ZoneInfo(zone)) == utc(becomes)
    assert departure_instant(local, ZoneInfo(zone)) == utc(becomes)
    assert utc(becomes).astimezone(ZoneInfo(zone)).replace(tzinfo=None) > local


@pytest.mark.parametrize("zone", DST_ZONES)
def test_a_clock_time_that_exists_twice_lets_in_at_the_first_and_out_at_the_last(zone: str) -> None:
    *_, twice, first, last = DST_ZONES[zone]
    local = datetime.fromisoformat(twice)
    starts, ends = arrival_instant(local, ZoneInfo(zone)), departure_instant(local, ZoneInfo(zone))
    assert (f"{starts:%H:%M}", f"{ends:%H:%M}") == (first, last)
    assert starts.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == local
    assert ends.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == local


@given(
    zone=st.sampled_from([*DST_ZONES, "Pacific/Tongatapu", "Pacific/Pago_Pago", "UTC"]),
    arrives=st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    nights=st.integers(2, 60),
    check_in=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    check_out=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
)
def test_a_stay_of_several_nights_is_never_empty_and_never_off_by_more_than_an_hour(
    zone: str, arrives: date, nights: int, check_in: time, check_out: time
) -> None:
    departs = arrives + timedelta(days=nights)
    window = stay_window(arrives, departs, HouseTimes(zone, check_in, check_out))
    assert window.ends_at is not None
    wall = datetime.combine(departs, check_out) - datetime.combine(arrives, check_in)
    assert abs((window.ends_at - window.starts_at) - wall) <= timedelta(hours=1)


def test_a_visit_within_one_day_needs_its_hours_in_order() -> None:
    day = date(2025, 6, 1)
    assert stay_window(day, day, HouseTimes("UTC", time(9), time(17))).starts_at == utc("2025-06-01T09:00")
    with pytest.raises(WindowEmpty):
        stay_window(day, day, HouseTimes("UTC", time(15), time(11)))


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "/etc/passwd", "../UTC", "Europe", "x" * 300, "Europe/Paris\0"]
)
def test_an_unknown_zone_is_named_with_what_to_do(name: str) -> None:
    with pytest.raises(TimeZoneUnknown, match="IANA"):
        _ = HouseTimes(name).zone
