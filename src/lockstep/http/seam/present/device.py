"""A device in Seam's shape. `device_type` is a closed list there, by maker: see `device_type_of`."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant
from lockstep.model.lock_health import battery
from lockstep.operations.devices import Device

_MAKERS = {
    "lock": (
        "lock",
        frozenset(
            {
                "akiles", "akuvox", "aqara", "august", "igloo", "igloohome", "keyincode", "kisi", "kwikset", "linear",
                "lockly", "nuki", "omnitec", "salto", "schlage", "smartthings", "tedee", "ttlock", "ultraloq", "wyze",
                "yacan", "yale",
            }
        ),
    ),
    "thermostat": (
        "thermostat",
        frozenset({"ecobee", "honeywell_resideo", "nest", "sensi", "smartthings", "tado"}),
    ),
    "noise_sensor": ("sensor", frozenset({"minut"})),
}  # fmt: skip
"""By kind of ours: how its types end, and the makers that Seam has, each before that."""
_OTHERS = {"thermostat": "smartthings_thermostat", "noise_sensor": "minut_sensor"}
_OTHER_LOCK = "smartthings_lock"
"""For makers that Seam does not have: the member that promises least. Who made a lock, and whom Lockstep asks about it,
stands in `device_manufacturer` and `device_provider`."""
_CAN_SIMULATE = {
    f"can_simulate_{what}": True
    for what in (
        "connection",
        "disconnection",
        "hub_connection",
        "hub_disconnection",
        "paid_subscription",
        "removal",
    )
}
_CAPABILITIES = {"thermostat": ["thermostat"], "noise_sensor": ["noise_detection"]}


def device(it: Device, workspace_id: str, label: str, *, is_emulated: bool = False) -> dict[str, Any]:
    """`label`: the vendor's name for people. `is_emulated`: part of a sandbox, so that what happens to it can be
    simulated."""
    abilities = it.abilities
    nickname = {"nickname": it.nickname} if it.nickname else {}
    return {
        **nickname,
        "device_id": shown(it.device_id),
        "workspace_id": shown(workspace_id),
        "connected_account_id": shown(it.connected_account_id),
        "device_type": device_type_of(it),
        "display_name": it.nickname or it.name,
        "capabilities_supported": _capabilities(it),
        "can_remotely_unlock": abilities.can_unlock,
        "can_remotely_lock": abilities.can_lock,
        "can_configure_auto_lock": abilities.can_configure_auto_lock,
        "can_program_online_access_codes": abilities.can_hold_codes,
        "can_unlock_with_code": abilities.can_hold_codes,
        **(_CAN_SIMULATE if is_emulated else {}),
        "created_at": instant(it.created_at),
        "custom_metadata": dict(it.custom_metadata),
        "device_manufacturer": {"manufacturer": it.maker or it.vendor, "display_name": _maker_of(it, label)},
        "device_provider": {
            "device_provider_name": it.vendor,
            "display_name": label,
            "provider_category": "stable",
        },
        "errors": _errors(it),
        "warnings": _warnings(it),
        "is_managed": it.is_managed,
        "space_ids": [shown(id) for id in it.space_ids],
        "location": {"time_zone": it.time_zone, "timezone": it.time_zone} if it.time_zone else None,
        "properties": _properties(it, label),
    }


def device_type_of(it: Device) -> str:
    """By who made it, where Seam has that maker's."""
    end, makers = _MAKERS.get(it.kind, _MAKERS["lock"])
    maker = it.maker or it.vendor
    return f"{maker}_{end}" if maker in makers else _OTHERS.get(it.kind, _OTHER_LOCK)


def _maker_of(it: Device, label: str) -> str:
    """For people; the vendor's where it tells of no other maker."""
    return label if it.maker in (None, it.vendor) else str(it.maker).replace("_", " ").title()


def _capabilities(it: Device) -> list[str]:
    found = list(_CAPABILITIES.get(it.kind, ["lock"]))
    if it.abilities.can_hold_codes:
        found.insert(0, "access_code")
    if it.state.battery_level is not None:
        found.append("battery")
    return found


def _properties(it: Device, label: str) -> dict[str, Any]:
    state, abilities = it.state, it.abilities
    properties: dict[str, Any] = {
        "online": bool(state.is_online),
        "name": it.name,
        "appearance": {"name": it.name},
        "manufacturer": it.maker or it.vendor,
        "model": {
            "display_name": it.model or label,
            "manufacturer_display_name": _maker_of(it, label),
            "has_built_in_keypad": abilities.can_hold_codes,
        },
        "supports_backup_access_code_pool": abilities.can_hold_backup_codes,
        "backup_access_code_pool_enabled": it.backup_pool is not None,
        "code_constraints": _constraints(it),
    }
    of_bolt = {
        "locked": state.is_locked,
        "door_open": state.is_door_open,
        "auto_lock_enabled": state.is_auto_lock_enabled,
        "auto_lock_delay_seconds": state.auto_lock_delay_seconds,
    }
    properties |= {name: value for name, value in of_bolt.items() if value is not None}
    if state.battery_level is not None:
        level = state.battery_level
        properties["battery_level"] = level
        properties["battery"] = {
            "level": level,
            "status": battery(level, is_critical=state.is_battery_critical).value,
        }
    if abilities.can_hold_codes:
        properties["supported_code_lengths"] = list(abilities.code_lengths)
    if abilities.most_codes is not None:
        properties["max_active_codes_supported"] = abilities.most_codes
    return properties


def _constraints(it: Device) -> list[dict[str, Any]]:
    """What digits must obey; our rules bear Seam's names. Names have none: they are fitted to what the lock takes."""
    if it.abilities.can_hold_codes and it.abilities.codes_chosen_by == "vendor":
        return [{"constraint_type": "cannot_specify_pin_code"}]
    return [{"constraint_type": rule} for rule in it.abilities.code_rules]


def _errors(it: Device) -> list[dict[str, Any]]:
    found = []
    if it.account_state != "active":
        since = it.failure.at if it.failure else it.created_at
        message = _told(it, "Its connected account is disconnected. Connect it again.")
        found.append(
            {
                "error_code": "account_disconnected",
                "is_connected_account_error": True,
                "is_device_error": False,
                "message": message,
                "created_at": instant(since),
            }
        )
    for is_so, code, since_at, otherwise in (
        (
            it.removed_at is not None or it.unlisted_since is not None,
            "device_removed",
            it.unlisted_since,
            "Its vendor does not list it.",
        ),
        (it.state.is_online is False, "device_offline", it.state.seen_at, "It is offline."),
        ("hub_disconnected" in it.state.problems, "hub_disconnected", None, "Its hub is offline."),
        (
            "subscription_required" in it.state.problems,
            "subscription_required",
            None,
            "It needs a subscription.",
        ),
        (
            "empty" in _problems_of_pool(it),
            "empty_backup_access_code_pool",
            None,
            _why_empty(it),
        ),
    ):
        if is_so:
            found.append(
                {
                    "error_code": code,
                    "is_device_error": True,
                    "message": _told(it, otherwise),
                    "created_at": instant(since_at or it.created_at),
                }
            )
    return found


_OF_POOLS = {
    "partial": (
        "partial_backup_access_code_pool",
        "It has fewer backup codes than are wanted. See whether it is online and has places left.",
    ),
    "many_pulled": (
        "many_active_backup_codes",
        "Several of its backup codes are in use. See why it takes no other codes.",
    ),
}


def _warnings(it: Device) -> list[dict[str, Any]]:
    flaky = {
        "warning_code": "device_has_flaky_connection",
        "message": "It goes offline again and again. Check its power and its connection.",
        "created_at": instant(it.created_at),
    }
    return ([flaky] if it.state.is_flaky else []) + [
        {
            "warning_code": _OF_POOLS[problem][0],
            "message": _OF_POOLS[problem][1],
            "created_at": instant(it.created_at),
        }
        for problem in _problems_of_pool(it)
        if problem in _OF_POOLS
    ]


def _why_empty(it: Device) -> str:
    if "no_schedule" in _problems_of_pool(it):
        return "It keeps no schedule, so a backup code would open at any time: an operator has to allow that first."
    return "There is no backup code on it now. See whether it is online and takes codes."


def _problems_of_pool(it: Device) -> tuple[str, ...]:
    return it.backup_pool.problems if it.backup_pool else ()


def _told(it: Device, otherwise: str) -> str:
    return f"{it.failure.cause} {it.failure.next_step}" if it.failure else otherwise
