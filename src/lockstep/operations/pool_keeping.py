"""Makes pools of backup codes equal to what is wanted of each device. Level, not edge: it is told where to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import backup_pool
from lockstep.model.belief import Belief
from lockstep.model.declared import Declared, Spec
from lockstep.model.naming import entry_name
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.window import Window
from lockstep.operations.backup_pools import is_ready, may_have
from lockstep.operations.chosen_digits import Wish, choose, holds_codes, tag_of
from lockstep.operations.errors import Problem
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import backup_pools, claims, declarations, devices, domains, entries, unmanaged_codes
from lockstep.storage.declarations import Reach
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import EntryRow
from lockstep.storage.unmanaged_codes import UnmanagedFilter

RETRY = timedelta(hours=1)
"""How soon a pool that is not full is looked at again: a place on the lock may have become free."""
PUT_OFF = timedelta(minutes=15)
_AT_ONCE = 50


async def next_look_at(gate: Gate) -> datetime | None:
    """When the first pool of any workspace is due to be looked at."""
    async with gate.database.reading(None) as db:
        return await backup_pools.next_due(db)


async def due(gate: Gate) -> list[tuple[UUID, UUID]]:
    """Workspace and device of some pools that are due."""
    async with gate.database.reading(None) as db:
        return await backup_pools.every_due(db, gate.clock.now(), _AT_ONCE)


async def put_off(tx: Tx, actor: Actor, device_id: UUID) -> None:
    """Not now: a fault of ours stood in the way."""
    require(actor, Scope.GRANTS_WRITE)
    await backup_pools.look_at(tx.db, tx.workspace_id, device_id, tx.now + PUT_OFF)


async def fill(tx: Tx, actor: Actor, device_id: UUID) -> None:
    """Make the pool of a device equal to what is wanted of it: backup codes are declared, renewed or withdrawn. Nothing
    where somebody else has done so meanwhile."""
    require(actor, Scope.GRANTS_WRITE)
    due_at = await backup_pools.hold(tx.db, tx.workspace_id, device_id)
    if due_at is None or due_at > tx.now:
        return
    (device,) = await devices.get_many(tx.db, tx.workspace_id, [device_id])
    await domains.lock(tx.db, tx.workspace_id, [device.domain_id])
    stock = await entries.open_of_domain(tx.db, tx.workspace_id, device.domain_id)
    specs = await entries.specs_of(tx.db, tx.workspace_id, [e.id for e in stock if e.pool_device_id])
    spares = [e for e in stock if e.pool_device_id == device.id and not e.declared.is_withdrawn]
    # Whoever must go: what is not on the lock anyway, then the youngest.
    spares.sort(key=lambda e: (not is_ready(e, device, specs, tx.now), e.id))
    wanted = await _wanted(tx, device, stock)
    kept, surplus = spares[:wanted], spares[wanted:]
    await entries.withdraw(tx.db, tx.workspace_id, sorted(e.id for e in surplus), tx.now)
    renewed = [
        await _renew(tx, device, e) for e in kept if backup_pool.renewed_at(e.declared.spec.window) <= tx.now
    ]
    fresh = await _declare(tx, device, wanted - len(kept))
    windows = [e.declared.spec.window for e in kept if e.id not in {r.id for r in renewed}]
    windows += [e.declared.spec.window for e in (*renewed, *fresh)]
    moments = [backup_pool.renewed_at(w) for w in windows]
    if device.backup_pool_size is not None and len(windows) < device.backup_pool_size:
        moments.append(tx.now + RETRY)
    await backup_pools.look_at(tx.db, tx.workspace_id, device.id, min(moments, default=None))
    if surplus or renewed or fresh:
        await claims.wake(tx.db, tx.workspace_id, "domains", [device.domain_id], tx.now)


async def _wanted(tx: Tx, device: DeviceRow, stock: Sequence[EntryRow]) -> int:
    if (
        device.backup_pool_size is None
        or device.removed_at is not None
        or not device.is_managed
        or not holds_codes(device)
        or not may_have(device)
    ):
        return 0
    if not await devices.of_connected(tx.db, tx.workspace_id, [device.id]):
        return 0
    others = [
        (e.declared, e.belief)
        for e in stock
        if device.reference in e.declared.spec.targets
        and (e.pool_device_id is None or e.declared.is_withdrawn)
    ]
    foreign = await _foreign(tx, device) if device.capabilities.most_codes is not None else 0
    return backup_pool.wanted(device.backup_pool_size, device.capabilities, others, foreign, tx.now)


async def _foreign(tx: Tx, device: DeviceRow) -> int:
    """How many codes stand on it that are not ours."""
    most = device.capabilities.most_codes or 0
    return len(await unmanaged_codes.listed(tx.db, tx.workspace_id, None, most, UnmanagedFilter([device.id])))


async def _declare(tx: Tx, device: DeviceRow, count: int) -> list[EntryRow]:
    """So many more, as far as there are digits."""
    window = backup_pool.rolling_window(device.capabilities, tx.now)
    made: list[EntryRow] = []
    for _ in range(max(0, count)):
        # Free for whoever may get it, however long that stay is.
        reached = await declarations.reached(
            tx.db, tx.workspace_id, Reach(Window(tx.now), device_ids=[device.id])
        )
        try:
            digits = choose(tx, reached, Wish()).digits
        except Problem:
            break
        row = _entry(tx, device, digits, window)
        await entries.insert(tx.db, tx.workspace_id, row)
        made.append(row)
    return made


def _entry(tx: Tx, device: DeviceRow, digits: str, window: Window) -> EntryRow:
    id = new_id()
    natural = public_id("backup", id)
    targets = frozenset({device.reference})
    tag = tag_of(tx, natural, targets)
    name = entry_name(f"Backup {natural[-6:]} (Lockstep)", tag, device.capabilities.name)
    spec = Spec(tx.fingerprint(digits), window, name, targets)
    declared = Declared(id, 1, spec, tag, declared_at=tx.now, is_spare=True)
    sealed = tx.seal(digits, "entries", "digits", id)
    return EntryRow(declared, Belief(), device.domain_id, None, natural, sealed, pool_device_id=device.id)


async def _renew(tx: Tx, device: DeviceRow, entry: EntryRow) -> EntryRow:
    """The same digits for the next days."""
    declared, belief = entry.declared, entry.belief
    spec = replace(declared.spec, window=backup_pool.rolling_window(device.capabilities, tx.now))
    changed = replace(
        entry, declared=replace(declared, revision=declared.revision + 1, spec=spec, declared_at=tx.now)
    )
    await entries.redeclare(tx.db, tx.workspace_id, changed)
    carried = backup_pool.carried_revisions(belief)
    if belief.late_until is None and carried:
        await backup_pools.forget_revisions(tx.db, tx.workspace_id, entry.id, min(carried))
    return changed
