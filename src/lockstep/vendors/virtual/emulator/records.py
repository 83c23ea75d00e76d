"""What the vendor's cloud keeps: locks, codes, jobs, and how each looks on the wire. Holds no rule."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from lockstep.emulation.door import Door, Entry
from lockstep.vendors.virtual.emulator.features import Features, Nature
from lockstep.vendors.virtual.emulator.rules import write_instant


@dataclass(slots=True)
class Lock:
    """One lock or door, with the memory that is physically its own; or what stands beside them."""

    id: str
    name: str
    model: str
    features: Features
    nature: Nature
    site: str
    gateway: str | None
    time_zone: ZoneInfo
    door: Door
    seen_at: datetime
    kind: str = "lock"
    maker: str | None = None
    is_connected: bool = True
    is_hub_connected: bool = True
    has_subscription: bool = True
    """Of its own; the account's is another."""
    is_locked: bool = True
    is_door_open: bool = False
    auto_lock_seconds: float = 30.0
    has_auto_lock: bool = False
    """Whether it locks by itself so long after it was opened."""
    opened_at: datetime | None = None
    """When the bolt was last drawn."""
    battery: float = 0.8
    first_used_at: dict[str, datetime] = field(default_factory=dict)
    """When each code first opened it, by reference."""

    @property
    def is_online(self) -> bool:
        """Whether it can be reached: its own connection and its hub's are needed."""
        return self.is_connected and self.is_hub_connected

    @property
    def problems(self) -> list[str]:
        """Why codes cannot be set on it."""
        found = [] if self.is_hub_connected else ["hub_disconnected"]
        return found if self.has_subscription else [*found, "subscription_required"]

    @property
    def takes_seconds(self) -> float:
        """How long a write is under way."""
        given = self.nature.takes_seconds
        return self.features.settling_seconds / 2 if given is None else given

    def json(self) -> dict[str, Any]:
        """As the API shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "model": self.model,
            "site": self.site,
            "gateway": self.gateway,
            "time_zone": self.time_zone.key,
            "online": self.is_online,
            "locked": self.is_locked,
            "seen_at": write_instant(self.seen_at, Features(), self.time_zone),
            "features": msgspec.to_builtins(self.features),
        }
        if self.features.battery:
            shown["battery"] = self.battery
        if self.features.door_sensor:
            shown["door_open"] = self.is_door_open
        if self.features.auto_locks:
            shown["auto_lock"] = {"enabled": self.has_auto_lock, "delay_seconds": self.auto_lock_seconds}
        if self.kind != "lock":
            shown["kind"] = self.kind
            del shown["locked"]
        if self.maker is not None:
            shown["maker"] = self.maker
        if self.problems:
            shown["problems"] = self.problems
        return shown


@dataclass(frozen=True, slots=True)
class Code:
    """One code in the cloud. `reference`: an id, a person's id, or `lock/slot`."""

    reference: str
    locks: tuple[str, ...]
    digits: str = field(repr=False)
    name: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_enabled: bool = True
    slot: int | None = None
    kind: str = "code"
    version: int = 1
    state: str = "listed"
    """`listed` until the lock has it as it stands here, then `on_lock`; `leaving` while it is being deleted."""

    def overlaps(self, other: "Code") -> bool:
        """Whether both windows have an instant in common."""
        return _begins_before(self.starts_at, other.ends_at) and _begins_before(other.starts_at, self.ends_at)

    def entry(self, features: Features) -> Entry:
        """As a lock holds it."""
        has_times = features.schedule.kind != "none"
        return Entry(
            self.reference,
            self.digits,
            self.name,
            self.starts_at if has_times else None,
            self.ends_at if has_times and features.schedule.expires else None,
            is_enabled=self.is_enabled,
        )

    def json(self, lock: Lock, *, with_digits: bool = False) -> dict[str, Any]:
        """As the API shows it to those who may see what `lock` shows."""
        features = lock.features
        shown: dict[str, Any] = self._identity(features) | {"locks": list(self.locks), "kind": self.kind}
        if features.proof == "device":
            shown["state"] = self.state
        if features.names.kept and features.names.split:
            shown["first_name"], _, shown["last_name"] = self.name.partition(" ")
        elif features.names.kept:
            shown["name"] = self.name
        if features.shows in ("digits", "version"):
            shown["enabled"] = self.is_enabled
            if features.schedule.kind != "none":
                shown["starts_at"] = write_instant(self.starts_at, features, lock.time_zone)
                shown["ends_at"] = write_instant(self.ends_at, features, lock.time_zone)
        if features.shows == "version":
            shown["version"] = self.version
        if (features.shows == "digits" or with_digits) and self.kind == "code":
            shown["digits"] = self.digits
        return shown

    def _identity(self, features: Features) -> dict[str, Any]:
        if features.addressing == "slot":
            return {"slot": self.slot}
        return {"person" if features.addressing == "person" else "id": self.reference}


def _begins_before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end


@dataclass(slots=True)
class Job:
    """A write that is followed. `state`: pending, done, failed."""

    id: str
    locks: tuple[str, ...]
    started_at: datetime
    give_up_at: datetime
    state: str = "pending"
    code: dict[str, Any] | None = None
    """As the API showed it when the job was done; None for a delete."""
    error: str | None = None

    def json(self, look_after_seconds: float) -> dict[str, Any]:
        """As the API shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "locks": list(self.locks),
            "state": self.state,
            "started_at": self.started_at,
            "give_up_at": self.give_up_at,
            "look_after_seconds": look_after_seconds,
        }
        if self.error is not None:
            shown["error"] = self.error
        return shown | ({"code": self.code} if self.code is not None else {})


@dataclass(frozen=True, slots=True)
class Visit:
    """One line of the log. `how`: `code` or `remote`."""

    id: int
    lock: str
    at: datetime
    opened: bool
    how: str
    reference: str | None = None

    def json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": str(self.id),
            "lock": self.lock,
            "at": self.at,
            "opened": self.opened,
            "how": self.how,
            "code": self.reference,
        }
