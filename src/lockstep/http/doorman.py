"""Who asks: the API key of a request becomes an actor. Knows no route and no scope.

A key that was found good is taken for good for a second, which saves a query for all but the first of many requests.
What this process revokes is refused at once; what another process revokes, after that second at the latest. A key's
expiry is looked at each time. Waiting for a NOTIFY instead would fail open when the connection that listens breaks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from lockstep.model.permissions import Actor
from lockstep.operations import api_keys
from lockstep.operations.errors import NotSignedIn
from lockstep.operations.gate import Gate

_MOST_KNOWN = 10_000
_NO_KEY = "The request has no API key."
_BAD_KEY = "The API key is not known, was revoked, or has expired."


@dataclass(frozen=True, slots=True)
class _Known:
    signed_in: api_keys.SignedIn
    until: float


class Doorman:
    """Finds the actor of an `Authorization` header. `monotonic` counts real seconds."""

    def __init__(self, gate: Gate, seconds: float, monotonic: Callable[[], float]) -> None:
        self._gate = gate
        self._seconds = seconds
        self._monotonic = monotonic
        self._known: dict[bytes, _Known] = {}

    async def actor_of(self, authorization: str | None) -> Actor:
        """Raises NotSignedIn."""
        secret = _bearer(authorization)
        digest = hashlib.sha256(secret.encode()).digest()
        known = self._known.get(digest)
        if known is None or known.until <= self._monotonic():
            known = await self._look_up(secret, digest)
        if known.signed_in.is_over(self._gate.clock.now()):
            raise NotSignedIn(_BAD_KEY)
        return known.signed_in.actor

    def forget(self) -> None:
        """Something about keys changed here: ask the database again."""
        self._known.clear()

    async def _look_up(self, secret: str, digest: bytes) -> _Known:
        self._known.pop(digest, None)
        signed_in = await api_keys.authenticate(self._gate, secret)
        if signed_in is None:
            raise NotSignedIn(_BAD_KEY)
        known = _Known(signed_in, self._monotonic() + self._seconds)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[digest] = known
        return known


def _bearer(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NotSignedIn(_NO_KEY)
    return secret.strip()
