"""The emulated world as testers see it: locks made and changed, doors tried, the app used. Knows no HTTP."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from lockstep.emulation.control import NothingThere, NotSettable
from lockstep.emulation.door import Door, Entered
from lockstep.kit.clock import Clock
from lockstep.vendors.virtual.emulator.bodies import as_app_writes
from lockstep.vendors.virtual.emulator.cloud import Cloud, Settings
from lockstep.vendors.virtual.emulator.features import HOLDS_NOTHING, Nature, models
from lockstep.vendors.virtual.emulator.records import Code, Lock
from lockstep.vendors.virtual.emulator.replies import Refused
from lockstep.vendors.virtual.emulator.writes import settle_on_lock, take_off_lock

MOST_SLOTS = 250


class _LockWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str | None = None
    name: str | None = None
    model: str = "plain"
    features: dict[str, Any] = {}
    """Fields that differ from the model's."""
    nature: dict[str, Any] = {}
    site: str = "site_1"
    gateway: str | None = None
    time_zone: str | None = None
    kind: Literal["lock", "door", "thermostat", "noise_sensor"] = "lock"
    maker: str | None = None


class VirtualWorld(Cloud):
    """Satisfies `lockstep.emulation.control.Emulated`."""

    def settings(self) -> dict[str, Any]:
        """As `/_emulator/settings` shows them; `tokens` are left out."""
        shown: dict[str, Any] = msgspec.to_builtins(self.switches)
        del shown["tokens"]
        return shown

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Change some settings. Raises NotSettable."""
        with self.settled():
            try:
                whole = msgspec.to_builtins(self.switches) | dict(changes)
                self.switches = msgspec.convert(whole, Settings)
            except msgspec.ValidationError as error:
                raise NotSettable(str(error)) from error
            self.pace.latency_seconds = self.switches.latency_seconds
            self.pace.rate_limit = self.switches.rate_limit
            self.journal.keeps_digits = self.switches.keeps_digits_in_journal

    def lock_ids(self) -> list[str]:
        """Every lock, in the order in which they were made."""
        return list(self.locks)

    def add_lock(self, wanted: Mapping[str, Any]) -> str:
        """Make a lock: `id, name, model, features, nature, site, gateway, time_zone, kind, maker`, all optional."""
        with self.settled() as now:
            lock = _convert(wanted, _LockWanted)
            model = models().get(lock.model)
            if model is None:
                raise NotSettable(f"The catalogue has no {lock.model}, only {', '.join(models())}.")
            id = lock.id or f"lock_{self.new_number()}"
            time_zone = ZoneInfo(lock.time_zone or model.nature.time_zones[0])
            beside = HOLDS_NOTHING if lock.kind not in ("lock", "door") else {}
            self.locks[id] = Lock(
                id,
                lock.name or id.replace("_", " ").capitalize(),
                lock.model,
                _changed(model.features, {**lock.features, **beside}),
                _changed(model.nature, lock.nature),
                lock.site,
                lock.gateway,
                time_zone,
                Door(time_zone),
                now,
                lock.kind,
                lock.maker,
            )
            return id

    def remove_lock(self, lock_id: str) -> None:
        """It leaves the account, with its codes."""
        with self.settled() as now:
            lock = self._lock(lock_id)
            for code in self.codes_on(lock):
                self.strike_out(code, now)
            del self.locks[lock_id]

    def lock_state(self, lock_id: str) -> dict[str, Any]:
        """A lock, and what its own memory holds."""
        with self.settled():
            lock = self._lock(lock_id)
            return lock.json() | {
                "nature": msgspec.to_builtins(lock.nature),
                "on_lock": [
                    {
                        "reference": entry.reference,
                        "name": entry.name,
                        "starts_at": entry.starts_at,
                        "ends_at": entry.ends_at,
                        "enabled": entry.is_enabled,
                    }
                    for entry in lock.door
                ],
            }

    def change_lock(self, lock_id: str, changes: Mapping[str, Any]) -> None:
        """Change `features`, `nature` (fields that differ), `battery`, `locked`, `door_open`, `name`."""
        with self.settled():
            lock = self._lock(lock_id)
            if unknown := set(changes) - {"features", "nature", "battery", "locked", "door_open", "name"}:
                raise NotSettable(f"A lock's {sorted(unknown)} cannot be changed.")
            lock.features = _changed(lock.features, changes.get("features", {}))
            lock.nature = _changed(lock.nature, changes.get("nature", {}))
            lock.battery = float(changes.get("battery", lock.battery))
            lock.is_locked = bool(changes.get("locked", lock.is_locked))
            lock.is_door_open = bool(changes.get("door_open", lock.is_door_open))
            lock.name = str(changes.get("name", lock.name))

    def take_offline(self, lock_id: str) -> None:
        """The lock loses its connection."""
        self._connect(lock_id, is_online=False)

    def bring_online(self, lock_id: str) -> None:
        """The lock regains its connection."""
        self._connect(lock_id, is_online=True)

    def disconnect_hub(self, lock_id: str) -> None:
        """The hub through which the lock is reached loses its connection."""
        self._connect_hub(lock_id, is_connected=False)

    def connect_hub(self, lock_id: str) -> None:
        """The hub regains its connection."""
        self._connect_hub(lock_id, is_connected=True)

    def set_subscription(self, lock_id: str, *, is_paid: bool) -> None:
        """Whether what the lock's owner has to pay for is paid."""
        with self.settled() as now:
            lock = self._lock(lock_id)
            lock.has_subscription = is_paid
            self.tell("lock_online" if lock.is_online else "lock_offline", [lock], now)

    def enter(self, lock_id: str, code: str) -> Entered:
        """Somebody types `code` at the door."""
        with self.settled() as now:
            lock = self._lock(lock_id)
            self._drop_unused(lock)
            entered = lock.door.enter(code, now)
            if entered.opened and entered.reference is not None:
                lock.first_used_at.setdefault(entered.reference, now)
                self.open(lock, now)
            self.visit(lock, entered.opened, "code", entered.reference, now)
            return entered

    def lock_at_keypad(self, lock_id: str) -> None:
        """Somebody locks by the keypad's own button."""
        with self.settled() as now:
            lock = self._lock(lock_id)
            lock.is_locked, lock.seen_at = True, now

    def put_code_in_app(self, lock_id: str, reference: str | None, code: Mapping[str, Any]) -> str:
        """Add or change a code as the app does: `name, digits, starts_at, ends_at, enabled, kind, slot`."""
        with self.settled() as now:
            lock = self._lock(lock_id)
            held = self._code(lock, reference) if reference is not None else None
            fields = dict(code)
            if held is None and lock.features.addressing == "slot":
                fields.setdefault("slot", self._free_slot(lock))
                reference = slot_reference(lock, int(fields["slot"]))
            reference = reference or self.new_reference(lock)
            locks = held.locks if held is not None else (lock.id,)
            try:
                settle_on_lock(self, as_app_writes(fields, held, locks, reference), now)
            except (Refused, msgspec.ValidationError) as error:
                raise NotSettable(getattr(error, "detail", str(error))) from error
            return reference

    def delete_code_in_app(self, lock_id: str, reference: str) -> None:
        """Delete a code as the app does."""
        with self.settled() as now:
            take_off_lock(self, self._code(self._lock(lock_id), reference), now)

    async def deliver_webhooks(self) -> int:
        """Settle, then make every call that is queued; returns how many the receivers took."""
        self.settle()
        return sum(made.succeeded for made in await self.outbox.send_all())

    def new_reference(self, lock: Lock) -> str:
        """A reference not given before; slots have their own."""
        kind = "person" if lock.features.addressing == "person" else "code"
        return f"{kind}_{self.new_number()}"

    def _free_slot(self, lock: Lock) -> int:
        taken = {code.slot for code in self.codes_on(lock)}
        places = range(1, (lock.features.places or MOST_SLOTS) + 1)
        free = next((slot for slot in places if slot not in taken), None)
        if free is None:
            raise NotSettable(f"{lock.id} has no slot left.")
        return free

    def _connect(self, lock_id: str, *, is_online: bool) -> None:
        with self.settled() as now:
            lock = self._lock(lock_id)
            lock.is_connected = is_online
            lock.seen_at = now
            self.tell("lock_online" if lock.is_online else "lock_offline", [lock], now)

    def _connect_hub(self, lock_id: str, *, is_connected: bool) -> None:
        with self.settled() as now:
            lock = self._lock(lock_id)
            lock.is_hub_connected = is_connected
            self.tell("lock_online" if lock.is_online else "lock_offline", [lock], now)

    def _drop_unused(self, lock: Lock) -> None:
        within = lock.features.schedule.use_within_seconds
        for entry in lock.door if within is not None else ():
            last = (entry.starts_at or self.clock.now()) + timedelta(seconds=within or 0)
            if entry.reference not in lock.first_used_at and self.clock.now() >= last:
                lock.door.remove(entry.reference)

    def _lock(self, lock_id: str) -> Lock:
        if lock_id not in self.locks:
            raise NothingThere(f"There is no lock {lock_id}; GET /_emulator/locks lists them.")
        return self.locks[lock_id]

    def _code(self, lock: Lock, reference: str) -> Code:
        code = self.codes.get(reference)
        if code is None or lock.id not in code.locks:
            raise NothingThere(f"There is no code {reference} on {lock.id}.")
        return code


def slot_reference(lock: Lock, slot: int) -> str:
    """The reference of a numbered slot."""
    return f"{lock.id}/{slot}"


def create_world(
    clock: Clock, model: str = "plain", *, locks: int = 2, features: Mapping[str, Any] | None = None
) -> VirtualWorld:
    """A world with `locks` locks `lock_1, lock_2, …` of one model of the catalogue, in one site, no codes.

    `features` are fields that differ from the model's, as README.md names them. Raises NotSettable.
    """
    world = VirtualWorld(clock)
    nature = models()[model].nature if model in models() else Nature()
    for index in range(locks):
        wanted: dict[str, Any] = {
            "id": f"lock_{index + 1}",
            "model": model,
            "features": dict(features or {}),
            "time_zone": nature.time_zones[index % len(nature.time_zones)],
        }
        if nature.gateways:
            wanted["gateway"] = f"gateway_{index % nature.gateways + 1}"
        world.add_lock(wanted)
    return world


def _convert(wanted: Mapping[str, Any], type: type[_LockWanted]) -> _LockWanted:
    try:
        return msgspec.convert(dict(wanted), type)
    except msgspec.ValidationError as error:
        raise NotSettable(str(error)) from error


def _changed(held: Any, changes: Mapping[str, Any]) -> Any:
    """A struct with some fields changed, structs within it too."""
    whole = msgspec.to_builtins(held)
    for name, value in changes.items():
        before = whole.get(name)
        is_nested = isinstance(value, Mapping) and isinstance(before, Mapping)
        whole[name] = {**before, **value} if is_nested else value
    try:
        return msgspec.convert(whole, type(held))
    except msgspec.ValidationError as error:
        raise NotSettable(str(error)) from error
