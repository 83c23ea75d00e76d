"""Lets pages of other origins ask at Seam's door, as apps do that show a client session or a publishable key.

No cookie means anything here: whoever asks says so in a header, which no page can make a browser send for it. So every
origin may ask, and is named, since SDKs ask with credentials; but where the keys are known to everybody, as in a seeded
sandbox, only pages of this machine: else whatever page is looked at could ask."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from lockstep.kit.loopback import is_loopback

Lines = list[tuple[bytes, bytes]]
_HEADERS = (
    b"authorization, content-type, client-session-token, seam-client-session-token, seam-workspace, "
    b"seam-publishable-key, seam-sdk-name, seam-sdk-version"
)
_SHOWN = b"seam-request-id, retry-after, ratelimit, ratelimit-policy"
_KEPT_FOR = b"600"


def may_ask(origin: bytes, *, only_this_machine: bool) -> bool:
    """Whether pages of this origin may."""
    if not only_this_machine:
        return True
    try:
        return is_loopback(urlsplit(origin.decode("latin-1")).hostname or "")
    except ValueError:
        return False


def lines_for(origin: bytes | None) -> Lines:
    """Headers of every answer to a page of this origin, which may ask; none for whoever is no page."""
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _SHOWN),
        (b"vary", b"origin"),
    ]


def lines_before(verbs: Iterable[str]) -> Lines:
    """What a browser is told before it asks on a page's behalf."""
    return [
        (b"access-control-allow-methods", ", ".join(sorted(verbs)).encode()),
        (b"access-control-allow-headers", _HEADERS),
        (b"access-control-max-age", _KEPT_FOR),
    ]
