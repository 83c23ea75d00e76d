"""The page on which the API can be tried, in a real browser: complete, and without a request to another host."""

import shutil
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.serving import serving

from lockstep.http.api.app import create_api
from lockstep.http.static_files import FOLDER, static_files
from lockstep.operations.gate import Gate

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is missing: apt-get install chromium"),
    pytest.mark.skipif(
        not (FOLDER / "vendor" / "swagger-ui").is_dir(),
        reason="the pages' libraries are missing: ./lockstep fetches them on its first run",
    ),
]


@pytest.fixture
async def address(gate: Gate) -> AsyncIterator[str]:
    """The API and the static files, served on a free port of 127.0.0.1."""
    app = Starlette(routes=[static_files(), Mount("", create_api(gate))])
    async with serving(app) as address:
        yield address


async def test_the_page_shows_every_route_and_loads_nothing_from_elsewhere(address: str, gate: Gate) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="the group `browser` is not installed")
    faults: list[str] = []
    hosts: set[str | None] = set()
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        await page.goto(f"{address}/v1/docs")
        await page.wait_for_selector(".opblock")
        shown = await page.locator(".opblock").count()
        await page.locator(".opblock-summary").first.click()
        await page.wait_for_selector(".opblock-body")
        await browser.close()
    paths = create_api(gate).openapi()["paths"]
    assert shown == sum(len(methods) for methods in paths.values())
    assert hosts == {urlsplit(address).netloc}
    assert faults == []
