"""The page on which the API can be tried, in a real browser: complete, and without a request to another host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.browser.conftest import Browse, Seen
from tests.serving import serving

from lockstep.http.api.app import create_api
from lockstep.http.static_files import static_files
from lockstep.operations.gate import Gate


@pytest.fixture
async def address(gate: Gate) -> AsyncIterator[str]:
    """The API and the static files, served on a free port of 127.0.0.1."""
    app = Starlette(routes=[static_files(), Mount("", create_api(gate))])
    async with serving(app) as address:
        yield address


async def test_the_page_shows_every_route_and_loads_nothing_from_elsewhere(
    address: str, gate: Gate, browse: Browse, seen: Seen
) -> None:
    async with browse() as page:
        await page.goto(f"{address}/v1/docs")
        await page.wait_for_selector(".opblock")
        shown = await page.locator(".opblock").count()
        await page.locator(".opblock-summary").first.click()
        await page.wait_for_selector(".opblock-body")
    paths = create_api(gate).openapi()["paths"]
    assert shown == sum(len(methods) for methods in paths.values())
    assert seen.hosts == {urlsplit(address).netloc}
    assert seen.faults == []
