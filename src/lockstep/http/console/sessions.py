"""Who is signed in: a signed cookie that names the API key, never its secret. Knows no page.

Stateless, so that any process of any machine can read it; the key itself is looked up on every request."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from lockstep.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Session:
    """Whoever signed in with this key, until then."""

    workspace_id: UUID
    api_key_id: str
    ends_at: datetime


class Sessions:
    """Makes and reads the cookie's value. `clock` counts real time, whatever time the locks live by."""

    def __init__(self, secret: bytes, lasts: timedelta, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self.lasts = lasts

    def begin(self, workspace_id: UUID, api_key_id: str) -> str:
        session = Session(workspace_id, api_key_id, self._clock.now() + self.lasts)
        body = msgspec.json.encode(session)
        return f"{_text(body)}.{_text(self._signature(body))}"

    def read(self, value: str) -> Session | None:
        """None where it is not ours, was altered, or is over."""
        try:
            body, signature = (_bytes(part) for part in value.split("."))
            if not hmac.compare_digest(signature, self._signature(body)):
                return None
            session = msgspec.json.decode(body, type=Session)
        except ValueError:
            return None
        return None if self.is_over(session) else session

    def is_over(self, session: Session) -> bool:
        return session.ends_at <= self._clock.now()

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, hashlib.sha256)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
