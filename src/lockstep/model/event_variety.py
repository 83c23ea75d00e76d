"""Varieties of events: a kind, with those of the things said that decide as what others are told of it.

There are some hundred of them however many events there are, so that events are found by what they are told as."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from lockstep.model.event import RecordedEvent

SAID = frozenset(
    {
        *("action", "change", "changed", "form", "has_new_credentials", "is_again", "is_ahead", "is_at_door"),
        *("is_for_good", "is_moved", "is_online", "is_renamed", "is_replaced", "is_update", "is_withdrawn"),
        *("level", "modified_fields"),
    }
)
"""What an event may say that makes a difference: of each a few values."""
ABOUT = frozenset({"connect_webview_id"})
"""Subjects that make a difference by being there, whichever they are."""
_ONLY_THERE = "level"
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder(order="sorted").encode


def variety_of(kind: str, subjects: Mapping[str, str], payload: Mapping[str, Any]) -> str:
    """The kind, and behind a space what makes the difference, if anything does."""
    telling = {name: _in_short(name, payload[name]) for name in SAID & payload.keys()}
    telling = {name: value for name, value in telling.items() if value is not None}
    telling.update(dict.fromkeys(ABOUT & subjects.keys(), True))
    return f"{kind} {_encode(telling).decode()}" if telling else kind


def kind_of(variety: str) -> str:
    return variety.partition(" ")[0]


def example_of(variety: str) -> RecordedEvent:
    """An event of this variety that says nothing besides. Others are told of it as of any other of this variety."""
    kind, _, told = variety.partition(" ")
    telling: dict[str, Any] = msgspec.json.decode(told) if told else {}
    subjects = dict.fromkeys(ABOUT & telling.keys(), "")
    payload = {name: value for name, value in telling.items() if name not in ABOUT}
    return RecordedEvent("", 0, kind, _NEVER, "", subjects, payload, _NEVER)


def _in_short(name: str, value: Any) -> Any:
    if name == _ONLY_THERE:
        return None if value is None else True
    if name == "modified_fields":
        return [{"field": field} for field in sorted({f["field"] for f in value or () if f.get("field")})]
    return sorted(value) if isinstance(value, list) else value
