"""Connect webviews as a developer has them: made through the official SDK, filled in by a browser, seen through it."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2
from tests.conftest import TLS
from tests.http.seam.parts import WORLD, Home
from tests.serving import serving

from lockstep.http.connect.app import create_connect_pages
from lockstep.workers.sweeps.sequencer import sequence_all

TOKEN = "nuki-token-of-jane"


async def test_an_account_that_somebody_connects_is_seen_with_its_devices_and_events(home: Home) -> None:
    home.world.allow(TOKEN)
    (mine,) = await home.ask(home.seam.connected_accounts.list)
    await home.ask(home.seam.connected_accounts.delete, connected_account_id=mine.connected_account_id)
    webview = await home.ask(
        home.seam.connect_webviews.create,
        accepted_providers=["nuki"],
        custom_metadata={"floor": "2"},
        custom_redirect_url="https://app.example.com/done",
        wait_for_device_creation=True,
    )
    begun = home.house.clock.now()
    assert (webview.status, webview.login_successful) == ("pending", False)

    async with (
        serving(create_connect_pages(home.house.gate)) as pages,
        httpx2.AsyncClient(verify=TLS) as browser,
    ):
        address = pages + urlsplit(webview.url).path
        form = await browser.get(address)
        sent = {"vendor": "nuki", "token": TOKEN, "endpoint": WORLD}
        answer = await browser.post(address, data=sent, headers={"origin": pages})
    after = await home.ask(home.seam.connect_webviews.get, connect_webview_id=webview.connect_webview_id)
    account = await home.ask(
        home.seam.connected_accounts.get, connected_account_id=after.connected_account_id or ""
    )
    devices = await home.ask(home.seam.devices.list, connected_account_id=account.connected_account_id)
    await sequence_all(home.house.gate)
    events = await home.ask(home.seam.events.list, since=begun.isoformat())

    assert 'name="token"' in form.text
    assert answer.headers["location"].startswith("https://app.example.com/done?connect_webview_id=")
    assert (after.status, after.login_successful, after.selected_provider) == ("authorized", True, "nuki")
    assert account.custom_metadata == {"floor": "2"}
    assert len(devices) == 2
    told = {event.event_type for event in events}
    assert {"connect_webview.login_succeeded", "connected_account.connected", "device.connected"} <= told
    listed = await home.ask(home.seam.connect_webviews.list)
    assert [it.connect_webview_id for it in listed] == [webview.connect_webview_id]
