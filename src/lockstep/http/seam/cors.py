"""Lets pages of other origins ask at Seam's door, as apps do that show a client session or a publishable key.

No cookie means anything here: whoever asks says so in a header, which no page can make a browser send for it. So every
origin may ask, and is named, since SDKs ask with credentials."""

from __future__ import annotations

from collections.abc import Iterable

Lines = list[tuple[bytes, bytes]]
_HEADERS = (
    b"authorization, content-type, client-session-token, seam-client-session-token, seam-workspace, "
    b"seam-publishable-key, seam-sdk-name, seam-sdk-version"
)
_SHOWN = b"seam-request-id, retry-after, ratelimit, ratelimit-policy"
_KEPT_FOR = b"600"


def lines_for(origin: bytes | None) -> Lines:
    """Headers of every answer to a page of this origin; none for whoever is no page."""
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
