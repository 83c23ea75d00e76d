"""Model values as JSON documents in columns, and back. Knows no table."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_document(value: Any) -> Any:
    """A dataclass as plain JSON values (durations as ISO 8601, sets as sorted lists)."""
    return msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))


def from_document(document: Any, kind: type[T]) -> T:
    """The dataclass again; unknown fields of a newer version are passed over, missing ones get their defaults."""
    return msgspec.convert(document, kind)
