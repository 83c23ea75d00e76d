"""The emulated vendor as a tester steers it: locks, the app, the door, the switches. Knows no HTTP.

The same methods stand behind `/_emulator`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from lockstep.emulation.control import NothingThere, NotSettable
from lockstep.emulation.door import Entered
from lockstep.kit.clock import Clock
from lockstep.vendors.nuki.emulator import bodies, syncing
from lockstep.vendors.nuki.emulator.cloud import ACCOUNT_ID, Cloud
from lockstep.vendors.nuki.emulator.grants import APP, KEYPAD_CODE, OWN_NAME, Grant
from lockstep.vendors.nuki.emulator.hooks import FEATURES, Hook
from lockstep.vendors.nuki.emulator.locks import OFFLINE, OK, Lock, Subscription
from lockstep.vendors.nuki.emulator.replies import Refused
from lockstep.vendors.nuki.emulator.settings import Settings
from lockstep.vendors.nuki.emulator.visits import Visits
from lockstep.vendors.nuki.emulator.writes import Writes
from lockstep.vendors.nuki.emulator.zones import number

API_KEY_ID = 1
"""The API key whose web hooks are logged."""


class LockWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lock to add. `type` 4 is a Smart Lock of the third generation on; `most_codes` follows from it."""

    name: str
    type: int = 4
    time_zone: str = "Europe/Berlin"
    keypad_paired: bool = True
    most_codes: int | None = None


class SubscriptionWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A subscription to give to a lock."""

    state: str = "ACTIVE"
    type: str = "B2B"
    kind: str = "STANDARD"
    expires_at: datetime | None = None
    is_in_grace_period: bool = False


class LockChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be changed about a lock from outside; `state` are fields of the vendor's `Smartlock.State`."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    keypad_paired: bool | msgspec.UnsetType = msgspec.UNSET
    keypad2_paired: bool | msgspec.UnsetType = msgspec.UNSET
    server_state: int | msgspec.UnsetType = msgspec.UNSET
    admin_pin_state: int | msgspec.UnsetType = msgspec.UNSET
    most_codes: int | msgspec.UnsetType = msgspec.UNSET
    subscription: SubscriptionWanted | msgspec.UnsetType | None = msgspec.UNSET
    state: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class World(Cloud):
    """One account at the vendor, its locks, and what a tester may do to them.

    Satisfies `lockstep.emulation.control.Emulated`. Lock ids are the vendor's `smartlockId` as text; codes
    are told in the vendor's field names, and referred to by the device's number (`authId`) or the cloud's id.
    """

    def __init__(self, clock: Clock, settings: Settings | None = None, *, seed: int = 0) -> None:
        super().__init__(clock, settings, seed=seed)
        self.writes = Writes(self)
        self.visits = Visits(self)
        self.change_settings({})
        syncing.sync_daily(self)

    def settings(self) -> dict[str, Any]:
        """The switches."""
        switches: dict[str, Any] = msgspec.to_builtins(self.switches)
        return switches

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Set some switches. Raises NotSettable."""
        with self.settled():
            self.switches = _converted({**self.settings(), **changes}, Settings)
            self.pace.latency_seconds = self.switches.latency_seconds
            self.pace.rate_limit = self.switches.rate_limit
            self.journal.keeps_digits = self.switches.keeps_digits_in_journal

    def allow(self, token: str, *scopes: str) -> None:
        """Let a token in; without scopes it has all of them."""
        self.tokens[token] = frozenset(scopes) or None

    def revoke(self, token: str) -> None:
        """Let a token in no more."""
        self.tokens.pop(token, None)

    def lock_ids(self) -> list[str]:
        """Every lock's id."""
        return [str(id) for id in self.locks]

    def add_lock(self, wanted: Mapping[str, Any]) -> str:
        """Pair a lock, with the service's own access on it; see LockWanted. Returns its id."""
        lock_wanted = _converted(wanted, LockWanted)
        try:
            time_zone_id = number(lock_wanted.time_zone)
        except ValueError:
            raise NotSettable(f"The vendor has no time zone {lock_wanted.time_zone}.") from None
        with self.settled() as now:
            lock = self._paired(lock_wanted, time_zone_id, now)
            lock.store(lock.new_device_id(), Grant(APP, OWN_NAME, remote_allowed=True))
            self.locks[lock.id] = lock
            syncing.sync(self, lock, now)
            self.announce_lock(lock, now, deleted=False)
            return str(lock.id)

    def _paired(self, wanted: LockWanted, time_zone_id: int, now: datetime) -> Lock:
        return Lock(
            # Seen in ids of real locks: the type, then the device's own id in 32 bits.
            id=(wanted.type << 32) | (0x21000000 + self.new_number()),
            account_id=ACCOUNT_ID,
            name=wanted.name,
            type=wanted.type,
            time_zone_id=time_zone_id,
            created_at=now,
            keypad_paired=wanted.keypad_paired,
            most_codes=wanted.most_codes or (200 if wanted.type >= 4 else 100),
            subscription=Subscription(created_at=now),
        )

    def lock_state(self, lock_id: str) -> dict[str, Any]:
        """The lock's own state: what is in its memory, whatever the cloud believes. Digits included."""
        with self.settled():
            lock = self._found(lock_id)
            return {
                "id": str(lock.id),
                "name": lock.name,
                "online": lock.is_online,
                "server_state": lock.server_state,
                "time_zone": str(lock.door.time_zone),
                "keypad_paired": lock.keypad_paired,
                "keypad2_paired": lock.keypad2_paired,
                "most_codes": lock.most_codes,
                "state": dict(lock.state),
                "codes": [msgspec.to_builtins(entry) for entry in lock.door],
                "visits": [msgspec.to_builtins(entered) for entered in lock.door.visits],
            }

    def change_lock(self, lock_id: str, changes: Mapping[str, Any]) -> None:
        """Change a lock from outside; see LockChanges. The cloud hears of it while the lock is online."""
        wanted = _converted(changes, LockChanges)
        with self.settled() as now:
            lock = self._found(lock_id)
            for name in (
                "name",
                "keypad_paired",
                "keypad2_paired",
                "server_state",
                "admin_pin_state",
                "most_codes",
            ):
                if (value := getattr(wanted, name)) is not msgspec.UNSET:
                    setattr(lock, name, value)
            if wanted.subscription is not msgspec.UNSET:
                lock.subscription = _subscription(wanted.subscription, now)
            if wanted.state is not msgspec.UNSET:
                lock.state.update(wanted.state)
            if lock.is_reachable:
                lock.report()
            self.touch(lock, now)

    def take_offline(self, lock_id: str) -> None:
        """The lock loses its connection; its keypad goes on working."""
        with self.settled() as now:
            lock = self._found(lock_id)
            lock.is_online = False
            if lock.server_state == OK:
                lock.server_state = OFFLINE
            self.touch(lock, now)

    def bring_online(self, lock_id: str) -> None:
        """The lock is back: it reports, sends its log, and takes the writes that were kept for it."""
        with self.settled() as now:
            lock = self._found(lock_id)
            lock.is_online = True
            if lock.server_state == OFFLINE:
                lock.server_state = OK
            if lock.is_reachable:
                lock.report()
                self.visits.send_kept(lock)
                self.writes.resume(lock)
            self.touch(lock, now)

    def enter(self, lock_id: str, code: str) -> Entered:
        """Somebody types `code` at the door, now; the lock's own memory decides."""
        with self.settled() as now:
            return self.visits.type_code(self._found(lock_id), code, now)

    def put_code_in_app(self, lock_id: str, reference: str | None, code: Mapping[str, Any]) -> str:
        """Add a code in the vendor's app, or edit the fields given; returns the device's number for it."""
        with self.settled() as now:
            lock = self._found(lock_id)
            device_id = None if reference is None else self._device_id(lock, reference)
            grant = _as_in_app(lock, device_id, code)
            if (error := lock.refusal(grant, device_id)) is not None:
                raise NotSettable(f"Lock {lock_id} refuses the code with error {error}.")
            stored_as = lock.new_device_id() if device_id is None else device_id
            lock.store(stored_as, grant)
            self._changed_in_app(lock, now)
            return str(stored_as)

    def delete_code_in_app(self, lock_id: str, reference: str) -> None:
        """Delete a code in the vendor's app."""
        with self.settled() as now:
            lock = self._found(lock_id)
            lock.forget(self._device_id(lock, reference))
            self._changed_in_app(lock, now)

    def subscribe_integration(self, url: str, secret: str, features: tuple[str, ...] = FEATURES) -> None:
        """Give the account an advanced integration: its calls carry results of advanced requests as well."""
        with self.settled():
            self.hooks.add(Hook(self.new_number(), url, secret, features, takes_results=True))

    async def deliver_webhooks(self) -> int:
        """Settle, then make every call that is queued; returns how many the receivers took."""
        self.settle()
        delivered = await self.outbox.send_all()
        with self.settled() as now:
            for made in delivered:
                id = self.new_object_id()
                self.hooks.record(made, id=id, account_id=ACCOUNT_ID, api_key_id=API_KEY_ID, at=now)
        return sum(made.succeeded for made in delivered)

    def _found(self, lock_id: str) -> Lock:
        lock = self.locks.get(int(lock_id)) if lock_id.isascii() and lock_id.isdigit() else None
        if lock is None:
            raise NothingThere(f"There is no lock {lock_id}.")
        return lock

    def _device_id(self, lock: Lock, reference: str) -> int:
        auth = self.auths.get(reference)
        number = auth.device_id if auth is not None else int(reference) if reference.isdigit() else None
        if number is None or number not in lock.held:
            raise NothingThere(f"Lock {lock.id} holds nothing under {reference}.")
        return number

    def _changed_in_app(self, lock: Lock, now: datetime) -> None:
        if self.switches.app_changes == "at_once":
            syncing.sync(self, lock, now)


def _as_in_app(lock: Lock, device_id: int | None, code: Mapping[str, Any]) -> Grant:
    try:
        if device_id is None:
            return bodies.creation({"type": KEYPAD_CODE, **code}, [lock])
        held = lock.held[device_id]
        return bodies.change({**bodies.as_body(held), **code}, held)
    except Refused as refusal:
        raise NotSettable(str(refusal.body.get("detailMessage", refusal.status))) from None


def _subscription(wanted: SubscriptionWanted | None, now: datetime) -> Subscription | None:
    if wanted is None:
        return None
    return Subscription(
        state=wanted.state,
        type=wanted.type,
        kind=wanted.kind,
        created_at=now,
        expires_at=wanted.expires_at,
        is_in_grace_period=wanted.is_in_grace_period,
    )


def _converted(value: Mapping[str, Any], into: Any) -> Any:
    try:
        return msgspec.convert(dict(value), into)
    except msgspec.ValidationError as error:
        raise NotSettable(str(error)) from error
