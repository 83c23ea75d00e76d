"""Gets a calendar's bytes from where the platform serves them. Knows HTTP, not what is in a calendar.

Whatever goes wrong is a fault, which says that nothing is known; only a whole body is read any further.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from lockstep.kit.outbound import Fetched, OutboundError, OutboundLimits, OutboundPolicy, fetch, where

CALENDAR_LIMITS = OutboundLimits(seconds=30, connect_seconds=10, body_bytes=5 * 1024 * 1024, redirects=5)
_HEADERS = {
    "Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1",
    "User-Agent": "Lockstep (booking calendar import)",
}


@dataclass(frozen=True, slots=True)
class Pulled:
    """A whole body, not yet read. The validators belong to the next pull, once this one was followed."""

    body: bytes = field(repr=False)
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The feed says what it said when the validators were taken."""


@dataclass(frozen=True, slots=True)
class PullFault:
    """Nothing was learned, so nothing changes. `what` names no more of the address than its host."""

    code: str
    what: str
    next_step: str
    retry_after: timedelta | None = None


async def pull(
    url: str,
    etag: str | None,
    last_modified: str | None,
    policy: OutboundPolicy,
    *,
    now: datetime,
    limits: OutboundLimits = CALENDAR_LIMITS,
) -> Pulled | NotModified | PullFault:
    """Fetch `url` (http, https or webcal), conditionally where validators are given. Raises nothing."""
    address = _without_webcal(url)
    validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    sent = {name: value for name, value in validators.items() if value is not None}
    try:
        fetched = await fetch(address, headers={**_HEADERS, **sent}, limits=limits, policy=policy)
    except OutboundError as error:
        return PullFault(error.code, str(error), error.next_step)
    if fetched.status == 304 and sent:
        return NotModified()
    if fetched.status == 200:
        headers = fetched.headers
        return Pulled(
            fetched.body, headers.get("content-type"), headers.get("etag"), headers.get("last-modified")
        )
    return _fault(fetched, where(address), now)


def _without_webcal(url: str) -> str:
    scheme, colon, rest = url.strip().partition(":")
    scheme = {"webcal": "https", "webcals": "https"}.get(scheme.lower(), scheme)
    return f"{scheme}{colon}{rest}"


_RETRY = "It is tried again; nothing was changed."
_COPY_ANEW = "Copy the calendar's address anew from the platform and replace it here; nothing was changed."


def _fault(fetched: Fetched, at: str, now: datetime) -> PullFault:
    status = fetched.status
    wait = _retry_after(fetched, now)
    if status in {404, 410}:
        return PullFault("feed_gone", f"The calendar is no longer there ({status}, {at}).", _COPY_ANEW)
    if status in {401, 403, 407}:
        return PullFault(
            "feed_refused", f"The host refuses to show the calendar ({status}, {at}).", _COPY_ANEW
        )
    if status == 429:
        return PullFault("feed_busy", f"The host asks to be read less often ({at}).", _RETRY, wait)
    if status >= 500:
        return PullFault("feed_down", f"The host has a fault of its own ({status}, {at}).", _RETRY, wait)
    return PullFault("feed_status_odd", f"The host gave no calendar ({status}, {at}).", _COPY_ANEW)


def _retry_after(fetched: Fetched, now: datetime) -> timedelta | None:
    """At most a day: what a host asks for is no reason to lose sight of a feed."""
    asked = fetched.headers.get("retry-after", "").strip()
    if asked.isdecimal() and len(asked) < 9:
        wait = timedelta(seconds=int(asked))
    else:
        try:
            at = parsedate_to_datetime(asked)
        except ValueError:
            return None
        wait = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), timedelta(days=1))
