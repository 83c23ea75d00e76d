"""Takes the picture of the first page for the README: `.venv/bin/python tools/screenshot.py`, with Debian's chromium.

Other looks at it: `--out FOLDER` writes every width and theme there instead, and the pages behind links with them."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import Browser, async_playwright  # noqa: E402 - found from the root alone
from tests.browser.chromium import ARGUMENTS, CHROMIUM  # noqa: E402
from tests.browser.scene import BEGINS, scene  # noqa: E402
from tools.link_pages import Theme, take_link_pages  # noqa: E402

from lockstep.emulation.clock import VirtualClock  # noqa: E402
from lockstep.storage.migrations import migrate  # noqa: E402
from lockstep.storage.server import EmbeddedServer  # noqa: E402

PICTURE = ROOT / "docs" / "images" / "today.png"
THEMES: tuple[Theme, ...] = ("light", "dark")
LOOKS = [(width, theme) for width in (1280, 390) for theme in THEMES]


async def main(passing: Path, folder: Path | None) -> None:
    """Make the scene on a database in `passing`, and take what was asked for."""
    server = EmbeddedServer(passing / "postgres", fast_and_unsafe=True)
    try:
        dsn = server.start()
        await migrate(dsn)
        async with scene(dsn, VirtualClock(BEGINS)) as (it, feeds), async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            if folder:
                await take(browser, it.address, it.key, folder / "empty.png", 1280, "light")
            await it.move_in()
            await it.fill(feeds)
            if folder is None:
                await take(browser, it.address, it.key, PICTURE, 1280, "light", whole=False)
            else:
                for width, theme in LOOKS:
                    await take(
                        browser, it.address, it.key, folder / f"today-{width}-{theme}.png", width, theme
                    )
                await take_link_pages(browser, it, folder, LOOKS)
            await browser.close()
    finally:
        server.stop()


async def take(
    browser: Browser, address: str, key: str, path: Path, width: int, theme: Theme, *, whole: bool = True
) -> None:
    """Sign in, and keep what is seen of the whole page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    context = await browser.new_context(
        viewport={"width": width, "height": 1280 if width > 600 else 844},
        color_scheme=theme,
        is_mobile=width < 600,
    )
    page = await context.new_page()
    await page.goto(f"{address}/sign-in")
    if path.name == "empty.png":
        await page.screenshot(path=path.with_name("sign-in.png"))
    await page.fill("#api_key", key)
    await page.click("#sign-in button")
    await page.wait_for_selector("#live[data-state=on]")
    await page.screenshot(path=path, full_page=whole)
    await context.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    passing = Path(tempfile.mkdtemp(prefix="lockstep-picture-"))
    passing.chmod(0o711)
    try:
        asyncio.run(main(passing, parser.parse_args().out))
    finally:
        shutil.rmtree(passing, ignore_errors=True)
