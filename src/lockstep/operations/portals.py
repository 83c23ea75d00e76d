"""Customer portals: a link that shows one customer's places, devices and how the codes on them stand. It changes
nothing, and shows no digits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
from lockstep.storage import customer_portals, workspaces
from lockstep.storage.customer_portals import PlaceRow, PortalRow

LASTS = timedelta(days=7)
"""After that the link lets nobody in."""
PAGE = "/portal"
_MOST_PLACES, _MOST_DEVICES, _MOST_CODES = 200, 100, 50
"""On one page."""


@dataclass(frozen=True, slots=True)
class NewPortal:
    """The link, shown once."""

    customer_portal_id: str
    path: str = field(repr=False)
    """Below this installation's address; holds the token."""
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


async def create(tx: Tx, actor: Actor, customer_key: str) -> NewPortal:
    """For whoever may see all this themselves. Raises Invalid."""
    for scope in _READS:
        require(actor, scope)
    require_whole_workspace(actor)
    id, token = new_id(), links.new_token()
    key = words(customer_key, "customer_key")
    row = PortalRow(
        tx.workspace_id,
        id,
        public_id("portal", id),
        key,
        links.hash_of(token),
        tx.now,
        tx.now + LASTS,
    )
    await customer_portals.insert(tx.db, tx.workspace_id, row)
    created = connecting_events.CustomerPortalCreated(customer_portal_id=row.public_id)
    await recorded.append(tx, actor, created)
    return NewPortal(row.public_id, f"{PAGE}/{token}", key, row.created_at, row.expires_at)


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
        standing = [id for place in found for id in place.device_ids]
        wanted = list(dict.fromkeys([*standing, *own]))
        shown = {id: await _device(gate, tx, actor, id) for id in wanted[:_MOST_DEVICES]}
        return Portal(
            tx.now,
            workspace.partner_name or workspace.name,
            tuple(_place(place, found, shown) for place in found[:_MOST_PLACES]),
            tuple(it for id, it in shown.items() if it is not None and id not in standing),
            len(found) > _MOST_PLACES or len(wanted) > _MOST_DEVICES,
        )


_READS = frozenset({Scope.PROPERTIES_READ, Scope.DEVICES_READ, Scope.GRANTS_READ})


async def _device(gate: Gate, tx: Tx, actor: Actor, device_id: str) -> ShownDevice | None:
    """None where it is shown to nobody any more."""
    found = await devices.list_shown(tx, actor, ListDevices(1, device_ids=(device_id,)))
    if not found:
        return None
    wanted = ListCodes(_MOST_CODES, device_id=device_id, forgotten=False)
    codes = [_code(it) for it in await access_codes.list_shown(tx, actor, wanted)]
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
    return Place(" · ".join(reversed(names)), row.time_zone, tuple(there))
