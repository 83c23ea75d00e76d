"""A vendor in Seam's shape of a device provider."""

from __future__ import annotations

from typing import Any

from lockstep.operations.offers import MAKERS, Offer

PROVIDERS = {"nuki": "nuki"}
OTHER_PROVIDER = "smartthings"
"""For vendors that Seam does not have; its name for people stands in `display_name`."""


_CATEGORIES = {"lock": "consumer_smartlocks", "thermostat": "thermostats", "noise_sensor": "noise_sensors"}
"""By kind of devices."""


def device_provider(it: Offer) -> dict[str, Any]:
    """A vendor or, in a sandbox, a maker, which is called as Seam calls it."""
    kind = MAKERS[it.vendor][1] if it.is_emulated else "lock"
    is_lock = kind == "lock"
    return {
        "device_provider_name": it.vendor if it.is_emulated else PROVIDERS.get(it.vendor, OTHER_PROVIDER),
        "display_name": it.label,
        "image_url": "",
        "provider_categories": ["stable", _CATEGORIES[kind]],
        "can_remotely_unlock": is_lock,
        "can_program_online_access_codes": is_lock,
        "can_unlock_with_code": is_lock,
    }
