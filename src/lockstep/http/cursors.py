"""Cursors: opaque to callers, signed, and bound to the workspace and the list that they came from."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

import msgspec

from lockstep.operations.errors import Invalid

_SIGNATURE = 12
_NOT_OURS = "This cursor was not made by this list, or was made with other filters."


class CursorInvalid(Invalid):
    """This cursor was not made by this list."""

    code = "cursor_invalid"
    next_step = "Begin again without a cursor."


class Cursors:
    """Makes and reads cursors. `key`: 32 secret bytes, the same in all processes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, workspace_id: UUID, of: str, place: Any) -> str:
        """`of` names the list, with what it was filtered by; `place`: JSON values, where to go on."""
        body = msgspec.json.encode(place)
        return urlsafe_b64encode(self._sign(workspace_id, of, body) + body).rstrip(b"=").decode()

    def read(self, workspace_id: UUID, of: str, cursor: str) -> Any:
        """The place. Raises CursorInvalid."""
        try:
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raise CursorInvalid(_NOT_OURS, field="query.cursor") from None
        signature, body = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(workspace_id, of, body)):
            raise CursorInvalid(_NOT_OURS, field="query.cursor")
        return msgspec.json.decode(body)

    def _sign(self, workspace_id: UUID, of: str, body: bytes) -> bytes:
        message = b"\x00".join((workspace_id.bytes, of.encode(), body))
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_SIGNATURE]
