"""From the bytes of a feed to text that a parser can be given, or a doubt. Knows lines, not what they mean.

A broken feed cannot be told by its status: sign-in pages, error pages and halves of calendars come with 200.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lockstep.model.feed import FeedDoubt, FeedFault
from lockstep.workers.calendars.recurrence import is_modest

Line = tuple[int, str]
"""Its number in the feed, and its text."""

MOST_EVENTS = 5000
_CONTENT_LINE = re.compile(r"[A-Za-z0-9-]+[;:]")
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_READ_AGAIN = "Nothing was changed; it is read again. If it lasts, copy the calendar's address anew."


@dataclass(frozen=True, slots=True)
class CalendarText:
    """Unfolded lines of one whole calendar, or several."""

    lines: tuple[Line, ...]
    faults: tuple[FeedFault, ...] = ()

    def __str__(self) -> str:
        return "\r\n".join(line for _, line in self.lines) + "\r\n"

    def without_time_zones(self) -> CalendarText:
        """The same, less its descriptions of time zones."""
        return CalendarText(tuple(_outside_zones(self.lines, lambda _: False)), self.faults)


def calendar_text(body: bytes, content_type: str | None) -> CalendarText | FeedDoubt:
    """`body` as lines of a calendar that is whole; says what is wrong where it is not."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if not start:
        return FeedDoubt("feed_empty", "The answer was empty.", _READ_AGAIN)
    if start.startswith(b"<"):
        page = "The answer was a web page, perhaps one to sign in or one that reports an error."
        return FeedDoubt("feed_is_html", page, _READ_AGAIN)
    lines = [(number, _decoded(line, content_type)) for number, line in _unfolded(body)]
    if not lines or lines[0][1].strip().upper() != "BEGIN:VCALENDAR":
        return FeedDoubt("feed_not_a_calendar", "The answer was no calendar.", _READ_AGAIN)
    if not _is_whole(lines):
        return FeedDoubt("feed_truncated", "The calendar breaks off before its end.", _READ_AGAIN)
    if sum(line.strip().upper() == "BEGIN:VEVENT" for _, line in lines) > MOST_EVENTS:
        many = f"The calendar has more than {MOST_EVENTS} entries, which no rental has."
        return FeedDoubt("feed_too_many", many, "Check that the address is that of one rental's calendar.")
    return _tidied(lines)


def _unfolded(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Logical lines, joined before they are decoded: a fold may stand inside a character of several bytes."""
    number, parts = 0, [b""]
    for at, line in enumerate(re.split(rb"\r\n|\n|\r", body.removeprefix(b"\xef\xbb\xbf")), 1):
        if line[:1] in {b" ", b"\t"} and number:
            parts.append(line[1:])
            continue
        if any(part.strip() for part in parts):
            yield number, b"".join(parts)
        number, parts = at, [line]
    if any(part.strip() for part in parts):
        yield number, b"".join(parts)


def _decoded(line: bytes, content_type: str | None) -> str:
    try:
        return line.decode().replace("\0", "")
    except UnicodeDecodeError:
        pass
    named = _CHARSET.search(content_type or "")
    try:
        return line.decode(named.group(1) if named else "cp1252").replace("\0", "")
    except (LookupError, ValueError):
        return line.decode(errors="replace").replace("\0", "")


def _is_whole(lines: list[Line]) -> bool:
    open_parts: list[str] = []
    for _, line in lines:
        word, _, part = line.strip().upper().partition(":")
        if word == "BEGIN":
            open_parts.append(part)
        elif word == "END" and (not open_parts or open_parts.pop() != part):
            return False
    return not open_parts


def _tidied(lines: list[Line]) -> CalendarText:
    """Without what would make a parser give up on all the rest."""
    faults: list[FeedFault] = []
    kept: list[Line] = []
    depth = 0
    for number, line in lines:
        depth += line.upper().startswith("BEGIN:")
        # Guests' notes with bare line breaks leave pieces of text behind.
        if depth and _CONTENT_LINE.match(line):
            kept.append((number, line.strip()))
        else:
            faults.append(_note(f"line {number}", "The line is no part of a calendar and was left out."))
        depth -= line.upper().startswith("END:")

    def fits(block: list[Line]) -> bool:
        rules = [line.partition(":")[2] for _, line in block if line.upper().startswith("RRULE")]
        is_fit = all(is_modest(rule) for rule in rules)
        if not is_fit:
            what = "A time zone's rule is none that clocks follow; its times are read as the property's."
            faults.append(_note(f"line {block[0][0]}", what))
        return is_fit

    return CalendarText(tuple(_outside_zones(kept, fits)), tuple(faults))


def _outside_zones(lines: Iterable[Line], keeps: Callable[[list[Line]], bool]) -> Iterator[Line]:
    """`lines` less the descriptions of time zones that `keeps` does not want."""
    block: list[Line] = []
    for numbered in lines:
        line = numbered[1].upper()
        if block or line == "BEGIN:VTIMEZONE":
            block.append(numbered)
            if line == "END:VTIMEZONE":
                yield from block if keeps(block) else ()
                block = []
        else:
            yield numbered


def _note(where: str, what: str) -> FeedFault:
    return FeedFault(where, what, "Nothing to do unless a stay is missing.", is_skipped=False)
