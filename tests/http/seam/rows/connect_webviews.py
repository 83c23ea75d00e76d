"""Rows of /connect_webviews."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk, nothing

NO_WEBVIEW = ("connect_webview_id", "connect_webview_not_found")


async def fresh(walk: Walk) -> Body:
    return {
        "accepted_providers": ["nuki"],
        "accepted_capabilities": ["lock"],
        "custom_metadata": {"floor": "2"},
        "custom_redirect_url": "https://app.example.com/done?from=lockstep",
        "customer_key": "harbour",
        "wait_for_device_creation": True,
    }


async def of_webview(walk: Walk) -> Body:
    made = await walk.ask("/connect_webviews/create", **await fresh(walk))
    return {"connect_webview_id": made["connect_webview"]["connect_webview_id"]}


ROWS = {
    "/connect_webviews/create": Row(
        fresh,
        bad=(
            {"accepted_providers": ["latch"]},
            {"custom_redirect_url": "javascript:alert(1)"},
            {"provider_category": "cameras", "accepted_providers": None},
            {"device_selection_mode": "all"},
        ),
    ),
    "/connect_webviews/get": Row(of_webview, bad=({"connect_webview_id": None},), missing=NO_WEBVIEW),
    "/connect_webviews/list": Row(nothing, bad=({"limit": "many"},)),
    "/connect_webviews/delete": Row(of_webview, bad=({"connect_webview_id": None},), missing=NO_WEBVIEW),
}
