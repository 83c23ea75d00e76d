"""Stays as people look at them: who is let in where, and how each door stands. Made from rows; asks for none.

Begins from grants and bookings, not from codes: where a code is missing, somebody stands before a closed door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from lockstep.model.access_code import Failure, Standing, rank
from lockstep.model.capabilities import CredentialKind, Evidence
from lockstep.model.declared import due_instants
from lockstep.model.obstacles import (
    NO_ACCESS,
    NO_LOCK,
    STAY_OR_CLOSURE,
    TAKES_NO_CODES,
    Beside,
    Obstacle,
    obstacles_of,
)
from lockstep.model.obstacles import of_lock as obstacle_of_lock
from lockstep.model.permissions import Actor, Scope
from lockstep.model.reasons import Reason, reason_of
from lockstep.model.window import Window
from lockstep.operations.access_codes import opening_of, standing_of
from lockstep.operations.errors import CONNECT_AGAIN
from lockstep.operations.failures import Reach, failed
from lockstep.storage.today import CodeRow, ComingRow, LockRow, StayRow

WORST_FIRST = (
    Standing.FAILED,
    Standing.UNCONFIRMED,
    Standing.SCHEDULED,
    Standing.PROVEN,
    Standing.GONE,
)


@dataclass(frozen=True, slots=True)
class Door:
    """A stay's code on one lock, or the lack of one."""

    access_code_id: str | None
    """None where there is no code for it."""
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

    access_grant_id: str | None
    """None where it is a booking alone."""
    booking_id: str | None
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
    obstacle: Obstacle | None = None
    """Why there is no door."""

    @property
    def is_awaiting(self) -> bool:
        """Whether it waits for somebody to say that it is a stay."""
        return self.obstacle is STAY_OR_CLOSURE

    @property
    def standing(self) -> Standing | None:
        """That of the door that stands worst; of one without a door, what its obstacle makes of it."""
        if self.obstacle is not None:
            return standing_of_obstacle(self.obstacle)
        return min((d.standing for d in self.doors), key=WORST_FIRST.index, default=None)

    @property
    def id(self) -> str:
        return self.access_grant_id or self.booking_id or ""

    @property
    def way_on(self) -> str:
        """What to do about its obstacle, where there is no button."""
        step = self.obstacle.next_step if self.obstacle else ""
        if not self.is_awaiting:
            return step
        return f"{step} POST /v1/bookings/{self.booking_id}/confirm, or .../cancel"


@dataclass(frozen=True, slots=True)
class Late:
    """A code that needs somebody: that of somebody who arrives, or one that should be gone."""

    door: Door
    stay: Stay
    """Without its doors."""
    is_removal: bool
    can_look: bool
    """Whether looking at the lock now may help."""
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


@dataclass(frozen=True, slots=True)
class ShutDoor:
    """A lock that a stay should open, and for which it has no code."""

    lock: LockRow
    obstacle: Obstacle


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody who is inside or arrives, with what stands at each door."""

    row: ComingRow
    codes: tuple[CodeState, ...]
    shut: tuple[ShutDoor, ...]
    obstacle: Obstacle | None
    """Why there is neither a code nor a door for one."""

    @property
    def standings(self) -> list[Standing]:
        """One for each door; one for a stay without any."""
        if self.obstacle is not None:
            return [standing_of_obstacle(self.obstacle)]
        return [c.standing for c in self.codes] + [Standing.FAILED] * len(self.shut)


def standing_of_obstacle(obstacle: Obstacle) -> Standing:
    """Nothing is known of what may be no stay at all; what is one finds a closed door."""
    return Standing.UNCONFIRMED if obstacle is STAY_OR_CLOSURE else Standing.FAILED


def coming_of(
    row: ComingRow,
    codes: Sequence[CodeState],
    reached: Mapping[UUID, Sequence[UUID]],
    locks: Mapping[UUID, LockRow],
) -> Coming:
    """`codes`: those that it should have. `reached`: the devices behind each space."""
    if row.grant_id is None:
        return Coming(row, (), (), _without_grant(row))
    wanted = {id for space_id in row.space_ids for id in reached.get(space_id, ())} | set(row.device_ids)
    missing = wanted - {code.row.device_id for code in codes}
    shut = [_shut(locks[id]) for id in missing if id in locks]
    if codes or any(door.obstacle is not TAKES_NO_CODES for door in shut):
        # The others are the doors: what takes no codes stands beside them on purpose.
        shut = [door for door in shut if door.obstacle is not TAKES_NO_CODES]
    shut.sort(key=lambda door: (door.lock.name, door.lock.id))
    return Coming(row, tuple(codes), tuple(shut), None if codes or shut else NO_LOCK)


def _without_grant(row: ComingRow) -> Obstacle:
    if row.is_awaiting:
        return STAY_OR_CLOSURE
    held = failed(row.held)
    return NO_ACCESS if held is None else Obstacle(held.code, held.cause, held.next_step)


def _shut(lock: LockRow) -> ShutDoor:
    account, state = lock.account_label, lock.account_state
    return ShutDoor(lock, obstacle_of_lock(account, state, CONNECT_AGAIN, takes_codes=takes_codes(lock)))


def takes_codes(lock: LockRow) -> bool:
    return CredentialKind.CODE in lock.capabilities.credential_kinds


def obstacle_ahead(locks: Sequence[LockRow]) -> tuple[Obstacle, tuple[str, ...]] | None:
    """Why somebody who arrives at these locks finds one of them closed, and which; None where nothing is known."""
    beside = [Beside(d.name, d.account_label, d.account_state, takes_codes(d)) for d in locks]
    told = obstacles_of(beside, CONNECT_AGAIN)
    if not told:
        return None
    return told[0][1], tuple(sorted(name for name, _ in told if name))


def reach_of(lock: LockRow) -> Reach:
    return Reach(
        lock.public_id,
        lock.name,
        lock.domain_failure,
        lock.unlisted_since,
        lock.account_label,
        lock.account_state,
        lock.account_failure,
        lock.disconnected_at,
    )


def code_states(codes: Iterable[CodeRow], locks: Mapping[UUID, LockRow], now: datetime) -> list[CodeState]:
    """Codes of these locks, in the same order, each with how it stands."""
    found = []
    for code in codes:
        lock = locks.get(code.device_id)
        if lock is not None:
            stands = standing_of(code.entry, lock.capabilities, reach_of(lock), now)
            found.append(CodeState(code, lock, *stands))
    return found


def stay_of(
    actor: Actor,
    row: StayRow,
    now: datetime,
    coming: Coming | None = None,
    read_at: Mapping[UUID, datetime] = MappingProxyType({}),
) -> Stay:
    """Its doors in the order of their names. `read_at`: when the newest reading of each lock began."""
    codes = coming.codes if coming else ()
    doors = [door_of(code, now, read_at.get(code.lock.id)) for code in codes]
    doors += [shut_door_of(shut, row) for shut in (coming.shut if coming else ())]
    doors.sort(key=lambda d: (d.lock, d.lock_id))
    return Stay(
        row.grant_public_id,
        row.booking_public_id,
        (row.name or None) if actor.may(Scope.GUESTS_READ) else None,
        row.space_name,
        row.property_name,
        row.time_zone or next((c.lock.time_zone for c in codes if c.lock.time_zone), None),
        row.starts_at,
        row.ends_at,
        row.starts_at <= now,
        row.has_digits,
        max((code.row.entry.declared.revision for code in codes), default=0),
        tuple(doors),
        coming.obstacle if coming else None,
    )


def late_of(actor: Actor, row: StayRow, code: CodeState, now: datetime) -> Late:
    since = code.failure.at if code.failure else None
    can_look = code.lock.disconnected_at is None and reach_of(code.lock).is_read
    return Late(door_of(code, now), stay_of(actor, row, now), code.is_leaving(now), can_look, since)


def shut_out_of(actor: Actor, row: StayRow, shut: ShutDoor, now: datetime) -> Late:
    """The same where there is no code for the door."""
    return Late(shut_door_of(shut, row), stay_of(actor, row, now), False, False, shut.lock.disconnected_at)


def shut_door_of(shut: ShutDoor, row: StayRow) -> Door:
    lock, obstacle = shut.lock, shut.obstacle
    return Door(
        None,
        lock.public_id,
        lock.name,
        Standing.FAILED,
        Reason(obstacle.cause, obstacle.next_step),
        Evidence.NONE,
        None,
        None,
        None,
        None,
        Window(row.starts_at, row.ends_at),
    )


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
        code.lock.due_at if code.lock.disconnected_at is None and reach_of(code.lock).is_read else None,
        opening_of(entry, capabilities, code.row.actual_starts_at, code.row.actual_ends_at),
    )
