"""The queue between a 204 and the lock: a write lands later, late, or never. Knows no HTTP.

Sources: nuki.md section 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lockstep.emulation.faults import Fault, FaultKind
from lockstep.emulation.journal import Call
from lockstep.vendors.nuki.emulator.cloud import Cloud
from lockstep.vendors.nuki.emulator.grants import Auth, Grant
from lockstep.vendors.nuki.emulator.locks import AUTH_INVALID, INVALID_AUTH_ID, Lock

Told = Callable[[Auth | None], None]


class Kind(StrEnum):
    """What a write does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(slots=True)
class Write:
    """One accepted write. `grant` is what the device will store, None for a delete."""

    kind: Kind
    lock: Lock
    auth_id: str
    operation_id: str
    grant: Grant | None
    listed: Grant | None
    """What the cloud lists; differs from `grant` where the lock ignores what it lists."""
    call: Call
    told: Told
    """Is called with the cloud's record once the device has it, with None where it will not."""


class Writes:
    """Accepted writes on their way to the locks of one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._kept: list[Write] = []
        self._accepted_at: dict[str, datetime] = {}

    def create(
        self,
        lock: Lock,
        grant: Grant,
        call: Call,
        fault: Fault | None,
        *,
        limited: bool,
        told: Told = lambda auth: None,
    ) -> str:
        """Queue a new authorization; returns the id that it will have in the cloud."""
        cloud, now = self._cloud, self._cloud.clock.now()
        write = self._write(Kind.CREATE, lock, cloud.new_object_id(), grant, call, limited=limited)
        write.told = told
        if cloud.switches.listing == "before":
            cloud.keep(Auth(write.auth_id, lock.id, grant, now, now, operation_id=write.operation_id), now)
        self._schedule(write, fault)
        return write.auth_id

    def update(self, auth: Auth, grant: Grant, call: Call, fault: Fault | None, *, limited: bool) -> None:
        """Queue a change of an authorization that has no operation pending."""
        cloud, now = self._cloud, self._cloud.clock.now()
        lock = cloud.locks[auth.lock_id]
        write = self._write(Kind.UPDATE, lock, auth.id, grant, call, limited=limited)
        shown = grant if cloud.switches.updates_show == "before" else auth.grant
        cloud.auths.put(auth.id, replace(auth, grant=shown, operation_id=write.operation_id), now)
        self._schedule(write, fault)

    def delete(self, auth: Auth, call: Call, fault: Fault | None) -> None:
        """Queue the removal of an authorization that has no operation pending."""
        now = self._cloud.clock.now()
        lock = self._cloud.locks[auth.lock_id]
        write = self._write(Kind.DELETE, lock, auth.id, None, call, limited=True)
        self._cloud.auths.put(auth.id, replace(auth, operation_id=write.operation_id), now)
        self._schedule(write, fault)

    def would_swallow(self, auth: Auth) -> bool:
        """Whether a further update is answered 204 and not applied, as the last of a burst may be."""
        cloud = self._cloud
        accepted_at = self._accepted_at.get(auth.operation_id or "")
        if not cloud.switches.burst_loses_last or accepted_at is None:
            return False
        return cloud.clock.now() - accepted_at <= timedelta(seconds=cloud.switches.burst_seconds)

    def swallow(self, call: Call) -> None:
        """Drop an update that was accepted."""
        call.note(self._cloud.clock.now(), "dropped: an earlier update was pending")

    def resume(self, lock: Lock) -> None:
        """Send what was kept for a lock that is online again."""
        mine = [write for write in self._kept if write.lock is lock]
        self._kept = [write for write in self._kept if write.lock is not lock]
        for write in mine:
            self._at(self._cloud.switches.write_delay_seconds, write)

    def _write(
        self, kind: Kind, lock: Lock, auth_id: str, grant: Grant | None, call: Call, *, limited: bool
    ) -> Write:
        stored = grant
        if grant is not None and self._cloud.switches.partial_limits_ignored and not limited:
            stored = replace(
                grant, allowed_from=None, allowed_until=None, week_days=None, from_time=None, until_time=None
            )
        operation_id = self._cloud.new_object_id()
        return Write(kind, lock, auth_id, operation_id, stored, grant, call, told=lambda auth: None)

    def _schedule(self, write: Write, fault: Fault | None) -> None:
        cloud = self._cloud
        delay = cloud.switches.write_delay_seconds
        self._accepted_at[write.operation_id] = cloud.clock.now()
        write.call.note(cloud.clock.now(), f"{write.kind} queued")
        if fault is not None and fault.kind is FaultKind.WRITE_LOST:
            cloud.effects.at(cloud.after(delay), lambda at: self._give_up(write, at, "lost"))
        elif fault is not None and fault.kind is FaultKind.WRITE_LATE:
            cloud.effects.at(
                cloud.after(delay), lambda at: self._give_up(write, at, "given up, still on its way")
            )
            self._at(fault.seconds, write)
        else:
            self._at(delay, write)

    def _at(self, seconds: float, write: Write) -> None:
        self._cloud.effects.at(self._cloud.after(seconds), lambda at: self._land(write, at))

    def _land(self, write: Write, at: datetime) -> None:
        if not write.lock.is_reachable:
            if self._cloud.switches.offline_writes == "kept":
                self._kept.append(write)
                write.call.note(at, "kept: the lock is offline")
            else:
                self._give_up(write, at, "lost: the lock is offline")
            return
        if write.lock.id not in self._cloud.locks:
            write.call.note(at, "lost: the lock has left the account")
            return
        error = self._apply(write, at)
        if error is None:
            write.call.note(at, f"{write.kind} applied")
        else:
            self._give_up(write, at, f"refused by the lock: {error}", error)

    def _apply(self, write: Write, at: datetime) -> str | None:
        """Change the device and tell the cloud; returns the firmware's error code instead."""
        match write.kind:
            case Kind.CREATE:
                return self._apply_create(write, at)
            case Kind.UPDATE:
                return self._apply_update(write, at)
            case Kind.DELETE:
                return self._apply_delete(write, at)

    def _apply_create(self, write: Write, at: datetime) -> str | None:
        assert write.grant is not None
        assert write.listed is not None
        if (error := write.lock.refusal(write.grant, None)) is not None:
            return error
        device_id = write.lock.new_device_id()
        write.lock.store(device_id, write.grant)
        auth = Auth(write.auth_id, write.lock.id, write.listed, at, at, device_id=device_id)
        self._cloud.keep(auth, at)
        write.told(auth)
        return None

    def _apply_update(self, write: Write, at: datetime) -> str | None:
        assert write.grant is not None
        assert write.listed is not None
        auth = self._cloud.auths.get(write.auth_id)
        if auth is None or auth.device_id is None or auth.device_id not in write.lock.held:
            return INVALID_AUTH_ID
        if (error := write.lock.refusal(write.grant, auth.device_id)) is not None:
            return error
        write.lock.store(auth.device_id, write.grant)
        done = replace(auth, grant=write.listed, updated_at=at, error=None)
        self._cloud.keep(self._freed(done, write), at)
        return None

    def _apply_delete(self, write: Write, at: datetime) -> str | None:
        auth = self._cloud.auths.get(write.auth_id)
        if auth is None:
            return None
        was_there = auth.device_id is not None and auth.device_id in write.lock.held
        if auth.device_id is not None:
            write.lock.forget(auth.device_id)
        if auth.is_ghost or (was_there and self._cloud.switches.deletes_leave_ghosts):
            ghost = replace(auth, is_ghost=True)
            self._cloud.auths.put(auth.id, self._freed(ghost, write), at)
        else:
            self._cloud.strike_out(auth, at)
        if auth.grant.is_own:
            self._lock_out(write.lock, at)
        return None

    def _lock_out(self, lock: Lock, at: datetime) -> None:
        # Without its own access the service reaches the lock no more.
        lock.server_state = AUTH_INVALID
        self._cloud.touch(lock, at)

    def _give_up(self, write: Write, at: datetime, why: str, error: str | None = None) -> None:
        write.call.note(at, why)
        write.told(None)
        auth = self._cloud.auths.get(write.auth_id)
        if auth is None or auth.operation_id != write.operation_id:
            return
        held = write.lock.held.get(auth.device_id) if auth.device_id is not None else None
        known = auth.grant if held is None or write.kind is not Kind.UPDATE else held
        self._cloud.auths.put(auth.id, replace(self._freed(auth, write), grant=known, error=error), at)

    def _freed(self, auth: Auth, write: Write) -> Auth:
        self._accepted_at.pop(write.operation_id, None)
        mine = auth.operation_id == write.operation_id
        return replace(auth, operation_id=None) if mine else auth
