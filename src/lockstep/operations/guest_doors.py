"""What a guest may open, as their own page shows it: digits and windows of their codes, and doors to open from afar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from lockstep.model import permissions
from lockstep.model.access_code import Standing
from lockstep.model.permissions import Actor
from lockstep.operations import access_codes, attempts
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.attempts import ActionAttempt
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.storage import devices, grants, guest_devices, spaces
from lockstep.storage.devices import DeviceRow

_MOST_GRANTS = 50


@dataclass(frozen=True, slots=True)
class Door:
    """A lock of the guest's. `digits` None: no code, or none yet."""

    device_id: str
    name: str
    digits: str | None = field(repr=False)
    is_ready: bool
    """The code is proven on the lock."""
    starts_at: datetime | None
    """When the code begins to open; None: whenever."""
    ends_at: datetime | None
    can_unlock: bool
    """From afar, now."""
    time_zone: str | None


async def doors(tx: Tx, link_public_id: str, guest_id: UUID) -> tuple[Door, ...]:
    """Soonest first. `link_public_id`: of the link by which the guest came."""
    codes, own = await _reached(tx, link_public_id, guest_id)
    rows = {row.id: row for row in await devices.get_many(tx.db, tx.workspace_id, _ids(codes, own))}
    zones = await spaces.zones_of_devices(tx.db, tx.workspace_id, sorted(rows))
    found = [_of_code(tx, code, rows[code.row.device_id], zones) for code in codes]
    covered = {door.device_id for door in found}
    found += [_of_device(rows[id], zones) for id in own if id in rows and rows[id].public_id not in covered]
    return tuple(sorted(found, key=lambda door: (door.starts_at or tx.now, door.name)))


async def unlock(tx: Tx, link_public_id: str, guest_id: UUID, device_public_id: str) -> ActionAttempt:
    """Open one of these doors now. Raises NotFound, Invalid where it cannot be opened so, or not now."""
    door = next(
        (d for d in await doors(tx, link_public_id, guest_id) if d.device_id == device_public_id), None
    )
    if door is None:
        raise NotFound("door", device_public_id, next_step="Open your link again.")
    if not door.can_unlock:
        raise Invalid(
            "This door cannot be opened from here now.",
            code="cannot_unlock",
            next_step="Use your code at the door, or ask your host.",
        )
    actor = await _actor(tx, link_public_id, guest_id)
    return await attempts.unlock(tx, actor, device_public_id)


async def attempt(tx: Tx, link_public_id: str, guest_id: UUID, attempt_public_id: str) -> ActionAttempt:
    """What came of it. Raises NotFound, also for one that another asked for."""
    actor = await _actor(tx, link_public_id, guest_id)
    found = await attempts.get(tx, actor, attempt_public_id)
    if found.asked_by != actor.name:
        raise NotFound("action attempt", attempt_public_id)
    return found


async def _actor(tx: Tx, link_public_id: str, guest_id: UUID) -> Actor:
    codes, own = await _reached(tx, link_public_id, guest_id)
    return permissions.guest_link(tx.workspace_id, link_public_id, _ids(codes, own), guest_id)


async def _reached(tx: Tx, link_public_id: str, guest_id: UUID) -> tuple[list[AccessCode], list[UUID]]:
    """Codes of the guest's living grants, and devices that they were given by hand."""
    living = await grants.living_of_guest(tx.db, tx.workspace_id, guest_id, tx.now)
    actor = permissions.guest_link(tx.workspace_id, link_public_id, (), guest_id)
    by_grant = await access_codes.of_grants(tx, actor, [grant.id for grant in living[:_MOST_GRANTS]])
    codes = [code for found in by_grant.values() for code in found]
    shown = [c for c in codes if c.row.withdrawn_at is None and c.standing is not Standing.GONE]
    return shown, await guest_devices.given_to(tx.db, tx.workspace_id, guest_id)


def _ids(codes: Iterable[AccessCode], own: Iterable[UUID]) -> list[UUID]:
    return sorted({*(code.row.device_id for code in codes), *own})


def _of_code(tx: Tx, code: AccessCode, row: DeviceRow, zones: dict[UUID, str]) -> Door:
    window = code.window
    is_open = window.starts_at <= tx.now and (window.ends_at is None or tx.now < window.ends_at)
    return Door(
        row.public_id,
        row.nickname or row.name,
        code.digits,
        code.is_set_as_last_read,
        window.starts_at,
        window.ends_at,
        row.capabilities.can_unlock and is_open,
        zones.get(row.id) or row.time_zone,
    )


def _of_device(row: DeviceRow, zones: dict[UUID, str]) -> Door:
    name = row.nickname or row.name
    zone = zones.get(row.id) or row.time_zone
    return Door(row.public_id, name, None, False, None, None, row.capabilities.can_unlock, zone)
