"""What happens at the lock itself: codes typed, bolts moved, and how the log of it reaches the cloud."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lockstep.emulation.door import Entered, Why
from lockstep.vendors.nuki.emulator.cloud import Cloud
from lockstep.vendors.nuki.emulator.factory import LOCKED, UNLATCHED, UNLOCKED
from lockstep.vendors.nuki.emulator.grants import Auth
from lockstep.vendors.nuki.emulator.locks import Lock
from lockstep.vendors.nuki.emulator.log import (
    AUTO_LOCK,
    INVALID_CODE,
    KEYPAD,
    KEYPAD_CODE_USED,
    LOCK,
    SUCCESS,
    UNLOCK,
    WEB,
    LogEntry,
)

_STATE_AFTER = {1: UNLOCKED, 2: LOCKED, 3: UNLATCHED, 4: LOCKED, 5: LOCKED}
"""`state.state` by action."""


@dataclass(frozen=True, slots=True)
class _Happened:
    at: datetime
    action: int
    trigger: int
    state: int = SUCCESS
    source: int = 0
    device_id: int | None = None


class Visits:
    """The locks' own logs; what happens while a lock is offline reaches the cloud once it is back."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._unsent: dict[int, list[_Happened]] = {}
        self._moved_at: dict[int, datetime] = {}
        """When each lock's bolt was last moved."""

    def type_code(self, lock: Lock, code: str, at: datetime) -> Entered:
        """Somebody types digits at the keypad; without a keypad nothing opens."""
        if not (lock.keypad_paired or lock.keypad2_paired):
            return Entered(at, False, Why.NO_SUCH_CODE, None)
        entered = lock.door.enter(code, at)
        if entered.opened and entered.reference is not None:
            self._move(lock, UNLOCK, at)
            device_id = int(entered.reference)
            self._log(lock, _Happened(at, UNLOCK, KEYPAD, source=KEYPAD_CODE_USED, device_id=device_id))
        else:
            self._log(lock, _Happened(at, UNLOCK, KEYPAD, INVALID_CODE, KEYPAD_CODE_USED))
        return entered

    def act(self, lock: Lock, action: int, at: datetime) -> None:
        """The lock carries out an action that came through the cloud."""
        self._move(lock, action, at)
        own = next((number for number, grant in lock.held.items() if grant.is_own), None)
        self._log(lock, _Happened(at, action, WEB, device_id=own))

    def send_kept(self, lock: Lock) -> None:
        """A lock that is back sends what it logged meanwhile."""
        for happened in self._unsent.pop(lock.id, []):
            self._send(lock, happened)

    def _move(self, lock: Lock, action: int, at: datetime, trigger: int = 0) -> None:
        lock.state.update(state=_STATE_AFTER[action], lastAction=action, trigger=trigger)
        self._moved_at[lock.id] = at
        seconds = lock.auto_lock_seconds
        if seconds is None or lock.state["state"] == LOCKED:
            return

        def relock(then: datetime) -> None:
            if self._moved_at[lock.id] == at and lock.auto_lock_seconds is not None:
                self._move(lock, LOCK, then, AUTO_LOCK)
                self._log(lock, _Happened(then, LOCK, AUTO_LOCK))

        self._cloud.effects.at(at + timedelta(seconds=seconds), relock)

    def _log(self, lock: Lock, happened: _Happened) -> None:
        if not lock.is_reachable:
            self._unsent.setdefault(lock.id, []).append(happened)
            return
        self._send(lock, happened)
        lock.report()
        self._cloud.touch(lock, happened.at)

    def _send(self, lock: Lock, happened: _Happened) -> None:
        cloud, device_id = self._cloud, happened.device_id
        auth = self._auth(lock, device_id)
        held = lock.held.get(device_id) if device_id is not None else None
        if auth is not None:
            used = replace(auth, lock_count=auth.lock_count + 1, last_active_at=happened.at)
            cloud.auths.put(auth.id, used, cloud.clock.now())
        entry = LogEntry(
            id=cloud.new_object_id(),
            lock_id=lock.id,
            lock_type=lock.type,
            at=happened.at,
            action=happened.action,
            trigger=happened.trigger,
            state=happened.state,
            name=held.name if held else "",
            auth_id=auth.id if auth else None,
            account_user_id=held.account_user_id if held else None,
            source=happened.source,
        )
        cloud.log.append(entry)
        cloud.hooks.announce("DEVICE_LOGS", {"smartlockLog": entry.json()}, happened.at)

    def _auth(self, lock: Lock, device_id: int | None) -> Auth | None:
        if device_id is None:
            return None
        return next((auth for auth in self._cloud.auths_on(lock) if auth.device_id == device_id), None)
