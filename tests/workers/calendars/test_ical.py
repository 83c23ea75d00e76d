"""Every odd thing that calendars are known to contain, as a table, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.emulation.feed_text import (
    FEED_WRITERS,
    HostStay,
    airbnb_calendar,
    booking_calendar,
    vrbo_calendar,
)
from lockstep.model.feed import FeedDoubt, FeedReading, FeedStay
from lockstep.model.stay_window import HouseTimes
from lockstep.workers.calendars.ical import read_calendar

NOW = datetime(2025, 5, 20, 12, tzinfo=UTC)
HOUSE = HouseTimes("Europe/Paris", time(15), time(11))
HEAD = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//A PMS//EN\n"


def read(
    body: str | bytes, house: HouseTimes = HOUSE, content_type: str | None = None
) -> FeedReading | FeedDoubt:
    return read_calendar(body.encode() if isinstance(body, str) else body, content_type, now=NOW, house=house)


def reading(body: str | bytes, house: HouseTimes = HOUSE) -> FeedReading:
    result = read(body, house)
    assert isinstance(result, FeedReading), result
    return result


def event(*lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


def calendar(*parts: str, head: str = HEAD) -> str:
    return head + "".join(parts) + "END:VCALENDAR\n"


def days(arrives: int, departs: int, uid: str = "u", *more: str) -> str:
    """An entry in June 2025, by the days of the month."""
    dates = f"DTSTART;VALUE=DATE:202506{arrives:02}", f"DTEND;VALUE=DATE:202506{departs:02}"
    return event(f"UID:{uid}", *dates, "SUMMARY:Ana Lima", *more)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Paris in June: check-in 15:00 is 13:00 UTC, check-out 11:00 is 09:00 UTC.
JUNE_3_TO_5 = ("2025-06-03T13:00", "2025-06-05T09:00")
GOOD = days(10, 12, "good")


@dataclass(frozen=True)
class Case:
    """An odd entry beside a good one: the stays that it becomes, and the faults that are told."""

    entry: str
    stays: list[tuple[str, str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    before: str = ""
    after: str = ""


CASES = {
    "dates": Case(days(3, 5), [("u", *JUNE_3_TO_5)]),
    "dates-without-value-parameter": Case(
        event("UID:u", "DTSTART:20250603", "DTEND:20250605", "SUMMARY:A"), [("u", *JUNE_3_TO_5)]
    ),
    "end-written-before-start": Case(
        event("DTEND;VALUE=DATE:20250605", "DTSTART;VALUE=DATE:20250603", "UID:u"), [("u", *JUNE_3_TO_5)]
    ),
    "duration": Case(event("UID:u", "DTSTART;VALUE=DATE:20250603", "DURATION:P2D"), [("u", *JUNE_3_TO_5)]),
    "duration-of-a-timed-entry": Case(
        event("UID:u", "DTSTART:20250603T140000Z", "DURATION:P1DT18H"),
        [("u", "2025-06-03T14:00", "2025-06-05T08:00")],
    ),
    "end-missing-is-one-night": Case(
        event("UID:u", "DTSTART;VALUE=DATE:20250603"), [("u", "2025-06-03T13:00", "2025-06-04T09:00")]
    ),
    "end-missing-of-a-timed-entry": Case(event("UID:u", "DTSTART:20250603T140000Z"), faults=["same moment"]),
    "end-before-start": Case(days(5, 3), faults=["ends before it starts"]),
    "timed-end-before-start": Case(
        event("UID:u", "DTSTART:20250605T140000Z", "DTEND:20250603T140000Z"), faults=["ends before it starts"]
    ),
    "zero-length": Case(days(3, 3), faults=["no night"]),
    "zero-length-timed": Case(
        event("UID:u", "DTSTART:20250603T140000Z", "DTEND:20250603T140000Z"), faults=["same moment"]
    ),
    "start-missing": Case(event("UID:u", "DTEND;VALUE=DATE:20250605"), faults=["no start"]),
    "start-twice": Case(
        event("UID:u", "DTSTART:20250603", "DTSTART:20250604", "DTEND:20250605"),
        faults=["more than one DTSTART"],
    ),
    "start-is-no-date": Case(
        event("UID:u", "DTSTART:soon", "DTEND:20250605"), faults=["DTSTART cannot be read"]
    ),
    "end-is-no-date": Case(
        event("UID:u", "DTSTART:20250603", "DTEND:20251345"), faults=["DTEND cannot be read"]
    ),
    "duration-is-none": Case(
        event("UID:u", "DTSTART:20250603", "DURATION:long"), faults=["DURATION cannot be"]
    ),
    "start-a-date-end-a-time": Case(
        event("UID:u", "DTSTART:20250603", "DTEND:20250605T110000Z"), faults=["contradict|other a time"]
    ),
    "year-zero": Case(
        event("UID:u", "DTSTART:00000603", "DTEND:00000605"), faults=["DTSTART cannot be read"]
    ),
    "end-of-time": Case(
        event("UID:u", "DTSTART:99991231T230000", "DTEND:99991231T235959"),
        [("u", "9999-12-31T22:00", "9999-12-31T22:59:59")],
    ),
    "uid-missing": Case(
        event("DTSTART:20250603", "DTEND:20250605"),
        [("no-uid:2025-06-03/2025-06-05", *JUNE_3_TO_5)],
        ["no UID"],
    ),
    "uid-empty": Case(
        event("UID:", "DTSTART:20250603", "DTEND:20250605"),
        [("no-uid:2025-06-03/2025-06-05", *JUNE_3_TO_5)],
        ["no UID"],
    ),
    "uid-with-parameter": Case(
        event("UID;X-ORIGIN=pms:u", "DTSTART:20250603", "DTEND:20250605"), [("u", *JUNE_3_TO_5)]
    ),
    "lower-case-names": Case(
        "begin:vevent\nuid:u\ndtstart;value=date:20250603\ndtend;value=date:20250605\nend:vevent\n",
        [("u", *JUNE_3_TO_5)],
    ),
    "tab-folds": Case(
        "BEGIN:VEVENT\nUID:u\nDTSTART;VAL\n\tUE=DATE:2025\n\t0603\nDTEND;VALUE=DATE:20250605\nEND:VEVENT\n",
        [("u", *JUNE_3_TO_5)],
    ),
    "trailing-blanks-and-blank-lines": Case(
        "BEGIN:VEVENT  \nUID:u  \n\n\nDTSTART:20250603 \nDTEND:20250605\nEND:VEVENT\n", [("u", *JUNE_3_TO_5)]
    ),
    "alarm-with-words-of-its-own": Case(
        days(
            3,
            5,
            "u",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-P1D",
            "UID:alarm",
            "SUMMARY:Blocked",
            "DESCRIPTION:Phone: +33 1 23 45 67 89",
            "END:VALARM",
        ),
        [("u", *JUNE_3_TO_5)],
    ),
    "times-in-utc": Case(
        event("UID:u", "DTSTART:20250603T143000Z", "DTEND:20250605T080000Z"),
        [("u", "2025-06-03T14:30", "2025-06-05T08:00")],
    ),
    "times-in-a-named-zone": Case(
        event(
            "UID:u", "DTSTART;TZID=America/New_York:20250603T160000", "DTEND;TZID=Asia/Tokyo:20250605T100000"
        ),
        [("u", "2025-06-03T20:00", "2025-06-05T01:00")],
    ),
    "zone-in-quotes": Case(
        event(
            "UID:u",
            'DTSTART;TZID="Europe/Lisbon":20250603T160000',
            'DTEND;TZID="Europe/Lisbon":20250605T100000',
        ),
        [("u", "2025-06-03T15:00", "2025-06-05T09:00")],
    ),
    "zone-by-its-windows-name": Case(
        event(
            "UID:u",
            "DTSTART;TZID=W. Europe Standard Time:20250603T160000",
            "DTEND;TZID=W. Europe Standard Time:20250605T100000",
        ),
        [("u", "2025-06-03T14:00", "2025-06-05T08:00")],
    ),
    "zone-with-a-makers-prefix": Case(
        event(
            "UID:u",
            "DTSTART;TZID=/maker.example/Europe/Lisbon:20250603T160000",
            "DTEND;TZID=/maker.example/Europe/Lisbon:20250605T100000",
        ),
        [("u", "2025-06-03T15:00", "2025-06-05T09:00")],
    ),
    "zone-unknown-is-the-propertys": Case(
        event("UID:u", "DTSTART;TZID=Mars/Base:20250603T160000", "DTEND;TZID=Mars/Base:20250605T100000"),
        [("u", "2025-06-03T14:00", "2025-06-05T08:00")],
        ["time zone that is not known"],
    ),
    "floating-times-are-the-propertys": Case(
        event("UID:u", "DTSTART:20250603T160000", "DTEND:20250605T100000"),
        [("u", "2025-06-03T14:00", "2025-06-05T08:00")],
    ),
    "midnights-are-dates": Case(
        event("UID:u", "DTSTART:20250603T000000Z", "DTEND:20250605T000000Z"), [("u", *JUNE_3_TO_5)]
    ),
    "a-visit-within-a-day": Case(
        event("UID:u", "DTSTART:20250603T080000Z", "DTEND:20250603T100000Z", "SUMMARY:Plumber"),
        [("u", "2025-06-03T08:00", "2025-06-03T10:00")],
    ),
    "a-bare-line-in-a-note": Case(
        days(3, 5, "u", "DESCRIPTION:Late arrival.", "Please call", "Phone: 12"),
        [("u", *JUNE_3_TO_5)],
        ["no part of a calendar"],
    ),
    "a-bare-line-outside-entries": Case(
        days(3, 5), [("u", *JUNE_3_TO_5)], ["no part of a calendar"], before="some text\n"
    ),
    "junk-after-the-end": Case(
        days(3, 5), [("u", *JUNE_3_TO_5)], ["no part of a calendar"], after="<!-- made by us -->\n"
    ),
    "two-calendars-in-one-feed": Case(days(3, 5), [("u", *JUNE_3_TO_5)], after=calendar()),
    "sequence-that-is-no-number": Case(days(3, 5, "u", "SEQUENCE:x"), [("u", *JUNE_3_TO_5)]),
    "entries-in-entries": Case("BEGIN:VEVENT\n" * 30 + "END:VEVENT\n" * 30, faults=["no start"]),
    "null-bytes": Case(days(3, 5, "u\0"), [("u", *JUNE_3_TO_5)]),
    "to-do-and-free-busy": Case(
        "BEGIN:VTODO\nUID:t\nDTSTART:20250603\nEND:VTODO\nBEGIN:VFREEBUSY\nUID:f\nEND:VFREEBUSY\n"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_an_odd_entry_becomes_what_it_means_and_never_costs_the_good_one(case: Case, line_end: str) -> None:
    body = calendar(case.before, case.entry, GOOD) + case.after
    got = reading(body.replace("\n", line_end))
    found = [(s.uid, s.window.starts_at, s.window.ends_at) for s in got.stays if s.uid != "good"]
    assert found == [(uid, utc(starts), utc(ends)) for uid, starts, ends in case.stays]
    assert any(stay.uid == "good" for stay in got.stays)
    assert len(got.faults) == len(case.faults)
    for fault, words in zip(got.faults, case.faults, strict=True):
        assert any(word in fault.what for word in words.split("|")), fault
        assert fault.next_step


def test_a_skipped_entry_is_named_by_its_uid_so_that_it_does_not_count_as_vanished() -> None:
    (fault,) = reading(calendar(days(5, 3, "odd"))).faults
    assert (fault.uid, fault.where, fault.is_skipped) == ("odd", "UID odd", True)


DOUBTS = {
    "empty": (b"", "feed_empty"),
    "blank": (b"\r\n \r\n", "feed_empty"),
    "bom-alone": (b"\xef\xbb\xbf", "feed_empty"),
    "html": (b"<!DOCTYPE html><html><title>Sign in</title></html>", "feed_is_html"),
    "html-after-blanks": (b"\n\n  <html>", "feed_is_html"),
    "xml": (b"<?xml version='1.0'?><error/>", "feed_is_html"),
    "json": (b'{"error": "rate limited"}', "feed_not_a_calendar"),
    "text": (b"Service unavailable", "feed_not_a_calendar"),
    "binary": (bytes(range(256)), "feed_not_a_calendar"),
    "no-begin": (GOOD.encode(), "feed_not_a_calendar"),
    "no-end": (calendar(GOOD).replace("END:VCALENDAR\n", "").encode(), "feed_truncated"),
    "half": (calendar(GOOD)[:100].encode(), "feed_truncated"),
    "cut-in-the-last-line": (calendar(GOOD)[:-4].encode(), "feed_truncated"),
    "entry-without-end": (calendar(GOOD.replace("END:VEVENT\n", "")).encode(), "feed_truncated"),
    "end-without-begin": (calendar("END:VEVENT\n").encode(), "feed_truncated"),
    "too-many": (calendar("BEGIN:VEVENT\nEND:VEVENT\n" * 5001).encode(), "feed_too_many"),
}


@pytest.mark.parametrize(("body", "code"), DOUBTS.values(), ids=DOUBTS)
def test_what_is_no_whole_calendar_is_a_doubt(body: bytes, code: str) -> None:
    doubt = read(body)
    assert isinstance(doubt, FeedDoubt)
    assert doubt.code == code
    assert doubt.what
    assert doubt.next_step


@given(st.data())
def test_a_calendar_cut_anywhere_is_a_doubt_or_says_the_same(data: st.DataObject) -> None:
    whole = airbnb_calendar(HOST_STAYS, NOW).encode()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    result = read(cut)
    assert isinstance(result, FeedDoubt) or result == read(whole)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_bytes_at_all_make_the_reader_fail(noise: bytes) -> None:
    assert isinstance(read(noise), FeedDoubt | FeedReading)
    assert isinstance(read(HEAD.encode() + noise + b"\nEND:VCALENDAR\n"), FeedDoubt | FeedReading)
    inside = calendar("BEGIN:VEVENT\nUID:u\n@\nEND:VEVENT\n", GOOD).encode().replace(b"@", noise)
    assert isinstance(read(inside), FeedDoubt | FeedReading)


def test_a_calendar_without_entries_is_a_good_reading() -> None:
    assert reading(calendar()) == FeedReading("other")


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream", "text/calendar", "", None])
def test_the_body_and_not_the_content_type_tells_a_calendar(content_type: str | None) -> None:
    assert isinstance(read(calendar(GOOD), content_type=content_type), FeedReading)


def test_a_byte_order_mark_before_the_calendar_is_no_matter() -> None:
    assert len(reading(b"\xef\xbb\xbf" + calendar(GOOD).encode()).stays) == 1


def test_a_fold_inside_a_character_is_joined_before_it_is_read() -> None:
    whole = calendar(days(3, 5, "gästebuch-é@pms")).encode()
    at = whole.index("é".encode()) + 1
    folded = whole[:at] + b"\r\n " + whole[at:]
    assert [stay.uid for stay in reading(folded).stays] == ["gästebuch-é@pms"]


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("latin-1", "text/calendar; charset=ISO-8859-1"),
        ("cp1252", None),
        ("cp1252", "text/calendar; charset=nonsense"),
    ],
)
def test_other_encodings_are_read_as_announced_or_as_western(encoding: str, content_type: str | None) -> None:
    body = calendar(event("UID:u", "DTSTART:20250603", "DTEND:20250605", "SUMMARY:José")).encode(encoding)
    result = read(body, content_type=content_type)
    assert isinstance(result, FeedReading)
    assert result.stays[0].guest_name in {"José", "Jos\ufffd"}


WEEKLY = ("UID:w", "DTSTART;VALUE=DATE:20250602", "DTEND;VALUE=DATE:20250604", "SUMMARY:Ana")


def test_a_rule_repeats_a_stay_each_occurrence_with_an_identity_of_its_own() -> None:
    stays = reading(calendar(event(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=3"))).stays
    assert [(stay.arrives.day, stay.instance) for stay in stays] == [
        (2, "r:2025-06-02"),
        (9, "r:2025-06-09"),
        (16, "r:2025-06-16"),
    ]


def test_exceptions_of_a_rule_are_followed() -> None:
    moved = event(
        "UID:w",
        "RECURRENCE-ID;VALUE=DATE:20250609",
        "DTSTART;VALUE=DATE:20250610",
        "DTEND;VALUE=DATE:20250612",
    )
    rule = event(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;VALUE=DATE:20250602")
    off = event(
        "UID:w",
        "RECURRENCE-ID;VALUE=DATE:20250616",
        "DTSTART;VALUE=DATE:20250616",
        "DTEND;VALUE=DATE:20250618",
        "STATUS:CANCELLED",
    )
    stays = {s.instance: (s.arrives.day, s.is_cancelled) for s in reading(calendar(moved, rule, off)).stays}
    assert stays == {"r:2025-06-09": (10, False), "r:2025-06-16": (16, True), "r:2025-06-23": (23, False)}


def test_a_rule_without_end_stops_at_the_horizon_and_starts_at_now() -> None:
    endless = event("UID:w", "DTSTART;VALUE=DATE:20200106", "DTEND;VALUE=DATE:20200107", "RRULE:FREQ=WEEKLY")
    stays = reading(calendar(endless)).stays
    assert stays[0].arrives >= date(2025, 5, 18)
    assert stays[-1].arrives <= (NOW + timedelta(days=731)).date()
    assert len(stays) in {104, 105}


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY",
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;COUNT=99999",
        "FREQ=SOMETIMES",
        "COUNT=3",
        "FREQ=WEEKLY;BYHOUR=1",
        "FREQ=WEEKLY\nRRULE:FREQ=DAILY",
    ],
)
def test_a_rule_that_no_rental_has_costs_that_series_alone(rule: str) -> None:
    got = reading(calendar(event(*WEEKLY, f"RRULE:{rule}"), GOOD))
    assert [stay.uid for stay in got.stays] == ["good"]
    assert [(fault.uid, fault.is_skipped) for fault in got.faults] == [("w", True)]


def test_the_same_uid_on_other_nights_is_another_stay() -> None:
    stays = reading(calendar(days(3, 5), days(10, 12))).stays
    assert [(stay.uid, stay.instance) for stay in stays] == [("u", "d:2025-06-03"), ("u", "d:2025-06-10")]


def test_the_same_uid_back_to_back_is_two_stays() -> None:
    assert len(reading(calendar(days(3, 5), days(5, 8))).stays) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (days(3, 5, "u", "SEQUENCE:1"), days(4, 6, "u", "SEQUENCE:2")),
        (days(3, 5, "u", "SEQUENCE:1"), days(14, 16, "u", "SEQUENCE:2")),
        (
            days(3, 5, "u", "LAST-MODIFIED:20250101T000000Z"),
            days(4, 6, "u", "LAST-MODIFIED:20250102T000000Z"),
        ),
        (days(3, 5, "u", "DTSTAMP:20250101T000000Z"), days(4, 6, "u", "DTSTAMP:20250102T000000Z")),
    ],
    ids=["sequence", "sequence-moved", "last-modified", "dtstamp"],
)
def test_the_same_uid_twice_as_an_edit_counts_once_whatever_the_order(old: str, new: str) -> None:
    for body in (calendar(old, new), calendar(new, old)):
        (stay,) = reading(body).stays
        assert stay.arrives in {date(2025, 6, 4), date(2025, 6, 14)}


def test_an_entry_twice_word_for_word_is_one_stay() -> None:
    assert len(reading(calendar(days(3, 5), days(3, 5))).stays) == 1


def test_a_cancellation_with_a_higher_sequence_is_read_as_one() -> None:
    off = days(3, 5, "u", "SEQUENCE:2", "STATUS:CANCELLED")
    (stay,) = reading(calendar(off, days(3, 5, "u", "SEQUENCE:1"))).stays
    assert (stay.is_cancelled, stay.sequence) == (True, 2)


def zone(tzid: str, offset: str, rule: str = "") -> str:
    return (
        f"BEGIN:VTIMEZONE\nTZID:{tzid}\nBEGIN:STANDARD\nDTSTART:19701101T000000\n{rule}"
        f"TZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
    )


TIMED = event("UID:z", "DTSTART;TZID=House Time:20250603T160000", "DTEND;TZID=House Time:20250605T100000")


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_zone_that_the_calendar_describes_itself_is_used_wherever_it_stands(order: str) -> None:
    parts = [zone("House Time", "+0500"), TIMED]
    (stay,) = reading(calendar(*(parts if order == "before" else parts[::-1]))).stays
    assert stay.window.starts_at == utc("2025-06-03T11:00")


def test_a_zone_described_in_one_feed_is_forgotten_before_the_next() -> None:
    for offset, starts in (("+0500", "11:00"), ("-0300", "19:00"), ("+0500", "11:00")):
        (stay,) = reading(calendar(zone("House Time", offset), TIMED)).stays
        assert stay.window.starts_at == utc(f"2025-06-03T{starts}")


@pytest.mark.parametrize(
    "broken",
    [
        zone("House Time", "sideways"),
        zone("House Time", "+0500").replace("19701101T000000", "garbage"),
        "BEGIN:VTIMEZONE\nTZID:House Time\nEND:VTIMEZONE\n",
        zone("House Time", "+0500", "RRULE:FREQ=SECONDLY\n"),
        zone("House Time", "+0500", "RRULE:FREQ=YEARLY;INTERVAL=0\n"),
    ],
    ids=["offset", "start", "empty", "every-second", "never-ending"],
)
def test_a_zone_that_cannot_be_read_makes_its_times_the_propertys_and_is_told(broken: str) -> None:
    got = reading(calendar(broken, TIMED, GOOD))
    assert {s.uid: s.window.starts_at for s in got.stays}["z"] == utc("2025-06-03T14:00")
    assert got.faults
    assert not any(fault.is_skipped for fault in got.faults)


def test_a_known_zone_is_not_overruled_by_what_a_calendar_says_of_it() -> None:
    timed = TIMED.replace("House Time", "Europe/Lisbon")
    (stay,) = reading(calendar(zone("Europe/Lisbon", "+0900"), timed)).stays
    assert stay.window.starts_at == utc("2025-06-03T15:00")


@pytest.mark.parametrize(
    ("zone_name", "starts", "ends"),
    [
        ("Pacific/Tongatapu", "2025-06-03T02:00", "2025-06-04T22:00"),
        ("Pacific/Pago_Pago", "2025-06-04T02:00", "2025-06-05T22:00"),
    ],
)
def test_dates_are_those_at_the_property_wherever_it_lies(zone_name: str, starts: str, ends: str) -> None:
    (stay,) = reading(calendar(days(3, 5)), HouseTimes(zone_name)).stays
    assert (stay.window.starts_at, stay.window.ends_at) == (utc(starts), utc(ends))
    assert (stay.arrives, stay.departs, stay.nights) == (date(2025, 6, 3), date(2025, 6, 5), 2)


def test_a_timed_departure_in_the_hour_that_comes_twice_is_the_later_one() -> None:
    timed = event(
        "UID:u", "DTSTART;TZID=Europe/Paris:20251024T150000", "DTEND;TZID=Europe/Paris:20251026T023000"
    )
    assert reading(calendar(timed)).stays[0].window.ends_at == utc("2025-10-26T01:30")


HOST_STAYS = [
    HostStay(1, date(2025, 6, 3), date(2025, 6, 7), "Ana Lima", "4711"),
    HostStay(2, date(2025, 6, 7), date(2025, 6, 9), "Zoë Ångström", None),
    HostStay(3, date(2025, 6, 20), date(2025, 6, 22), is_block=True),
]


def test_airbnb_tells_stays_from_blocks_and_gives_code_and_last_digits() -> None:
    got = reading(airbnb_calendar(HOST_STAYS, NOW))
    assert got.platform == "airbnb"
    assert [stay.kind for stay in got.stays] == ["stay", "stay", "block"]
    first, second, _ = got.stays
    assert (first.phone_last4, first.reservation_code) == ("4711", HOST_STAYS[0].reservation_code)
    assert (second.phone_last4, second.reservation_code, second.guest_name) == (None, None, None)
    assert all(stay.keeps_uid for stay in got.stays)


OLD_AIRBNB = (
    "BEGIN:VCALENDAR\nPRODID;X-RICAL-TZSOURCE=TZINFO:-//Airbnb Inc//Hosting Calendar 0.8.8//EN\n"
    "CALSCALE:GREGORIAN\nVERSION:2.0\n"
)


def test_airbnbs_older_calendars_with_their_odd_product_line_are_read() -> None:
    named = days(3, 5, "1418fb94e984-0123456789abcdef0123456789abcdef@airbnb.com").replace(
        "SUMMARY:Ana Lima", "SUMMARY:Ana Lima (HMABCDE123)"
    )
    blocked = days(6, 8, "7f662ec65913-x@airbnb.com").replace("Ana Lima", "Not available")
    got = reading(calendar(named, blocked, head=OLD_AIRBNB))
    assert got.platform == "airbnb"
    assert [stay.kind for stay in got.stays] == ["stay", "block"]
    assert (got.stays[0].guest_name, got.stays[0].reservation_code) == ("Ana Lima", "HMABCDE123")


def test_booking_coms_entries_are_unclear_and_without_lasting_uids() -> None:
    got = reading(booking_calendar(HOST_STAYS, NOW))
    assert got.platform == "booking_com"
    assert {(stay.kind, stay.keeps_uid) for stay in got.stays} == {("unclear", False)}


def test_vrbo_tells_the_guests_name_and_past_stays_too() -> None:
    late = datetime(2025, 6, 30, tzinfo=UTC)
    got = reading(vrbo_calendar(HOST_STAYS, late))
    assert got.platform == "vrbo"
    assert [(stay.kind, stay.guest_name) for stay in got.stays] == [
        ("stay", "Ana Lima"),
        ("stay", "Zoë Ångström"),
        ("block", None),
    ]


WORDS = [
    ("-//HomeAway.com, Inc.//EN", "Réservée - Luc Petit", "stay", "Luc Petit"),
    ("-//HomeAway.com, Inc.//EN", "Reserviert - Ana", "stay", "Ana"),
    ("-//HomeAway.com, Inc.//EN", "Varattu - Matti", "stay", "Matti"),
    ("-//HomeAway.com, Inc.//EN", "Reserved", "stay", None),
    ("-//HomeAway.com, Inc.//EN", "Indisponible", "block", None),
    ("-//HomeAway.com, Inc.//EN", "Blockiert", "block", None),
    ("-//HomeAway.com, Inc.//EN", "???", "unclear", None),
    ("-//booking.com//EN", "CLOSED - Not available", "unclear", None),
    ("-//Booking.com//Extranet Calendar//EN", "CLOSED - Not available", "unclear", None),
    ("-//Airbnb Inc//Hosting Calendar 1.0.0//EN", "Reserved", "stay", None),
    ("-//Airbnb Inc//Hosting Calendar 1.0.0//EN", "Airbnb (Not available)", "block", None),
    ("-//A PMS//EN", "Ana Lima (2 guests)", "stay", "Ana Lima"),
    ("-//A PMS//EN", "Ana Lima - Reserved", "stay", "Ana Lima"),
    ("-//A PMS//EN", "Reservation: Ana Lima", "stay", "Ana Lima"),
    ("-//A PMS//EN", "Ana Lima", "stay", "Ana Lima"),
    ("-//A PMS//EN", "Booked", "stay", None),
    ("-//A PMS//EN", "Blocked: painting", "block", None),
    ("-//A PMS//EN", "Housekeeping", "block", None),
    ("-//A PMS//EN", "Blockersen, Ola", "stay", "Blockersen, Ola"),
    ("-//A PMS//EN", "", "unclear", None),
    ("-//A PMS//EN", "Busy", "unclear", None),
    ("-//A PMS//EN", "CLOSED - Not available", "unclear", None),
]


@pytest.mark.parametrize(("product", "summary", "kind", "name"), WORDS)
def test_a_summary_means_what_its_platform_means_by_it(
    product: str, summary: str, kind: str, name: str | None
) -> None:
    head = f"BEGIN:VCALENDAR\nPRODID:{product}\n"
    entry = days(3, 5).replace("Ana Lima", summary.replace(",", "\\,"))
    (stay,) = reading(calendar(entry, head=head)).stays
    assert (stay.kind, stay.guest_name) == (kind, name)


@pytest.mark.parametrize(
    ("description", "last4", "code"),
    [
        ("Phone: +351 912 345 678", "5678", None),
        ("Name: Ana\\nTel.: 01/23 45 67\\nConfirmation code: AB-12", "4567", "AB-12"),
        ("Phone Number (Last 4 Digits): 0042", "0042", None),
        ("Phone: none", None, None),
    ],
)
def test_a_pms_may_give_phone_and_code_in_its_description(
    description: str, last4: str | None, code: str | None
) -> None:
    (stay,) = reading(calendar(days(3, 5, "u", f"DESCRIPTION:{description}"))).stays
    assert (stay.phone_last4, stay.reservation_code) == (last4, code)


def test_a_platform_is_known_by_its_uids_where_the_product_does_not_tell() -> None:
    merged = calendar(days(3, 5, "a@airbnb.com"), days(6, 8, "b@booking.com"), days(9, 11, "c"))
    got = reading(merged)
    assert got.platform == "other"
    assert [stay.keeps_uid for stay in got.stays] == [True, False, True]
    assert reading(calendar(days(3, 5, "b@booking.com"))).platform == "booking_com"


@pytest.mark.parametrize("platform", FEED_WRITERS)
def test_what_changes_at_every_fetch_is_no_change(platform: str) -> None:
    first, second = (FEED_WRITERS[platform](HOST_STAYS, NOW + timedelta(minutes=n)) for n in (0, 15))
    assert first != second
    assert reading(first) == reading(second)


def test_the_emulated_calendars_are_folded_as_rfc_5545_wants() -> None:
    for writer in FEED_WRITERS.values():
        text = writer(HOST_STAYS, NOW)
        assert text.endswith("END:VCALENDAR\r\n")
        assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\r\n " in airbnb_calendar(HOST_STAYS, NOW)


def test_bookings_uid_and_start_move_with_the_day_while_a_guest_is_inside() -> None:
    told: list[FeedStay] = []
    for day in (2, 4, 5):
        told += reading(booking_calendar(HOST_STAYS[:1], datetime(2025, 6, day, 8, tzinfo=UTC))).stays
    assert [stay.arrives.day for stay in told] == [3, 4, 5]
    assert len({stay.uid for stay in told}) == 3
    assert all(one.departs == other.departs for one, other in pairwise(told))


def test_nothing_that_identifies_a_guest_is_in_the_repr_of_a_reading_or_its_faults() -> None:
    odd = days(5, 3, "odd").replace("Ana Lima", "Secret Guest") + "Secret Guest\n"
    text = repr(reading(airbnb_calendar(HOST_STAYS, NOW))) + repr(reading(calendar(odd, days(6, 8))))
    secrets = ("Secret", "Ana", "4711", HOST_STAYS[0].reservation_code)
    assert not any(secret in text for secret in secrets)
