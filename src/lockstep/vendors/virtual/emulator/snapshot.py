"""An emulated world as one document, and made from it again: so that it can outlive the process that holds it.

What is under way is not kept, but for a bolt that throws itself: a world that is to be kept does everything at once
(`takes_seconds` 0, no jobs)."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from lockstep.emulation.door import Door, Entry
from lockstep.kit.clock import Clock
from lockstep.vendors.virtual.emulator.cloud import Hook, Settings
from lockstep.vendors.virtual.emulator.features import Features, Nature
from lockstep.vendors.virtual.emulator.records import Code, Lock, Visit
from lockstep.vendors.virtual.emulator.world import VirtualWorld

MOST_VISITS = 200
"""The newest are kept."""


class _Lock(msgspec.Struct, frozen=True):
    id: str
    name: str
    model: str
    features: Features
    nature: Nature
    site: str
    gateway: str | None
    time_zone: str
    seen_at: datetime
    kind: str
    maker: str | None
    is_connected: bool
    is_hub_connected: bool
    has_subscription: bool
    is_locked: bool
    is_door_open: bool
    has_auto_lock: bool
    auto_lock_seconds: float
    opened_at: datetime | None
    battery: float
    first_used_at: dict[str, datetime]
    on_lock: tuple[Entry, ...]


class _World(msgspec.Struct, frozen=True):
    switches: Settings
    locks: tuple[_Lock, ...]
    codes: tuple[Code, ...]
    visits: tuple[Visit, ...]
    hooks: tuple[Hook, ...]
    last_number: int


def saved(world: VirtualWorld) -> bytes:
    """The world as it stands, as JSON. It holds digits."""
    with world.settled():
        return msgspec.json.encode(
            _World(
                world.switches,
                tuple(_kept(lock) for lock in world.locks.values()),
                tuple(world.codes),
                tuple(world.log[-MOST_VISITS:]),
                tuple(world.hooks.values()),
                world.last_number,
            )
        )


def restored(clock: Clock, document: bytes) -> VirtualWorld:
    """The world of a document that `saved` made."""
    kept = msgspec.json.decode(document, type=_World)
    world = VirtualWorld(clock, kept.switches)
    world.locks = {lock.id: _lock(lock) for lock in kept.locks}
    for code in kept.codes:
        world.keep(code, clock.now())
    for lock in world.locks.values():
        world.relock_later(lock)
    world.log = list(kept.visits)
    world.hooks = {hook.id: hook for hook in kept.hooks}
    world.last_number = kept.last_number
    return world


def _kept(lock: Lock) -> _Lock:
    return _Lock(
        lock.id,
        lock.name,
        lock.model,
        lock.features,
        lock.nature,
        lock.site,
        lock.gateway,
        lock.time_zone.key,
        lock.seen_at,
        lock.kind,
        lock.maker,
        lock.is_connected,
        lock.is_hub_connected,
        lock.has_subscription,
        lock.is_locked,
        lock.is_door_open,
        lock.has_auto_lock,
        lock.auto_lock_seconds,
        lock.opened_at,
        lock.battery,
        lock.first_used_at,
        tuple(lock.door),
    )


def _lock(kept: _Lock) -> Lock:
    time_zone = ZoneInfo(kept.time_zone)
    door = Door(time_zone)
    for entry in kept.on_lock:
        door.put(entry)
    return Lock(
        kept.id,
        kept.name,
        kept.model,
        kept.features,
        kept.nature,
        kept.site,
        kept.gateway,
        time_zone,
        door,
        kept.seen_at,
        kept.kind,
        kept.maker,
        is_connected=kept.is_connected,
        is_hub_connected=kept.is_hub_connected,
        has_subscription=kept.has_subscription,
        is_locked=kept.is_locked,
        is_door_open=kept.is_door_open,
        has_auto_lock=kept.has_auto_lock,
        auto_lock_seconds=kept.auto_lock_seconds,
        opened_at=kept.opened_at,
        battery=kept.battery,
        first_used_at=dict(kept.first_used_at),
    )
