"""Customer portals: a link that shows one customer's places, devices and how the codes on them stand. It changes
nothing, and shows no digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from lockstep.kit import links
from lockstep.kit.ids import new_id, public_id
from lockstep.model import connecting_events, permissions
from lockstep.model.access_code import Standing
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import access_codes, devices
from lockstep.operations import events as recorded
from lockstep.operations.access_codes import AccessCode, ListCodes
from lockstep.operations.devices import Device, ListDevices
from lockstep.operations.errors import LinkOver
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.offers import MAKERS
from lockstep.operations.vendors import label_of
from lockstep.operations.words import words
from lockstep.storage import customer_portals, spaces, workspaces
from lockstep.storage.customer_portals import PlaceRow, PortalRow

LASTS = timedelta(days=7)
"""After that the link lets nobody in."""
PAGE = "/portal"
_MOST_PLACES, _MOST_DEVICES, _MOST_CODES = 200, 100, 50
"""On one page."""


@dataclass(frozen=True, slots=True)
class CreatePortal:
    """`space_key` and `device_id`: where the page is to begin; what is not the customer's is left aside."""

    customer_key: str
    metadata: Mapping[str, str | bool] = field(default_factory=dict)
    """Only devices that have all these values of their caller's own, and places where such stand."""
    hides_codes: bool = False
    is_embedded: bool = False
    """Pages of other sites may show it within theirs."""
    space_key: str | None = None
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewPortal:
    """The link, shown once."""

    customer_portal_id: str
    path: str = field(repr=False)
    """Below this installation's address; holds the token, and where the page begins."""
    customer_key: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code as the customer sees it: without digits."""

    name: str = field(repr=False)
    standing: Standing
    starts_at: datetime
    ends_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class ShownDevice:
    device: Device
    vendor: str
    """Its maker where that is known, for people."""
    codes: tuple[ShownCode, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A space of the customer's; `name` with those that it lies in, as far as they are the customer's too."""

    space_id: str
    name: str
    time_zone: str | None
    devices: tuple[ShownDevice, ...]


@dataclass(frozen=True, slots=True)
class Portal:
    """All of it, as it stands at `at`."""

    at: datetime
    partner: str
    """Who gave the link."""
    places: tuple[Place, ...]
    elsewhere: tuple[ShownDevice, ...]
    """Devices of the customer's accounts that stand in none of these places."""
    is_cut: bool
    """There is more than one page can show."""
    hides_codes: bool
    is_embedded: bool


async def create(tx: Tx, actor: Actor, command: CreatePortal) -> NewPortal:
    """For whoever may see all this themselves. Raises Invalid."""
    for scope in _READS:
        require(actor, scope)
    require_whole_workspace(actor)
    id, token = new_id(), links.new_token()
    key = words(command.customer_key, "customer_key")
    shows = _Shows(dict(command.metadata), command.hides_codes, command.is_embedded)
    row = PortalRow(
        tx.workspace_id,
        id,
        public_id("portal", id),
        key,
        links.hash_of(token),
        msgspec.to_builtins(shows),
        tx.now,
        tx.now + LASTS,
    )
    await customer_portals.insert(tx.db, tx.workspace_id, row)
    created = connecting_events.CustomerPortalCreated(customer_portal_id=row.public_id)
    await recorded.append(tx, actor, created)
    beginning = await _beginning(tx, key, command)
    path = f"{PAGE}/{token}{f'#{beginning}' if beginning else ''}"
    return NewPortal(row.public_id, path, key, row.created_at, row.expires_at)


async def see(gate: Gate, token: str) -> Portal:
    """What the link shows. Raises LinkOver."""
    async with gate.database.reading(None) as db:
        row = await customer_portals.find_in_every_workspace(db, links.hash_of(token))
    if row is None or row.expires_at <= gate.clock.now():
        raise LinkOver
    actor = permissions.portal(row.workspace_id, row.public_id, _READS)
    async with gate.reading(row.workspace_id) as tx:
        workspace = await workspaces.get(tx.db, tx.workspace_id)
        assert workspace is not None, "the link is of it"
        found = await customer_portals.places(tx.db, tx.workspace_id, row.customer_key, _MOST_PLACES + 1)
        own = await customer_portals.devices_of(tx.db, tx.workspace_id, row.customer_key, _MOST_DEVICES + 1)
        shows = msgspec.convert(row.shows, _Shows)
        standing = [id for place in found for id in place.device_ids]
        wanted = list(dict.fromkeys([*standing, *own]))
        shown = {id: await _device(gate, tx, actor, id, shows) for id in wanted[:_MOST_DEVICES]}
        places = [_place(place, found, shown) for place in found[:_MOST_PLACES]]
        return Portal(
            tx.now,
            workspace.partner_name or workspace.name,
            tuple(place for place in places if place.devices or not shows.metadata),
            tuple(it for id, it in shown.items() if it is not None and id not in standing),
            len(found) > _MOST_PLACES or len(wanted) > _MOST_DEVICES,
            shows.hides_codes,
            shows.is_embedded,
        )


_READS = frozenset({Scope.PROPERTIES_READ, Scope.DEVICES_READ, Scope.GRANTS_READ})


class _Shows(msgspec.Struct):
    """What a link shows, as it is stored."""

    metadata: dict[str, str | bool] = {}
    hides_codes: bool = False
    is_embedded: bool = False


async def _beginning(tx: Tx, customer_key: str, command: CreatePortal) -> str | None:
    """The id of a place or a device that the page has, if one was asked for."""
    own = await customer_portals.devices_of(tx.db, tx.workspace_id, customer_key, _MOST_DEVICES)
    found = await customer_portals.places(tx.db, tx.workspace_id, customer_key, _MOST_PLACES)
    if command.device_id in {*own, *(id for place in found for id in place.device_ids)}:
        return command.device_id
    space = await spaces.by_key(tx.db, tx.workspace_id, command.space_key) if command.space_key else None
    return space.public_id if space and any(place.id == space.id for place in found) else None


async def _device(gate: Gate, tx: Tx, actor: Actor, device_id: str, shows: _Shows) -> ShownDevice | None:
    """None where it is shown to nobody any more, or not by this link."""
    found = await devices.list_shown(tx, actor, ListDevices(1, device_ids=(device_id,)))
    if not found or any(found[0].custom_metadata.get(n) != v for n, v in shows.metadata.items()):
        return None
    wanted = ListCodes(_MOST_CODES, device_id=device_id, forgotten=False)
    every = [] if shows.hides_codes else await access_codes.list_shown(tx, actor, wanted)
    codes = [_code(it) for it in every]
    living = [c for c in codes if c.standing is not Standing.GONE]
    maker = MAKERS.get(found[0].maker or "")
    label = maker[0] if maker else label_of(gate, found[0].vendor)
    return ShownDevice(found[0], label, tuple(sorted(living, key=lambda c: c.starts_at)))


def _code(it: AccessCode) -> ShownCode:
    trouble = str(it.failure["cause"]) if it.failure and it.standing is Standing.FAILED else None
    return ShownCode(it.row.grant_name, it.standing, it.window.starts_at, it.window.ends_at, trouble)


def _place(row: PlaceRow, all_: list[PlaceRow], shown: dict[str, ShownDevice | None]) -> Place:
    by_id = {place.id: place for place in all_}
    names, at = [row.name], row.parent_id
    while at is not None and at in by_id:
        names.append(by_id[at].name)
        at = by_id[at].parent_id
    there = [device for id in row.device_ids if (device := shown.get(id)) is not None]
    return Place(row.public_id, " · ".join(reversed(names)), row.time_zone, tuple(there))
