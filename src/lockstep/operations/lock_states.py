"""Locks as people look at them: battery, in touch or not, last seen, what is wrong. Made from rows; asks for none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.model.lock_health import troubles_of_lock
from lockstep.model.reasons import Reason
from lockstep.operations.devices import last_seen
from lockstep.operations.failures import failed, failure_of_lock
from lockstep.storage.today import LockRow


@dataclass(frozen=True, slots=True)
class LockState:
    """A lock and its health. None: the vendor does not tell."""

    lock_id: str
    name: str
    model: str
    property_name: str | None
    time_zone: str | None
    is_online: bool | None
    battery_level: float | None
    """0 to 1."""
    is_battery_critical: bool | None
    seen_at: datetime | None
    """When the vendor last was in touch with it, as far as known."""
    next_look_at: datetime | None
    troubles: tuple[Reason, ...]
    """The worst first."""


def lock_states(rows: Iterable[LockRow], read_at: Mapping[UUID, datetime]) -> list[LockState]:
    """In the same order. `read_at`: when the newest reading of each lock began."""
    return [_state(row, read_at.get(row.id)) for row in rows]


def is_ailing(row: LockRow) -> bool:
    """Whether anything is wrong with it."""
    return bool(_troubles(row))


def _state(row: LockRow, read_at: datetime | None) -> LockState:
    return LockState(
        row.public_id,
        row.name,
        row.model,
        row.property_name,
        row.time_zone,
        row.is_online,
        row.state.get("battery_level"),
        row.state.get("is_battery_critical"),
        last_seen(row.state, row.is_online, read_at),
        row.due_at,
        tuple(_troubles(row)),
    )


def _troubles(row: LockRow) -> list[Reason]:
    found = troubles_of_lock(
        is_online=row.is_online,
        is_battery_critical=row.state.get("is_battery_critical"),
        problems=row.state.get("problems", ()),
    )
    failure = failed(failure_of_lock(row.domain_failure, row.public_id, row.name, row.unlisted_since))
    if failure is not None and (row.unlisted_since or row.is_online is not False):
        found.insert(0, Reason(failure.cause, failure.next_step))
    return found
