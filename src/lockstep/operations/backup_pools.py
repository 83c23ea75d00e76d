"""Pools of backup codes as the ways in show them, and which of these codes may be pulled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.model import backup_pool, events
from lockstep.model.access_code import as_known
from lockstep.model.declared import Spec
from lockstep.model.permissions import Actor
from lockstep.operations import events as recorded
from lockstep.operations.gate import Tx
from lockstep.storage import backup_pools, entries
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import EntryRow


@dataclass(frozen=True, slots=True)
class BackupPool:
    """Backup codes: ours, proven on the lock, and given to nobody until one is pulled in place of another code."""

    size: int
    """How many are wanted."""
    ready: int
    """How many may be pulled now."""
    pulled: int
    """How many were pulled and are still somebody's."""
    is_allowed_without_schedule: bool
    """The lock has no schedule and so opens for backup codes at any time; an operator wants them all the same."""
    problems: tuple[str, ...]
    """`empty`; `partial`; `many_pulled`: the lock hardly takes codes; `no_schedule`: nobody has allowed them on a lock
    without a schedule."""


def may_have(device: DeviceRow) -> bool:
    """Whether it can hold backup codes, and an operator wants them where the lock has no schedule."""
    return backup_pool.may_have(device.capabilities, without_schedule=device.backups_without_schedule)


async def pools_of(tx: Tx, found: Collection[DeviceRow]) -> Mapping[UUID, BackupPool]:
    """Of these devices, those that have one; nothing is asked where none has."""
    having = [d for d in found if d.backup_pool_size is not None]
    if not having:
        return {}
    ready = await ready_of(tx, having)
    pulled = await backup_pools.pulled_on(tx.db, tx.workspace_id, [d.id for d in having], tx.now)
    return {d.id: _view(d, len(ready[d.id]), pulled.get(d.id, 0)) for d in having}


async def ready_of(tx: Tx, found: Collection[DeviceRow]) -> Mapping[UUID, list[EntryRow]]:
    """For other operations: the backup codes that may be pulled now, by device."""
    spares = await backup_pools.spares_of(tx.db, tx.workspace_id, [d.id for d in found])
    ids = [e.id for each in spares.values() for e in each]
    specs = await entries.specs_of(tx.db, tx.workspace_id, ids) if ids else {}
    return {d.id: [e for e in spares[d.id] if is_ready(e, d, specs, tx.now)] for d in found}


def is_ready(
    entry: EntryRow, device: DeviceRow, specs: Mapping[UUID, Mapping[int, Spec]], now: datetime
) -> bool:
    """For other operations: whether this one may be pulled now. `specs`: revisions of such entries."""
    belief = as_known(entry.belief, device.missed_since, now)
    carried = backup_pool.carried_specs(belief, specs.get(entry.id, {}))
    return backup_pool.is_ready(entry.declared, belief, carried, device.capabilities, now)


async def switch_on(tx: Tx, actor: Actor, found: Sequence[DeviceRow]) -> None:
    """For other operations: each of these devices that may have a pool, and has none, gets the usual one."""
    size = backup_pool.USUAL_SIZE
    without = [d for d in found if d.backup_pool_size is None and may_have(d)]
    if without:
        await backup_pools.switch_on(tx.db, tx.workspace_id, [d.id for d in without], size, tx.now)
        told = [
            events.DeviceBackupPoolChanged(
                device_id=d.public_id, size=size, is_allowed_without_schedule=d.backups_without_schedule
            )
            for d in without
        ]
        await recorded.append(tx, actor, *told)


def _view(device: DeviceRow, ready: int, pulled: int) -> BackupPool:
    size = device.backup_pool_size or 0
    problems = tuple(_problems(device, size, ready, pulled))
    return BackupPool(size, ready, pulled, device.backups_without_schedule, problems)


def _problems(device: DeviceRow, size: int, ready: int, pulled: int) -> Iterator[str]:
    if not may_have(device):
        yield "no_schedule"
    if ready == 0:
        yield "empty"
    elif ready < size:
        yield "partial"
    if pulled >= backup_pool.MANY_PULLED:
        yield "many_pulled"
