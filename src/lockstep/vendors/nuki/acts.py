"""Asked-for acts as calls: unlock, lock, auto lock. Pure.

Auto lock stands among the settings of a lock (`advancedConfig`) or of a smart door (`smartdoorAdvancedConfig`), which
are written as a whole (OpenAPI 3.9.0)."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

import msgspec

from lockstep.driver.changes import ConfigureAutoLock, Lock, Unlock

_READ_ONLY = frozenset({"totalDegrees", "supportedBatteryTypes", "operationId"})


class AutoLock(msgspec.Struct, rename="camel"):
    """What the settings of a lock tell of its auto lock."""

    auto_lock: bool | None = None
    auto_lock_timeout: int | None = None

    @property
    def is_enabled(self) -> bool | None:
        """Firmware before 2.7.8 (1.9.1) has no flag: a delay of 0 means off."""
        if self.auto_lock is not None or self.auto_lock_timeout is None:
            return self.auto_lock
        return self.auto_lock_timeout > 0


class Settings(msgspec.Struct, rename="camel"):
    """The settings of a `Smartlock`, as they were told."""

    advanced_config: dict[str, Any] | None = None
    smartdoor_advanced_config: dict[str, Any] | None = None


def movement_path(action: Unlock | Lock) -> str:
    """Of the call that moves the bolt."""
    return f"{lock_path(action.target)}/action/{'unlock' if isinstance(action, Unlock) else 'lock'}"


def lock_path(target: str) -> str:
    """Of a lock."""
    return f"/smartlock/{quote(target, safe='')}"


def auto_lock_call(action: ConfigureAutoLock, settings: Settings) -> tuple[str, dict[str, Any]] | None:
    """Path and body of the call that configures it: all settings as they are, but for the auto lock. None where the
    lock has none, or where it cannot be enabled without a delay."""
    if settings.advanced_config is not None:
        part, held = "config", settings.advanced_config
    elif settings.smartdoor_advanced_config is not None:
        part, held = "smartdoorconfig", settings.smartdoor_advanced_config
    else:
        return None
    wanted = _wanted(action, held)
    if wanted is None:
        return None
    kept = {name: value for name, value in held.items() if name not in _READ_ONLY}
    return f"{lock_path(action.target)}/advanced/{part}", {**kept, **wanted}


def _wanted(action: ConfigureAutoLock, held: dict[str, Any]) -> dict[str, Any] | None:
    delay = {} if action.delay_seconds is None else {"autoLockTimeout": math.ceil(action.delay_seconds)}
    if isinstance(held.get("autoLock"), bool):
        return {"autoLock": action.is_enabled, **delay}
    if not action.is_enabled:
        return {"autoLockTimeout": 0}
    return delay if delay or held.get("autoLockTimeout") else None
