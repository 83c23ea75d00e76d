"""One lock: what is in the device, and what the cloud last saw of it. Knows no queue and no HTTP."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockstep.emulation.door import Door
from lockstep.vendors.nuki.emulator.factory import (
    BOX,
    OPENER,
    SMART_DOOR,
    first_config,
    first_state,
    further_configs,
)
from lockstep.vendors.nuki.emulator.grants import KEYPAD_CODE, Grant, instant
from lockstep.vendors.nuki.emulator.zones import zone

OK, AUTH_INVALID, OFFLINE = 0, 3, 4
"""Values of `serverState`."""


# Firmware's own refusals, as API-triggered web hooks carry them (docs.nuki.io, error codes).
MAX_USER, INVALID_AUTH_ID, CODE_ALREADY_EXISTS = "13", "24", "2a"


_READ_ONLY = frozenset(
    {
        "capabilities",
        "fobPaired",
        "keypadPaired",
        "keypad2Paired",
        "wifiEnabled",
        "operationId",
        "totalDegrees",
        "supportedBatteryTypes",
    }
)
_SHORTEST_AUTO_LOCK = 2
_DEFAULT_AUTO_LOCK = 300


@dataclass(frozen=True, slots=True)
class Subscription:
    """A Smart Hosting subscription."""

    state: str = "ACTIVE"
    type: str = "B2B"
    kind: str = "STANDARD"
    created_at: datetime | None = None
    expires_at: datetime | None = None
    is_in_grace_period: bool = False

    def state_at(self, at: datetime) -> str:
        """Its state, EXPIRED once its end has passed."""
        ended = self.expires_at is not None and at >= self.expires_at
        return "EXPIRED" if ended else self.state

    def serves(self, at: datetime) -> bool:
        """Whether the API works: a cancelled one does until its end, any does in its grace period."""
        state = self.state_at(at)
        runs_out = state == "CANCELLED" and self.expires_at is not None
        return state in {"ACTIVE", "PENDING_CANCEL"} or runs_out or self.is_in_grace_period

    def json(self, at: datetime) -> dict[str, Any]:
        """An `ShsSubscription`."""
        fields = {
            "type": self.type,
            "state": self.state_at(at),
            "shsSubscriptionType": self.kind,
            "creationDate": instant(self.created_at),
            "expirationDate": instant(self.expires_at),
            "isInGracePeriod": self.is_in_grace_period,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(eq=False)
class Lock:
    """A device of an account. `state` is the device's own, `seen_state` what the cloud last heard."""

    id: int
    account_id: int
    name: str
    type: int
    time_zone_id: int
    created_at: datetime
    keypad_paired: bool = True
    keypad2_paired: bool = False
    is_online: bool = True
    server_state: int = OK
    admin_pin_state: int = OK
    favorite: bool = False
    most_codes: int = 200
    subscription: Subscription | None = field(default_factory=Subscription)
    operation_id: str | None = None
    updated_at: datetime | None = None
    state: dict[str, Any] = field(default_factory=first_state)
    seen_state: dict[str, Any] = field(default_factory=first_state)
    config: dict[str, Any] = field(default_factory=first_config)
    configs: dict[str, dict[str, Any]] = field(init=False)
    """The further configurations by the name that the lock's JSON gives them; which there are, the type says."""
    admin_code: int | None = field(default=None, repr=False)
    held: dict[int, Grant] = field(default_factory=dict)
    """Every authorization in the device's memory, by the device's own number."""
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        self.configs = {**further_configs(self.type), "webConfig": {}}
        self.door = Door(zone(self.time_zone_id))
        self._numbered = self.id & 0xFFFF

    @property
    def is_reachable(self) -> bool:
        """Whether the service gets through to the device: connected, and its own access still good."""
        return self.is_online and self.server_state == OK

    def store(self, device_id: int, grant: Grant) -> None:
        """Write an authorization into the device's memory."""
        self.held[device_id] = grant
        if (entry := grant.entry(device_id)) is not None:
            self.door.put(entry)

    def forget(self, device_id: int) -> None:
        """Take an authorization out of the device's memory."""
        self.held.pop(device_id, None)
        self.door.remove(str(device_id))

    def new_device_id(self) -> int:
        """A number that this device has not given before."""
        self._numbered += 1
        return self._numbered

    def refusal(self, grant: Grant, device_id: int | None) -> str | None:
        """The firmware's error code for storing `grant` (in place of `device_id`); None: it takes it."""
        if grant.type != KEYPAD_CODE:
            return None
        codes = {number: held for number, held in self.held.items() if held.type == KEYPAD_CODE}
        if any(held.code == grant.code for number, held in codes.items() if number != device_id):
            return CODE_ALREADY_EXISTS
        return MAX_USER if device_id is None and len(codes) >= self.most_codes else None

    def configure(self, part: str, fields: dict[str, Any]) -> None:
        """Replace fields of `config` or of one of the further configurations; what is read-only stays."""
        fields = {name: value for name, value in fields.items() if name not in _READ_ONLY}
        if part != "config":
            held = {**self.configs.get(part, {}), **fields}
            # "Has to be >=2 (defaults to 2 for values <2 if autoLock is set to true)", OpenAPI 3.9.0.
            if held.get("autoLock") and "autoLockTimeout" in held:
                held["autoLockTimeout"] = max(held["autoLockTimeout"], _SHORTEST_AUTO_LOCK)
            self.configs[part] = held
            return
        self.name = fields.pop("name", self.name)
        if (time_zone_id := fields.pop("timezoneId", None)) is not None:
            self.time_zone_id = time_zone_id
            self.door.time_zone = zone(time_zone_id)
        self.config.update(fields)

    @property
    def auto_lock_seconds(self) -> int | None:
        """After how long it locks by itself; None: it does not."""
        held = self.configs.get("advancedConfig") or self.configs.get("smartdoorAdvancedConfig") or {}
        return held.get("autoLockTimeout", _DEFAULT_AUTO_LOCK) if held.get("autoLock") else None

    def report(self) -> None:
        """Let the cloud hear the device's state."""
        self.seen_state = dict(self.state)

    def json(self, at: datetime) -> dict[str, Any]:
        """A `Smartlock`, as the cloud sees it at `at`."""
        fields: dict[str, Any] = {
            "smartlockId": self.id,
            "accountId": self.account_id,
            "type": self.type,
            "authId": self.id & 0x7FFFFFFF,
            "name": self.name,
            "favorite": self.favorite,
            "config": self._config_json(),
            **self.configs,
            "state": dict(self.seen_state),
            "firmwareVersion": 199175,
            "hardwareVersion": 2309,
            "operationId": self.operation_id,
            "serverState": self.server_state,
            "adminPinState": self.admin_pin_state,
            "virtualDevice": False,
            "creationDate": instant(self.created_at),
            "updateDate": instant(self.updated_at or self.created_at),
            "previousSubscriptions": [],
            "currentSubscription": self.subscription.json(at) if self.subscription else None,
            "opener": self.type == OPENER,
            "box": self.type == BOX,
            "smartDoor": self.type == SMART_DOOR,
            "keyturner": self.type in {0, 4},
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _config_json(self) -> dict[str, Any]:
        return {
            **self.config,
            "name": self.name,
            "timezoneId": self.time_zone_id,
            "keypadPaired": self.keypad_paired,
            "keypad2Paired": self.keypad2_paired,
        }
