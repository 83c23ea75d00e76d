"""How a device comes from the factory: its first state and configuration, in the vendor's field names."""

from typing import Any

BOX, OPENER, SMART_DOOR = 1, 2, 3
"""Values of `type`; 0 and 4 are smart locks."""

LOCKED, UNLOCKED, UNLATCHED = 1, 3, 5
"""Values of `state.state`."""


def first_state() -> dict[str, Any]:
    """`state` of a lock in good health, locked."""
    return {
        "mode": 2,
        "state": LOCKED,
        "trigger": 0,
        "lastAction": 2,
        "batteryCritical": False,
        "batteryCharging": False,
        "batteryCharge": 90,
        "keypadBatteryCritical": False,
        "doorsensorBatteryCritical": False,
        "doorState": 2,
        "ringToOpenTimer": 0,
        "nightMode": False,
    }


def first_config() -> dict[str, Any]:
    """`config`, but for what the lock itself tells."""
    return {
        "latitude": 0.0,
        "longitude": 0.0,
        "timezoneOffset": 0,
        "singleLock": False,
        "advertisingMode": 0,
        "pairingEnabled": True,
        "buttonEnabled": True,
        "ledEnabled": True,
        "fobPaired": False,
        "wifiEnabled": True,
    }


def further_configs(type_: int) -> dict[str, dict[str, Any]]:
    """The further configurations that a device of this type has, by the name in its JSON."""
    if type_ == OPENER:
        return {"openerAdvancedConfig": dict(_OPENER_CONFIG)}
    if type_ == SMART_DOOR:
        return {"smartdoorAdvancedConfig": {"batteryType": 1, "autoLock": False}}
    return {"advancedConfig": dict(_LOCK_CONFIG)}


_LOCK_CONFIG = {
    "totalDegrees": 360,
    "singleLockedPositionOffsetDegrees": 0,
    "unlockedPositionOffsetDegrees": 0,
    "lockedPositionOffsetDegrees": 0,
    "batteryType": 1,
    "autoLock": False,
}
_OPENER_CONFIG: dict[str, Any] = {
    "batteryType": 1,
    "busModeSwitch": 0,
    "disableRtoAfterRing": False,
    "doorbellSuppression": 0,
    "doorbellSuppressionDuration": 0,
    "doubleButtonPressAction": 0,
    "electricStrikeDelay": 0,
    "electricStrikeDuration": 0,
    "intercomId": 0,
    "randomElectricStrikeDelay": False,
    "rtoTimeout": 20,
    "shortCircuitDuration": 0,
    "singleButtonPressAction": 0,
    "soundCm": 0,
    "soundConfirmation": 0,
    "soundLevel": 0,
    "soundOpen": 0,
    "soundRing": 0,
    "soundRto": 0,
}
