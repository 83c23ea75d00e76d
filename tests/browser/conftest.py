"""Debian's Chromium, and the first page in it; what it says to its console and whom it asks is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.browser.chromium import ARGUMENTS, CHROMIUM
from tests.browser.scene import BEGINS, Scene, scene

from lockstep.emulation.clock import VirtualClock
from lockstep.http.static_files import FOLDER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A skip says what is missing."""
    missing = []
    if CHROMIUM is None:
        missing.append("Debian's chromium is missing: apt-get install chromium")
    if not all((FOLDER / "vendor" / name).is_dir() for name in ("htmx", "swagger-ui")):
        missing.append("the pages' libraries are missing: ./lockstep fetches them on its first run")
    for item in items:
        if "tests/browser/" in item.nodeid:
            for reason in missing:
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Seen:
    """What a browser complained of, and the hosts that it asked for anything."""

    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


Browse = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    """One for all tests of a process, since it takes longer to start than most of them take."""
    playwright = pytest.importorskip("playwright.async_api", reason="the group `browser` is not installed")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def browse(browser: Any, seen: Seen) -> Browse:
    """`async with browse(**options) as page`: a page in a context of its own, such as a phone's."""

    @asynccontextmanager
    async def page_in(**options: Any) -> AsyncIterator[Any]:
        context = await browser.new_context(**options)
        page = await context.new_page()
        page.on("console", lambda line: seen.faults.append(line.text) if line.type in _FAULTS else None)
        page.on("pageerror", lambda fault: seen.faults.append(str(fault)))
        page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).netloc))
        yield page
        await context.close()

    return page_in


_FAULTS = ("error", "warning")


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[Scene]:
    """A workspace with nothing in it but a key, served."""
    async with scene(database_url, VirtualClock(BEGINS)) as (it, _):
        yield it


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[Scene]:
    """The scene of the afternoon, served."""
    async with scene(database_url, VirtualClock(BEGINS)) as (it, feeds):
        await it.move_in()
        await it.fill(feeds)
        yield it


async def sign_in(page: Any, it: Scene) -> None:
    await page.goto(f"{it.address}/sign-in")
    await page.fill("#api_key", it.key)
    await page.click("text=Sign in >> nth=-1")
    await page.wait_for_url(f"{it.address}/")
