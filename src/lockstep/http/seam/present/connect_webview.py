"""A connect webview in Seam's shape."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.connected_account import capabilities_of
from lockstep.http.seam.present.device_provider import OTHER_PROVIDER, PROVIDERS
from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant, instant_or_null
from lockstep.operations.connect_webviews import ConnectWebview

_BY_PROVIDER = {provider: vendor for vendor, provider in PROVIDERS.items()}


def vendors_of(provider: str) -> tuple[str, ...]:
    """What a provider of Seam's is here: a vendor of ours, or the maker of that name in a sandbox."""
    return (provider, _BY_PROVIDER.get(provider, provider))


def provider_of(vendor: str) -> str:
    """The other way round; a maker is called as Seam calls it."""
    return PROVIDERS.get(vendor, vendor)


def connect_webview(it: ConnectWebview, workspace_id: str, url: str, offered: list[str]) -> dict[str, Any]:
    """`url`: of its page. `offered`: the vendors that may be chosen on it."""
    customer = {} if it.customer_key is None else {"customer_key": it.customer_key}
    account_id = it.connected_account_id
    return {
        "connect_webview_id": shown(it.connect_webview_id),
        "workspace_id": shown(workspace_id),
        "url": url,
        "status": it.state,
        "login_successful": it.state == "authorized",
        "connected_account_id": None if account_id is None else shown(account_id),
        "selected_provider": None if it.chosen_vendor is None else provider_of(it.chosen_vendor),
        "accepted_providers": it.asked.get("accepted_providers")
        or sorted({provider_of(name) for name in offered} - {OTHER_PROVIDER}),
        "any_provider_allowed": it.accepted_vendors is None,
        "accepted_devices": [],
        "any_device_allowed": True,
        "accepted_capabilities": capabilities_of(it.accepted_kinds),
        "automatically_manage_new_devices": it.manages_new_devices,
        "wait_for_device_creation": bool(it.asked.get("wait_for_device_creation", False)),
        "device_selection_mode": it.asked.get("device_selection_mode", "none"),
        "custom_metadata": dict(it.custom_metadata),
        "custom_redirect_url": it.redirect_url,
        "custom_redirect_failure_url": it.failure_redirect_url,
        "created_at": instant(it.created_at),
        "authorized_at": instant_or_null(it.authorized_at),
        **customer,
    }
