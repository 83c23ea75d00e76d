"""The page behind a connect webview's link, as a browser asks for it: what it shows, does, refuses and never shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs
from tests.operations.places import ask
from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.http.connect.app import create_connect_pages
from lockstep.model.permissions import Actor, system
from lockstep.operations import account_changes, accounts, connect_webviews, devices, events, workspaces
from lockstep.operations.account_details import Details
from lockstep.operations.connect_webviews import LASTS, ConnectWebview, CreateWebview
from lockstep.operations.errors import Invalid
from lockstep.operations.gate import Tx
from lockstep.operations.workspaces import ChangeWorkspace
from lockstep.storage.accounts import AccountRow
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.world import World
from lockstep.workers.sweeps.sequencer import sequence_all

ADDRESS = "http://lockstep.test"
SECRET = "nuki-token-of-jane"
DONE = "https://app.example.com/done?from=lockstep"
NUKI = {"vendor": "nuki", "token": SECRET, "endpoint": "http://nuki.test"}
JANE = {"vendor": "august", "email": "jane@example.com", "password": "1234"}


@dataclass
class Visit:
    """A house, and a browser that was given a link to it."""

    house: House
    world: World
    browser: httpx2.AsyncClient

    async def link(self, **given: Any) -> ConnectWebview:
        actor = self.house.actor
        async with self.house.gate.transaction(actor.workspace_id) as tx:
            return await connect_webviews.create(self.house.gate, tx, actor, CreateWebview(**given))

    async def told(self) -> list[str]:
        """Kinds of events since the beginning that speak of connecting."""
        await sequence_all(self.house.gate)
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            found = await events.read(tx, self.house.actor, 0, 200)
        return [e.type for e in found if e.type.startswith(("connect_webview.login", "connected_account"))]

    async def webview(self, it: ConnectWebview) -> ConnectWebview:
        return await ask(self.house.gate, self.house.actor, connect_webviews.get, it.connect_webview_id)


@asynccontextmanager
async def visiting(
    database_url: str, clock: VirtualClock, *, is_sandbox: bool = False
) -> AsyncIterator[Visit]:
    world = World(clock)
    world.allow(SECRET)
    world.add_lock({"name": "Beach house"})
    async with build_house(database_url, clock, {"nuki.test": create_app(world)}) as house:
        if is_sandbox:
            command = workspaces.CreateWorkspace("Sand", is_sandbox=True, partner_name="Harbour Stays")
            house.actor = system(await workspaces.create(house.gate, command), "test")
        transport = httpx2.ASGITransport(create_connect_pages(house.gate), raise_app_exceptions=False)
        headers = {"origin": ADDRESS}
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers) as browser:
            yield Visit(house, world, browser)


@pytest.fixture
async def visit(database_url: str, clock: VirtualClock) -> AsyncIterator[Visit]:
    async with visiting(database_url, clock) as visit:
        yield visit


async def _accounts(tx: Tx, actor: Actor, _: None) -> list[AccountRow]:
    return await accounts.listed(tx, actor)


async def _rename(tx: Tx, actor: Actor, names: tuple[str, str]) -> object:
    return await account_changes.change(tx, actor, names[0], Details(names[1]))


async def test_an_account_is_connected_with_its_devices_and_everybody_is_told(visit: Visit) -> None:
    given = {"customer_key": "harbour", "custom_metadata": {"floor": "2"}, "redirect_url": DONE}
    link = await visit.link(**given)

    form = await visit.browser.get(link.path)
    with capture_logs() as logs:
        answer = await visit.browser.post(link.path, data=NUKI)
    after = await visit.webview(link)
    (account,) = await ask(visit.house.gate, visit.house.actor, _accounts, None)
    found = await ask(visit.house.gate, visit.house.actor, devices.list_shown, devices.ListDevices())

    assert (form.status_code, SECRET in form.text) == (200, False)
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"{DONE}&connect_webview_id={link.connect_webview_id}&connected_account_id={account.public_id}"
    )
    assert (after.state, after.connected_account_id) == ("authorized", account.public_id)
    assert (account.customer_key, account.custom_metadata) == ("harbour", {"floor": "2"})
    assert account.label == f"Nuki {account.vendor_account}", "its vendor tells no address of mail"
    assert [device.name for device in found] == ["Beach house"]
    assert await visit.told() == ["connected_account.connected", "connect_webview.login_succeeded"]
    assert SECRET not in str(logs) + str(answer.headers)
    page = await visit.browser.get(link.path)
    assert "Beach house" in page.text
    assert "Nuki is connected" in page.text


async def test_a_refusal_is_told_in_the_page_and_as_an_event_and_may_be_put_right(visit: Visit) -> None:
    link = await visit.link()

    refused = await visit.browser.post(link.path, data={**NUKI, "token": "wrong-token"})
    failed = (await visit.webview(link)).state
    again = await visit.browser.post(link.path, data=NUKI)

    assert refused.status_code == 400
    assert "The vendor refuses these credentials." in refused.text
    assert "wrong-token" not in refused.text
    assert (failed, (await visit.webview(link)).state) == ("failed", "authorized")
    assert (again.status_code, again.headers["location"]) == (303, link.path)
    assert (await visit.told())[0] == "connect_webview.login_failed"


async def test_an_account_that_is_connected_already_gets_the_new_credentials(visit: Visit) -> None:
    first, second = await visit.link(customer_key="harbour"), await visit.link(customer_key="hill")

    await visit.browser.post(first.path, data=NUKI)
    answer = await visit.browser.post(second.path, data=NUKI)

    (account,) = await ask(visit.house.gate, visit.house.actor, _accounts, None)
    assert answer.status_code == 303
    assert (await visit.webview(second)).connected_account_id == account.public_id
    assert account.customer_key == "harbour"


async def test_a_link_connects_once_and_ends(visit: Visit, clock: VirtualClock) -> None:
    used, old, deleted = [await visit.link() for _ in range(3)]
    await visit.browser.post(used.path, data=NUKI)
    await ask(visit.house.gate, visit.house.actor, connect_webviews.delete, deleted.connect_webview_id)
    gone = await visit.browser.get(deleted.path)
    again = await visit.browser.post(used.path, data=NUKI)
    clock.advance(LASTS)

    assert again.status_code == 409
    for answer in (gone, await visit.browser.get(old.path), await visit.browser.get("/connect/guessed")):
        assert answer.status_code == 404
        assert "not valid any more" in answer.text
    assert (await visit.browser.post(old.path, data=NUKI)).status_code == 404


async def test_a_form_of_another_site_is_refused(visit: Visit) -> None:
    link = await visit.link()
    for origin in ("https://evil.example", "null", ""):
        answer = await visit.browser.post(link.path, data=NUKI, headers={"origin": origin})
        assert answer.status_code == 403
    assert (await visit.webview(link)).state == "pending"


async def test_pages_load_nothing_foreign_and_forms_lead_home_or_to_the_caller(visit: Visit) -> None:
    link = await visit.link(redirect_url=DONE)
    answer = await visit.browser.get(link.path)
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self' https://app.example.com;" in policy
    assert "default-src 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("look", "rules"),
    [
        ({"primary_button_color": "#0b5fff"}, ["background-color: #0b5fff", "color: #ffffff"]),
        ({"primary_button_color": "#fe5"}, ["background-color: #fe5", "color: #000000"]),
        (
            {"primary_button_color": "#123456", "primary_button_text_color": "#eee"},
            ["background-color: #123456", "color: #eee"],
        ),
        ({}, []),
    ],
    ids=["white on dark", "black on light", "both told", "Lockstep's own"],
)
async def test_buttons_have_the_colours_of_the_workspace_without_a_looser_policy(
    visit: Visit, look: dict[str, str], rules: list[str]
) -> None:
    await ask(visit.house.gate, visit.house.actor, workspaces.change, ChangeWorkspace(webview_look=look))
    link = await visit.link()
    page = await visit.browser.get(link.path)
    style = await visit.browser.get(f"{link.path}/look.css")
    assert (f'href="{link.path}/look.css"' in page.text) == bool(rules)
    assert style.headers["content-type"].startswith("text/css")
    assert all(rule in style.text for rule in rules)
    assert bool(style.text) == bool(rules)
    assert "style-src 'self';" in page.headers["content-security-policy"]
    assert (await visit.browser.get("/connect/nobodys/look.css")).status_code == 404


async def test_attempts_are_counted(visit: Visit) -> None:
    link = await visit.link()
    answers = [await visit.browser.post(link.path, data={**NUKI, "token": "wrong"}) for _ in range(11)]
    assert [a.status_code for a in answers] == [400] * 10 + [429]
    assert "Too many attempts" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_sandbox_offers_emulated_makers_and_takes_any_address_at_example_com(
    database_url: str, clock: VirtualClock
) -> None:
    async with visiting(database_url, clock, is_sandbox=True) as visit:
        link = await visit.link(accepted_vendors=("august", "ecobee"), accepted_kinds=("lock",))
        choice = await visit.browser.get(link.path)
        for wrong in ({"email": "jane@elsewhere.com"}, {"password": "secret"}):
            answer = await visit.browser.post(link.path, data={**JANE, **wrong})
            assert answer.status_code == 400
            assert "any address at example.com" in answer.text
        answer = await visit.browser.post(link.path, data=JANE)
        page = await visit.browser.get(link.path)
        (account,) = await ask(visit.house.gate, visit.house.actor, _accounts, None)
        assert (account.label, "August is connected" in page.text) == ("jane@example.com", True)
        await ask(visit.house.gate, visit.house.actor, _rename, (account.public_id, "Harbour flats"))
        second = await visit.link()
        again = await visit.browser.post(second.path, data=JANE)
        found = await ask(visit.house.gate, visit.house.actor, devices.list_shown, devices.ListDevices())

        assert "Harbour Stays" in choice.text
        assert "August" in choice.text
        assert "Schlage" not in choice.text
        assert (answer.status_code, again.status_code) == (303, 303)
        assert (await visit.webview(second)).state == "authorized"
        assert [(d.name, d.maker) for d in found] == [("Back door", "august"), ("Front door", "august")]
        (account,) = await ask(visit.house.gate, visit.house.actor, _accounts, None)
        assert account.label == "Harbour flats", "as it was called, also where its owner connects it again"


async def test_what_cannot_be_offered_makes_no_link(visit: Visit) -> None:
    with pytest.raises(Invalid, match="can be connected here"):
        await visit.link(accepted_vendors=("latch",))
    for url in (
        "javascript:alert(1)",
        "ftp://app.example.com",
        "//app.example.com",
        "https://a@app.example.com",
        "https://app.example.com;frame-ancestors *",
        "https://例え.example/",
    ):
        with pytest.raises(Invalid, match="no address of a page"):
            await visit.link(redirect_url=url)


async def test_a_link_lasts_for_days_not_for_ever(visit: Visit) -> None:
    link = await visit.link()
    assert link.expires_at - link.created_at == LASTS <= timedelta(days=7)
