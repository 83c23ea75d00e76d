"""Events: appended by the operation that causes them, read by position. Knows no kind of event by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lockstep.kit.ids import new_id, public_id
from lockstep.operations.gate import Tx
from lockstep.storage import events as stored


class Event(Protocol):
    """What model/events.py holds: a fact in public ids, without digits and without personal data."""

    @property
    def kind(self) -> str:
        """Such as `access_code.set`: one of the closed list."""
        ...

    def subjects(self) -> Mapping[str, str]:
        """Whom it is about: field name such as `access_code_id` -> public id."""
        ...

    def payload(self) -> Mapping[str, object]:
        """What else there is to say, as JSON values."""
        ...


class Named(Protocol):
    """Of an actor, events need only the name."""

    @property
    def name(self) -> str: ...


async def append(tx: Tx, actor: Named, *events: Event) -> None:
    """Record facts in the caller's transaction. They get their position, and are told, after it commits."""
    await stored.append(
        tx.db,
        tx.workspace_id,
        actor.name,
        tx.now,
        [_draft(event) for event in events],
    )


def _draft(event: Event) -> stored.Draft:
    id = new_id()
    return stored.Draft(id, public_id("event", id), event.kind, dict(event.subjects()), dict(event.payload()))
