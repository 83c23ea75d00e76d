"""Stays as people look at them: who is let in where, and how each door stands. Made from rows; asks for none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from lockstep.model.access_code import Failure, Standing, rank
from lockstep.model.capabilities import Evidence
from lockstep.model.declared import due_instants
from lockstep.model.permissions import Actor, Scope
from lockstep.model.reasons import Reason, reason_of
from lockstep.model.window import Window
from lockstep.operations.access_codes import opening_of, standing_of
from lockstep.storage.today import CodeRow, LockRow, StayRow

WORST_FIRST = (
    Standing.FAILED,
    Standing.UNCONFIRMED,
    Standing.SCHEDULED,
    Standing.PROVEN,
    Standing.GONE,
)


@dataclass(frozen=True, slots=True)
class Door:
    """A stay's code on one lock."""

    access_code_id: str
    lock_id: str
    lock: str
    standing: Standing
    reason: Reason
    evidence: Evidence
    proven_at: datetime | None
    """When the newest reading that proves it began; None unless it is proven."""
    written_from: datetime | None
    """When it goes onto the lock; None unless it is scheduled."""
    read_at: datetime | None
    """When the newest reading of the lock began, as far as it was asked for."""
    next_look_at: datetime | None
    opens: Window
    """When it really opens, which may be wider than the stay."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody who arrives or is inside."""

    access_grant_id: str
    name: str | None = field(repr=False)
    """None for whoever may not read guests."""
    space_name: str | None
    property_name: str | None
    time_zone: str | None
    starts_at: datetime
    ends_at: datetime | None
    is_inside: bool
    has_code: bool
    revision: int
    """Another one, when anything of its codes has changed."""
    doors: tuple[Door, ...]

    @property
    def standing(self) -> Standing | None:
        """That of the door that stands worst; None where there is no door."""
        return min((d.standing for d in self.doors), key=WORST_FIRST.index, default=None)


@dataclass(frozen=True, slots=True)
class Late:
    """A code that needs somebody: that of somebody who arrives, or one that should be gone."""

    door: Door
    stay: Stay
    """Without its doors."""
    is_removal: bool
    since: datetime | None
    """When it began to fail, where that is known."""


@dataclass(frozen=True, slots=True)
class CodeState:
    """A code with what decides in which list it stands; what people read of it is made for those on the page."""

    row: CodeRow
    lock: LockRow
    standing: Standing
    failure: Failure | None

    def is_leaving(self, now: datetime) -> bool:
        """Whether nothing of it should open any more."""
        declared = self.row.entry.declared
        return declared.is_withdrawn or declared.spec.window.is_over(now)


def code_states(codes: Iterable[CodeRow], locks: Mapping[UUID, LockRow], now: datetime) -> list[CodeState]:
    """Codes of these locks, in the same order, each with how it stands."""
    found = []
    for code in codes:
        lock = locks.get(code.device_id)
        if lock is not None:
            stands = standing_of(code.entry, lock.capabilities, lock.domain_failure, now)
            found.append(CodeState(code, lock, *stands))
    return found


def stay_of(
    actor: Actor,
    row: StayRow,
    now: datetime,
    codes: Sequence[CodeState] = (),
    read_at: Mapping[UUID, datetime] = MappingProxyType({}),
) -> Stay:
    """Its doors in the order of their names. `read_at`: when the newest reading of each lock began."""
    doors = sorted(
        (door_of(code, now, read_at.get(code.lock.id)) for code in codes), key=lambda d: (d.lock, d.lock_id)
    )
    return Stay(
        row.public_id,
        row.name if actor.may(Scope.GUESTS_READ) else None,
        row.space_name,
        row.property_name,
        row.time_zone or next((c.lock.time_zone for c in codes if c.lock.time_zone), None),
        row.starts_at,
        row.ends_at,
        row.starts_at <= now,
        row.has_digits,
        max((code.row.entry.declared.revision for code in codes), default=0),
        tuple(doors),
    )


def late_of(actor: Actor, row: StayRow, code: CodeState, now: datetime) -> Late:
    since = code.failure.at if code.failure else None
    return Late(door_of(code, now), stay_of(actor, row, now), code.is_leaving(now), since)


def door_of(code: CodeState, now: datetime, read_at: datetime | None = None) -> Door:
    entry, capabilities, used_at = code.row.entry, code.lock.capabilities, code.row.used_at
    is_scheduled = code.standing is Standing.SCHEDULED
    return Door(
        code.row.public_id,
        code.lock.public_id,
        code.lock.name,
        code.standing,
        reason_of(code.standing, entry.declared, entry.belief, capabilities, now, code.failure, used_at),
        rank(entry.belief, used_at),
        entry.belief.proven_at if code.standing is Standing.PROVEN else None,
        due_instants(entry.declared, capabilities)[0] if is_scheduled else None,
        read_at,
        code.lock.due_at,
        opening_of(entry, capabilities, code.row.actual_starts_at, code.row.actual_ends_at),
    )
