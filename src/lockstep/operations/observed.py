"""What an observation tells of a code on a lock, as operations and workers read it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.model.capabilities import Evidence
from lockstep.model.seen import Seen
from lockstep.model.window import Window
from lockstep.operations.gate import Tx


def digits_seen(tx: Tx, account_id: UUID, content: Mapping[str, Any]) -> str | None:
    """The digits that it carries sealed; None where it carries none."""
    sealed = content.get("sealed")
    return tx.open(b64decode(sealed), "observations", "content", account_id) if sealed else None


def sealed_digits(tx: Tx, account_id: UUID, digits: str) -> str:
    """As an observation carries them."""
    return b64encode(tx.seal(digits, "observations", "content", account_id)).decode()


def window_seen(content: Mapping[str, Any]) -> Window | None:
    """None where the vendor shows no window."""
    document = content.get("window")
    if not document or document[0] is None:
        return None
    ends_at = datetime.fromisoformat(document[1]) if document[1] else None
    return Window(datetime.fromisoformat(document[0]), ends_at)


def entry_seen(content: Mapping[str, Any]) -> Seen:
    """As the model compares it."""
    return Seen(
        reference=content["reference"],
        evidence=Evidence(content["evidence"]),
        fingerprint=UUID(content["fingerprint"]) if content.get("fingerprint") else None,
        version=content.get("version"),
        window=window_seen(content),
        is_enabled=content.get("is_enabled"),
        targets=frozenset(content["targets"]),
        name=content.get("name"),
    )


def window_document(window: Window | None) -> list[str | None] | None:
    """As an observation carries it."""
    if window is None:
        return None
    return [window.starts_at.isoformat(), window.ends_at.isoformat() if window.ends_at else None]
