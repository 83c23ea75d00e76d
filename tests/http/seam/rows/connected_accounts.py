"""Rows of /connected_accounts."""

from __future__ import annotations

from tests.http.seam.parts import TOKEN, WORLD
from tests.http.seam.walk import Body, Row, Walk, nothing

NO_ACCOUNT = ("connected_account_id", "connected_account_not_found")


async def of_account(walk: Walk) -> Body:
    """The one of the house, connected again where a row before has disconnected it."""
    found = (await walk.ask("/connected_accounts/list"))["connected_accounts"]
    if not found:
        await walk.home.house.connect("nuki", {"token": TOKEN, "endpoint": WORLD})
        found = (await walk.ask("/connected_accounts/list"))["connected_accounts"]
    return {"connected_account_id": found[0]["connected_account_id"]}


async def described(walk: Walk) -> Body:
    return {
        **await of_account(walk),
        "display_name": "Harbour flats",
        "customer_key": "harbour",
        "custom_metadata": {"floor": "2", "mine": True},
        "accepted_capabilities": ["lock", "thermostat"],
        "automatically_manage_new_devices": True,
    }


ROWS = {
    "/connected_accounts/get": Row(of_account, bad=({"connected_account_id": None},), missing=NO_ACCOUNT),
    "/connected_accounts/list": Row(nothing, bad=({"limit": "many"}, {"customer_key": 7})),
    "/connected_accounts/update": Row(
        described, bad=({"accepted_capabilities": ["door"]}, {"custom_metadata": "none"}), missing=NO_ACCOUNT
    ),
    "/connected_accounts/sync": Row(of_account, bad=({"connected_account_id": 7},), missing=NO_ACCOUNT),
    "/connected_accounts/delete": Row(of_account, bad=({"connected_account_id": None},), missing=NO_ACCOUNT),
}
