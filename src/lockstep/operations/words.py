"""What callers give, checked: text not empty, not endless, without control characters. Knows no noun."""

from __future__ import annotations

import unicodedata
from typing import TypeVar

from msgspec import UNSET, UnsetType

from lockstep.operations.errors import Invalid

T = TypeVar("T")

LONGEST = 200


def words(text: str, field: str, longest: int = LONGEST) -> str:
    """`text` without the spaces around it. Raises Invalid, which names `field` and does not repeat the text."""
    cleaned = text.strip()
    if not cleaned:
        raise Invalid(f"The {field} is empty.", code="text_empty", next_step="Give a text.", field=field)
    if len(cleaned) > longest:
        raise Invalid(
            f"The {field} is longer than {longest} characters.",
            code="text_too_long",
            next_step="Shorten it.",
            field=field,
        )
    # What is printable holds none, which is found out at once.
    if not cleaned.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} for c in cleaned):
        raise Invalid(
            f"The {field} holds control characters.",
            code="text_unreadable",
            next_step="Leave them out; a text is one line.",
            field=field,
        )
    return cleaned


def words_or_none(text: str | None, field: str, longest: int = LONGEST) -> str | None:
    """The same where nothing may be said: an empty text is nothing."""
    return words(text, field, longest) if text and text.strip() else None


def told(value: T | UnsetType, before: T) -> T:
    """What is left out of a change stays as it was."""
    return before if value is UNSET else value
