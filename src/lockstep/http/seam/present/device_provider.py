"""A vendor in Seam's shape of a device provider."""

from __future__ import annotations

from typing import Any

from lockstep.operations.vendors import VendorOffered

PROVIDERS = {"nuki": "nuki"}
OTHER_PROVIDER = "smartthings"
"""For vendors that Seam does not have; its name for people stands in `display_name`."""


def device_provider(it: VendorOffered) -> dict[str, Any]:
    return {
        "device_provider_name": PROVIDERS.get(it.vendor, OTHER_PROVIDER),
        "display_name": it.label,
        "image_url": "",
        "provider_categories": ["stable"],
        "can_remotely_unlock": True,
        "can_program_online_access_codes": True,
        "can_unlock_with_code": True,
    }
