"""Takes pictures of the pages behind links, for `tools/screenshot.py --out FOLDER`: where somebody connects an account,
a customer's portal, a guest's key. Each in every width and theme."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from tests.browser.scene import Scene
from tests.operations.places import ask
from tests.serving import serving

from lockstep.http.connect.app import create_connect_pages
from lockstep.http.guest.app import create_guest_pages
from lockstep.http.portal.app import create_portal_page
from lockstep.http.static_files import static_files
from lockstep.model.permissions import Actor, system
from lockstep.operations import connect_webviews, instant_keys, portals, spaces, workspaces
from lockstep.operations.connect_webviews import CreateWebview
from lockstep.operations.instant_keys import CreateInstantKey
from lockstep.operations.spaces import ChangeSpace
from lockstep.operations.workspaces import ChangeWorkspace, CreateWorkspace

Theme = Literal["light", "dark"]
PARTNER = "Harbour Stays"
CUSTOMER = "canal"
LOOK = {
    "primary_button_color": "#8a1c3d",
    "success_message": "Thank you! We will write to you within the day.",
}


@dataclass(frozen=True, slots=True)
class Shot:
    """A page, and what is done on it before its picture is taken."""

    name: str
    path: str
    do: Callable[[Page], Awaitable[None]] | None = None


async def take_link_pages(
    browser: Browser, it: Scene, folder: Path, looks: Sequence[tuple[int, Theme]]
) -> None:
    """Of the scene as it is when its house is full."""
    async with _served(it) as address:
        for width, theme in looks:
            for shot in await _shots(it):
                context = await browser.new_context(
                    viewport={"width": width, "height": 900 if width > 600 else 844},
                    color_scheme=theme,
                    is_mobile=width < 600,
                )
                page = await context.new_page()
                await page.goto(f"{address}{shot.path}")
                if shot.do is not None:
                    await shot.do(page)
                await page.screenshot(path=folder / f"{shot.name}-{width}-{theme}.png", full_page=True)
                await context.close()


async def _shots(it: Scene) -> list[Shot]:
    """With links of their own, since most are used up by being shown."""
    gate, actor = it.house.gate, it.house.actor
    sandbox = await _sandbox(it)
    pick = await _link(it, sandbox)
    form = await _link(it, sandbox, accepted_vendors=("august",))
    done = await _link(it, sandbox, accepted_vendors=("august",))
    real = await _link(it, actor, accepted_vendors=("nuki",))
    for space_id in it.flats.values():
        await ask(gate, actor, spaces.change, ChangeSpace(space_id, customer_key=CUSTOMER))
    portal = await ask(gate, actor, portals.create, portals.CreatePortal(CUSTOMER))
    guest_id = it.bookings["Anna Lindqvist"].guest_id
    assert guest_id is not None
    key, opened = [await ask(gate, actor, instant_keys.create, CreateInstantKey(guest_id)) for _ in range(2)]
    return [
        Shot("connect-choose", pick),
        Shot("connect-form", form),
        Shot("connect-failed", form, _refused),
        Shot("connect-done", done, _connected),
        Shot("connect-nuki", real),
        Shot("portal", portal.path),
        Shot("key", key.path),
        Shot("key-opened", opened.path, _opened),
        Shot("link-over", f"{connect_webviews.PAGE}/nobodys"),
    ]


async def _sandbox(it: Scene) -> Actor:
    """Of a workspace with emulated makers and colours of its own."""
    command = CreateWorkspace("Sand", is_sandbox=True, partner_name=PARTNER)
    actor = system(await workspaces.create(it.house.gate, command), "picture")
    await ask(it.house.gate, actor, workspaces.change, ChangeWorkspace(webview_look=LOOK))
    return actor


async def _link(it: Scene, actor: Actor, accepted_vendors: tuple[str, ...] | None = None) -> str:
    gate = it.house.gate
    command = CreateWebview(accepted_vendors, failure_redirect_url="https://app.example.com/later")
    async with gate.transaction(actor.workspace_id) as tx:
        return (await connect_webviews.create(gate, tx, actor, command)).path


async def _refused(page: Page) -> None:
    await _enter(page, "wrong")


async def _connected(page: Page) -> None:
    await _enter(page, "1234")


async def _enter(page: Page, password: str) -> None:
    await page.fill("#email", "jane@example.com")
    await page.fill("#password", password)
    await page.click("#connect button")
    await page.wait_for_load_state()


async def _opened(page: Page) -> None:
    await page.click("main button")
    await page.wait_for_load_state()


@asynccontextmanager
async def _served(it: Scene) -> AsyncIterator[str]:
    files = Starlette(routes=[static_files()])
    by_link = {
        connect_webviews.PAGE: create_connect_pages(it.house.gate),
        portals.PAGE: create_portal_page(it.house.gate),
        instant_keys.PAGE: create_guest_pages(it.house.gate),
    }

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        first = "/" + scope.get("path", "").split("/", 2)[1] if scope["type"] == "http" else ""
        await by_link.get(first, files)(scope, receive, send)

    async with serving(site) as address:
        yield address
