"""What every event is: a fact about things with public ids, and one that is recorded. Knows no kind of event; `events`
lists them all."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, ClassVar

from lockstep.kit.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact. Fields that end in `_id` say whom it is about, the others what there is to say."""

    kind: ClassVar[str] = ""

    def subjects(self) -> dict[str, str]:
        """Whom it is about: field name such as `access_code_id` -> public id."""
        return {name: v for name in self._names()[0] if (v := getattr(self, name))}

    def payload(self) -> dict[str, object]:
        """What else there is to say, as JSON values: instants as ISO 8601 in UTC."""
        return {name: _json(getattr(self, name)) for name in self._names()[1]}

    @classmethod
    @functools.cache  # each declaration tells of several
    def _names(cls) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the fields that say whom it is about, and of the others."""
        names = [f.name for f in fields(cls)]
        return tuple(n for n in names if n.endswith("_id")), tuple(n for n in names if not n.endswith("_id"))


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """Something that somebody should know of: `code` is public API, `cause` in words, `next_step` what to do."""

    code: str = ""
    cause: str = ""
    next_step: str = ""

    def payload(self) -> dict[str, object]:
        said = super().payload()
        return said if self.code else {k: v for k, v in said.items() if k not in _FAILURE}


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A fact at its position: positions of one workspace follow on each other without gaps."""

    event_id: str
    position: int
    type: str
    occurred_at: datetime
    actor: str
    subjects: Mapping[str, str]
    payload: Mapping[str, Any]
    listed_at: datetime
    """From when on it can be listed: behind every event that is listed already."""


_FAILURE = ("code", "cause", "next_step")


def _json(value: Any) -> object:
    if isinstance(value, tuple):
        return [_json(v) for v in value]
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
