"""Links that let in whoever has them: an unguessable token, remembered as a hash. Knows no page."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 24
_LONGEST = 100


def new_token() -> str:
    """32 letters, digits, `-` and `_`: 192 bits."""
    return secrets.token_urlsafe(_BYTES)


def hash_of(token: str) -> bytes:
    """What is remembered of it: it is all chance, so that no slow hash is needed."""
    return hashlib.sha256(token[:_LONGEST].encode()).digest()
