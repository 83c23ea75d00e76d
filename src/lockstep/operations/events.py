"""Events: appended by the operation that causes them, read by position. Knows no kind of event by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lockstep.kit.ids import new_id, public_id
from lockstep.model.event import RecordedEvent as RecordedEvent
from lockstep.model.event_variety import example_of, kind_of
from lockstep.model.events import KINDS, Event
from lockstep.model.permissions import (
    Actor,
    ActorKind,
    Scope,
    require,
    require_or_own,
    require_whole_workspace,
)
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.storage import event_surroundings
from lockstep.storage import events as stored


class Named(Protocol):
    """Of an actor, events need only the name."""

    @property
    def name(self) -> str: ...


async def append(tx: Tx, actor: Named, *events: Event) -> None:
    """Record facts in the caller's transaction. They get their position, and are told, after it commits."""
    await stored.append(tx.db, tx.workspace_id, actor.name, tx.now, drafts(events))


def drafts(events: Iterable[Event]) -> list[stored.Draft]:
    """Facts as they are stored, for an operation that stores them together with what they tell of."""
    return [_draft(event) for event in events]


async def read(
    tx: Tx, actor: Actor, after: int, most: int, types: Sequence[str] | None = None
) -> list[RecordedEvent]:
    """Up to `most` events behind the position `after`, in order; 0 begins at the first."""
    require(actor, Scope.EVENTS_READ)
    require_whole_workspace(actor)
    varieties = await _varieties(tx, checked_types(types, "types"), None)
    if varieties is not None and not varieties:
        return []
    wanted = stored.Search(most, after, varieties=varieties)
    return [recorded(row) for row in await stored.search(tx.db, tx.workspace_id, wanted)]


@dataclass(frozen=True, slots=True)
class FindEvents:
    """Events that meet all that is given; None: any. By instants events are found by when they were listed, which
    never puts one before another that was there already."""

    most: int
    behind: int = 0
    """Only behind this position; newest first, only before it, where it is not 0."""
    since: datetime | None = None
    until: datetime | None = None
    """Up to this instant, without it."""
    types: Sequence[str] | None = None
    is_told: Callable[[RecordedEvent], bool] | None = None
    """Whether one that says this is wanted: asked of examples of each variety."""
    event_ids: Sequence[str] | None = None
    about: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Name of a subject, such as `device_id` -> public ids, one of which it must be."""
    connected_account_ids: Sequence[str] | None = None
    """Of these accounts, or of a device under one of them."""
    access_method_ids: Sequence[str] | None = None
    """Of the grants that these belong to."""
    customer_key: str | None = None
    """Of what is this customer's."""
    space_ids: Sequence[str] | None = None
    """Of these spaces, be they properties or within one."""
    is_newest_first: bool = False


async def find(tx: Tx, actor: Actor, command: FindEvents) -> list[RecordedEvent]:
    """In the order of positions. A client session finds what is told of its accounts and webviews and, where it is a
    customer's, of all that is the customer's."""
    require_or_own(actor, Scope.EVENTS_READ)
    kinds = checked_types(command.types, "types")
    about: list[Mapping[str, Sequence[str]]] = [{name: ids} for name, ids in command.about.items()]
    if actor.kind is ActorKind.CLIENT_SESSION:
        about.append(await _of_session(tx, actor))
    else:
        require_whole_workspace(actor)
    if command.connected_account_ids is not None:
        ids = command.connected_account_ids
        under = await event_surroundings.devices_of_accounts(tx.db, tx.workspace_id, ids)
        about.append({"connected_account_id": ids, "device_id": under})
    if command.access_method_ids is not None:
        ids = command.access_method_ids
        met = await event_surroundings.grants_of_methods(tx.db, tx.workspace_id, ids)
        about.append({"access_grant_id": met})
    if command.customer_key is not None:
        about.append(await event_surroundings.of_customer(tx.db, tx.workspace_id, command.customer_key))
    if command.space_ids is not None:
        about.append({"space_id": command.space_ids, "property_id": command.space_ids})
    varieties = await _varieties(tx, kinds, command.is_told)
    if varieties is not None and not varieties:
        return []
    wanted = stored.Search(
        command.most,
        command.behind,
        command.since,
        command.until,
        varieties,
        command.event_ids,
        about,
        command.is_newest_first,
    )
    return [recorded(row) for row in await stored.search(tx.db, tx.workspace_id, wanted)]


async def _varieties(
    tx: Tx, kinds: Sequence[str] | None, is_told: Callable[[RecordedEvent], bool] | None
) -> list[str] | None:
    """Those of these kinds that are told; None: any."""
    if kinds is None and is_told is None:
        return None
    every = await stored.varieties(tx.db, tx.workspace_id)
    of_kinds = every if kinds is None else [v for v in every if kind_of(v) in kinds]
    return of_kinds if is_told is None else [v for v in of_kinds if is_told(example_of(v))]


async def _of_session(tx: Tx, actor: Actor) -> dict[str, list[str]]:
    given = sorted(actor.account_ids), sorted(actor.webview_ids)
    own = await event_surroundings.of_given(tx.db, tx.workspace_id, *given)
    if actor.customer_key is None:
        return own
    theirs = await event_surroundings.of_customer(tx.db, tx.workspace_id, actor.customer_key)
    return {name: [*own.get(name, ()), *theirs.get(name, ())] for name in {**own, **theirs}}


async def get(tx: Tx, actor: Actor, event_id: str) -> RecordedEvent:
    """One event, as soon as it has its position."""
    require(actor, Scope.EVENTS_READ)
    require_whole_workspace(actor)
    row = await stored.find(tx.db, tx.workspace_id, event_id)
    if row is None:
        raise NotFound("event", event_id)
    return recorded(row)


def recorded(row: stored.PositionedRow) -> RecordedEvent:
    """What is stored, as it is told of."""
    e = row.event
    return RecordedEvent(
        e.public_id, row.position, e.kind, e.occurred_at, e.actor, e.subjects, e.payload, row.listed_at
    )


def checked_types(types: Sequence[str] | None, field: str) -> list[str] | None:
    """Kinds of events from their names, each once; None: all. Raises Invalid."""
    for name in types or ():
        if name not in KINDS:
            raise Invalid(
                f"There is no event {name!r}.",
                code="event_type_unknown",
                next_step=f"There are: {', '.join(KINDS)}.",
                field=field,
            )
    return None if types is None else list(dict.fromkeys(types))


def _draft(event: Event) -> stored.Draft:
    id = new_id()
    return stored.Draft(id, public_id("event", id), event.kind, event.subjects(), event.payload())
