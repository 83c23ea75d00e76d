"""/events: what happened, in Seam's types, in the order in which it was listed, which never changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.catalogue import event_types
from lockstep.http.seam.faults import SeamFault, invalid_input
from lockstep.http.seam.params import Id, Ids, Instant, Params
from lockstep.http.seam.present.event import event, has_its_device, ids_behind, space_of, told_id
from lockstep.http.seam.present.event_types import RULES, types_of
from lockstep.http.seam.present.ids import asked, shown
from lockstep.model.event import RecordedEvent
from lockstep.model.events import KINDS
from lockstep.model.permissions import Scope
from lockstep.operations import events
from lockstep.operations.event_surroundings import around
from lockstep.operations.events import FindEvents
from lockstep.operations.gate import Tx

_MOST = 500
_MOST_OFFSET = 100_000
_KINDS = tuple(kind for kind in RULES if kind in KINDS)
"""Our types of events that are told at all."""
_TYPES = frozenset(rule.type for rules in RULES.values() for rule in rules)
"""Those that something is told as."""

Told = tuple[RecordedEvent, str]
"""An event and one of the types that it is told as."""


def _known(type: str) -> str:
    if type not in event_types():
        raise ValueError("Invalid enum value. Expected one of the event types of Seam's contract")
    return type


Type = Annotated[str, AfterValidator(_known)]


class Get(Params):
    event_id: Id | None = None
    event_type: Annotated[str, Field(min_length=1)] | None = None
    device_id: Id | None = None


class List(Params):
    since: Instant | None = None
    between: Annotated[list[Instant], Field(min_length=2, max_length=2)] | None = None
    limit: Annotated[float, Field(ge=1, le=_MOST)] | None = None
    unstable_offset: Annotated[float, Field(ge=0, le=_MOST_OFFSET)] | None = None
    event_type: Type | None = None
    event_types: list[Type] | None = None
    event_ids: Ids | None = None
    device_id: Id | None = None
    device_ids: Ids | None = None
    access_code_id: Id | None = None
    access_code_ids: Ids | None = None
    access_grant_id: Id | None = None
    access_grant_ids: Ids | None = None
    access_method_id: Id | None = None
    access_method_ids: Ids | None = None
    connected_account_id: Id | None = None
    connect_webview_id: Id | None = None
    space_id: Id | None = None
    space_ids: Ids | None = None
    customer_key: Annotated[str, Field(min_length=1)] | None = None
    acs_system_id: Id | None = None
    acs_system_ids: Ids | None = None
    acs_access_group_id: Id | None = None
    acs_credential_id: Id | None = None
    acs_encoder_id: Id | None = None
    acs_entrance_id: Id | None = None
    acs_user_id: Id | None = None
    user_identity_id: Id | None = None


_NEVER_TOLD = (
    "acs_system_id",
    "acs_system_ids",
    "acs_access_group_id",
    "acs_credential_id",
    "acs_encoder_id",
    "acs_entrance_id",
    "acs_user_id",
)
"""No event of ours carries these."""


async def get(call: Asked, params: Get) -> Answer:
    if params.event_id is None and params.event_type is None and params.device_id is None:
        raise invalid_input("Must specify event_id, event_type or device_id")
    return {"event": await call.read(lambda tx: _get(tx, call, params))}


async def _get(tx: Tx, call: Asked, params: Get) -> dict[str, Any]:
    wanted = FindEvents(
        1 if params.event_id is None else _MOST,
        types=list(_KINDS),
        is_told=lambda it: params.event_type is None or params.event_type in types_of(it),
        event_ids=None if params.event_id is None else _ids_behind([params.event_id]),
        about={} if params.device_id is None else {"device_id": [asked("lock", params.device_id)]},
        is_newest_first=True,
    )
    found: list[Told] = []
    while not found:
        rows = await events.find(tx, call.actor, wanted)
        found = [
            (row, type)
            for row in rows
            for type in types_of(row)
            if params.event_type in (None, type) and params.event_id in (None, told_id(row, type))
        ]
        if len(rows) < wanted.most:
            break
        wanted = _behind(wanted, rows)
    shapes = await _shown(tx, call, found[:1])
    if not shapes:
        raise SeamFault(HTTPStatus.NOT_FOUND, "event_not_found", "There is no such event.")
    return shapes[0]


async def list_(call: Asked, params: List) -> Answer:
    if any(getattr(params, name) is not None for name in _NEVER_TOLD):
        return {"events": []}
    return {"events": await call.read(lambda tx: _listed(tx, call, params))}


async def _listed(tx: Tx, call: Asked, params: List) -> list[dict[str, Any]]:
    offset, most = int(params.unstable_offset or 0), int(params.limit or _MOST)
    types = _either(params.event_type, params.event_types)
    fits = _fitting(params, types)
    wanted = _search(params, types)
    found: list[Told] = []
    while len(found) < offset + most:
        rows = await events.find(tx, call.actor, wanted)
        found += [(row, type) for row in rows for type in types_of(row) if fits(row, type)]
        if len(rows) < wanted.most:
            break
        wanted = _behind(wanted, rows)
    return await _shown(tx, call, found[offset : offset + most])


async def _shown(tx: Tx, call: Asked, told: Sequence[Told]) -> list[dict[str, Any]]:
    near = await around(
        tx,
        [row for row, _ in told],
        with_digits=call.actor.may(Scope.CODES_READ),
        with_names=call.actor.may(Scope.GUESTS_READ),
    )
    return [event(row, type, near, call.workspace_id) for row, type in told if has_its_device(row, near)]


def _search(params: List, types: Sequence[str] | None) -> FindEvents:
    since, until = params.since, None
    if params.between is not None:
        since, until = params.between
    about: dict[str, Sequence[str]] = {}
    for name, prefix, given in (
        ("device_id", "lock", _either(params.device_id, params.device_ids)),
        ("access_code_id", "code", _either(params.access_code_id, params.access_code_ids)),
        ("access_grant_id", "grant", _either(params.access_grant_id, params.access_grant_ids)),
        ("connect_webview_id", "webview", _either(params.connect_webview_id, None)),
        ("guest_id", "guest", _either(params.user_identity_id, None)),
    ):
        if given is not None:
            about[name] = [asked(prefix, id) for id in given]
    accounts = _either(params.connected_account_id, None)
    methods = _either(params.access_method_id, params.access_method_ids)
    spaces = _either(params.space_id, params.space_ids)
    return FindEvents(
        _MOST,
        since=since,
        until=until,
        types=list(_KINDS),
        is_told=_told_as(types, _families(params)),
        event_ids=None if params.event_ids is None else _ids_behind(params.event_ids),
        about=about,
        customer_key=params.customer_key,
        connected_account_ids=None if accounts is None else [asked("account", id) for id in accounts],
        access_method_ids=None if methods is None else [asked("method", id) for id in methods],
        space_ids=None if spaces is None else [asked("space", id) for id in spaces],
    )


def _fitting(params: List, types: Sequence[str] | None) -> Callable[[RecordedEvent, str], bool]:
    """Whether an event is wanted as this type: what is asked of our events is wider than what is asked for."""
    ids = None if params.event_ids is None else frozenset(params.event_ids)
    spaces = _either(params.space_id, params.space_ids)
    families = _families(params)

    def fits(row: RecordedEvent, type: str) -> bool:
        return (
            (types is None or type in types)
            and (families is None or type.startswith(families))
            and (ids is None or told_id(row, type) in ids)
            and (spaces is None or shown(space_of(row)) in spaces)
        )

    return fits


def _families(params: List) -> tuple[str, ...] | None:
    """How the types begin that carry what is asked for; None: any."""
    if params.access_method_id is not None or params.access_method_ids is not None:
        return ("access_method.",)
    if params.access_grant_id is not None or params.access_grant_ids is not None:
        return ("access_grant.", "access_method.")
    return None


def _told_as(
    types: Sequence[str] | None, families: tuple[str, ...] | None
) -> Callable[[RecordedEvent], bool]:
    """Whether an event is told as any of these types, which begin so; None: any."""

    def is_told(it: RecordedEvent) -> bool:
        return any(
            (types is None or type in types) and (families is None or type.startswith(families))
            for type in types_of(it)
        )

    return is_told


def _ids_behind(theirs: Sequence[str]) -> list[str]:
    return [asked("event", id) for one in theirs for id in ids_behind(one, _TYPES)]


def _either(one: str | None, several: Sequence[str] | None) -> list[str] | None:
    if one is None and several is None:
        return None
    return [*(several or ()), *([one] if one is not None else [])]


def _behind(wanted: FindEvents, rows: Sequence[RecordedEvent]) -> FindEvents:
    return replace(wanted, behind=rows[-1].position)


PATHS: tuple[Path, ...] = (Path("/events/get", Get, get), Path("/events/list", List, list_))
