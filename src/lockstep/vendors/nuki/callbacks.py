"""The vendor's calls to us: whether one is genuine, and which locks it points at.

Knows nothing of what a call claims to have happened: that is found out by looking."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from lockstep.driver.contract import Callback, CallbackRefused

SIGNATURE = "x-nuki-signature-sha256"
_WHOLE_ACCOUNT = Callback(look_at=None)


def read_callback(headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
    """The locks that a call points at; the whole account where it is genuine but not understood.

    Pure. The signature is the hexadecimal HMAC-SHA256 of the raw body (docs.nuki.io, web hooks).
    Raises CallbackRefused.
    """
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
    expected = hmac.new(secret.encode(), body, "sha256").hexdigest()
    if not secret or not hmac.compare_digest(given.strip().lower().encode(), expected.encode()):
        raise CallbackRefused(CallbackRefused.__doc__)
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _WHOLE_ACCOUNT
    if isinstance(said, dict) and said.get("feature") == "ACCOUNT_USER":
        return Callback()
    locks = frozenset(_locks(said))
    return Callback(look_at=locks) if locks else _WHOLE_ACCOUNT


def _locks(said: Any) -> Iterator[str]:
    """Every `smartlockId` in a body: at the top, in the authorization, in the log, in the details."""
    if isinstance(said, list):
        for part in said:
            yield from _locks(part)
    elif isinstance(said, dict):
        for name, value in said.items():
            if name == "smartlockId" and isinstance(value, int | str):
                yield str(value)
            elif isinstance(value, dict | list):
                yield from _locks(value)
