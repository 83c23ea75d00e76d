"""Events of devices, and of who opened or locked them. `events` lists them with all others."""

from __future__ import annotations

from datetime import datetime

from lockstep.kit.frozen import dataclass
from lockstep.model.event import Event


@dataclass(frozen=True, kw_only=True)
class DeviceEvent(Event):
    device_id: str
    connected_account_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceAdded(DeviceEvent):
    """It appeared under a connected account. `is_online` None: its vendor does not tell."""

    kind = "device.added"
    is_online: bool | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceChanged(DeviceEvent):
    """Callers gave it another name, or other values of their own. `is_renamed`: the former."""

    kind = "device.changed"
    is_renamed: bool = False


@dataclass(frozen=True, kw_only=True)
class DeviceBackupPoolChanged(DeviceEvent):
    """How many backup codes are to stand on it; 0: none. `is_allowed_without_schedule`: also where it opens for them at
    any time."""

    kind = "device.backup_pool_changed"
    size: int
    is_allowed_without_schedule: bool = False


@dataclass(frozen=True, kw_only=True)
class DeviceRemoved(DeviceEvent):
    """Its vendor no longer lists it under its account. `is_for_good`: an operator said that it does not come back."""

    kind = "device.removed"
    is_for_good: bool = False


class DeviceLeft(DeviceEvent):
    """Its account was disconnected: Lockstep neither reads it nor writes to it any more."""

    kind = "device.left"


@dataclass(frozen=True, kw_only=True)
class DeviceWentOffline(DeviceEvent):
    """Its vendor cannot reach it. `is_hub`: since its hub is gone."""

    kind = "device.went_offline"
    is_hub: bool = False


class DeviceCameOnline(DeviceEvent):
    """Its vendor reaches it again."""

    kind = "device.came_online"


class DeviceConnectionFlaky(DeviceEvent):
    """It went offline three times within an hour."""

    kind = "device.connection_flaky"


class DeviceConnectionStabilized(DeviceEvent):
    """It was flaky, and has not gone offline for an hour."""

    kind = "device.connection_stabilized"


@dataclass(frozen=True, kw_only=True)
class DeviceLowBattery(DeviceEvent):
    """Its battery needs changing soon. `level` from 0 to 1; None: its vendor does not tell."""

    kind = "device.low_battery"
    level: float | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceBatteryChanged(DeviceEvent):
    """Its battery is in another state: `critical`, `low`, `good` or `full`."""

    kind = "device.battery_changed"
    battery: str
    level: float | None = None


class DeviceRenamed(DeviceEvent):
    """It has another name in its vendor's app."""

    kind = "device.renamed"


class DeviceSubscriptionRequired(DeviceEvent):
    """Its vendor demands a paid subscription for what is asked of it."""

    kind = "device.subscription_required"


class DeviceSubscriptionFound(DeviceEvent):
    """Its vendor demands a paid subscription no longer."""

    kind = "device.subscription_found"


@dataclass(frozen=True, kw_only=True)
class LockEvent(Event):
    device_id: str
    access_code_id: str | None = None
    access_grant_id: str | None = None
    guest_id: str | None = None
    at: datetime
    how: str = "unknown"


class LockLocked(LockEvent):
    """It was seen locked, after it was seen unlocked."""

    kind = "lock.locked"


class LockUnlocked(LockEvent):
    """Somebody opened it. Without `access_code_id` the vendor does not tell who."""

    kind = "lock.unlocked"


class LockAccessDenied(LockEvent):
    """Somebody tried to open it and was refused."""

    kind = "lock.access_denied"
