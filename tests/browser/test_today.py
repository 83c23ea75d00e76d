"""The first page in Debian's Chromium, as a host uses it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from tests.browser.conftest import Browse, Seen, sign_in
from tests.browser.scene import AFTERNOON, Scene

from lockstep.operations import api_keys

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def standing_of(page: Any, guest: str, door: str) -> Any:
    stay = page.locator("article.stay", has=page.get_by_role("heading", name=guest))
    return stay.locator("li.door", has_text=door).locator(".standing")


async def test_a_key_signs_in_a_wrong_one_does_not_and_signing_out_ends_it(
    empty: Scene, browse: Browse, seen: Seen
) -> None:
    async with browse() as page:
        await page.goto(empty.address)
        assert page.url == f"{empty.address}/sign-in"
        await page.get_by_label("API key").fill("seam_lockstep_wrong")
        await page.keyboard.press("Enter")
        await page.get_by_role("alert").wait_for()
        assert "not known" in await page.get_by_role("alert").inner_text()
        assert seen.faults == [
            "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
        ]
        await sign_in(page, empty)
        assert await page.get_by_role("heading", name="Today").is_visible()
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url(f"{empty.address}/sign-in")
        await page.goto(empty.address)
        assert page.url == f"{empty.address}/sign-in"


async def test_a_link_fills_in_the_key_and_keeps_it_out_of_every_address(
    empty: Scene, browse: Browse, seen: Seen
) -> None:
    async with browse() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{empty.address}/sign-in#{empty.key}")
        assert page.url == f"{empty.address}/sign-in"
        assert await page.get_by_label("API key").input_value() == empty.key
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{empty.address}/")
        assert not any(empty.key in url for url in asked)
    assert seen.faults == []


async def test_a_link_opened_where_the_sign_in_page_stands_already_leaves_no_key_in_the_address_either(
    empty: Scene, browse: Browse, seen: Seen
) -> None:
    async with browse() as page:
        await page.goto(empty.address)
        assert page.url == f"{empty.address}/sign-in"
        for link in (
            f"{empty.address}/sign-in#seam_lockstep_typed_wrongly",
            f"{empty.address}/sign-in#{empty.key}",
        ):
            await page.evaluate("link => { location.href = link }", link)
            await page.wait_for_function(
                "key => document.getElementById('api_key').value === key", arg=link.partition("#")[2]
            )
            assert page.url == f"{empty.address}/sign-in"
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{empty.address}/")
        await page.go_back()
        assert empty.key not in page.url
    assert seen.faults == []


async def test_the_page_shows_every_standing_changes_live_and_asks_no_other_host(
    house: Scene, browse: Browse, seen: Seen
) -> None:
    async with browse() as page:
        await sign_in(page, house)
        await page.locator("#live", has_text="live").wait_for()
        for guest, door, said in (
            ("Anna Lindqvist", "Flat 1", "proven"),
            ("Chloé Martin", "Flat 2", "unconfirmed"),
            ("David Silva", "Garden room", "failed"),
            ("Ben Okafor", "Loft", "scheduled"),
        ):
            assert await standing_of(page, guest, door).inner_text() == said
        await page.get_by_role("button", name="Show code of Anna").click()
        digits = page.locator(".digits")
        await digits.wait_for()
        shown = await digits.inner_text()
        await page.evaluate("window.isSamePage = true")
        await house.settle()
        await standing_of(page, "Chloé Martin", "Flat 2").filter(has_text="proven").wait_for()
        assert await page.evaluate("window.isSamePage")
        assert await digits.inner_text() == shown
        assert house.nuki.enter(house.locks["Flat 1"], shown).opened
    assert seen.faults == []
    assert seen.hosts == {urlsplit(house.address).netloc}


async def test_a_revoked_key_is_out_of_an_open_page_at_once(empty: Scene, browse: Browse) -> None:
    actor = empty.house.actor
    async with browse() as page:
        await sign_in(page, empty)
        await page.locator("#live", has_text="live").wait_for()
        async with empty.house.gate.transaction(actor.workspace_id) as tx:
            (key,) = await api_keys.listed(tx, actor, None, 10)
            await api_keys.revoke(tx, actor, key.api_key_id)
        await page.wait_for_url(f"{empty.address}/sign-in")


async def test_all_but_the_live_change_works_without_scripts(
    house: Scene, browse: Browse, seen: Seen
) -> None:
    async with browse(java_script_enabled=False) as page:
        await sign_in(page, house)
        assert await page.get_by_text("reload to see changes").is_visible()
        assert await standing_of(page, "Chloé Martin", "Flat 2").inner_text() == "unconfirmed"
        await page.get_by_role("link", name="1 scheduled").click()
        assert await page.locator("article.stay").count() == 1
        await page.get_by_role("link", name="show all").click()
        await page.get_by_role("button", name="Show code of Anna").click()
        assert house.nuki.enter(house.locks["Flat 1"], await page.locator(".digits").inner_text()).opened
        await page.get_by_role("link", name="Back to today").click()
        await page.get_by_role("button", name="No, keep them").click()
        assert await page.get_by_text("Booking.com Flat 2: held").count() == 0
        await house.house.advance(AFTERNOON + timedelta(minutes=5))
        await page.reload()
        assert await standing_of(page, "Chloé Martin", "Flat 2").inner_text() == "proven"
    assert seen.faults == []


async def test_on_a_phone_nothing_is_cut_off_and_all_can_be_read_and_touched(
    house: Scene, browse: Browse
) -> None:
    async with browse(**PHONE) as page:
        await sign_in(page, house)
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            await page.reload()
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            heights = await page.evaluate(
                "[...document.querySelectorAll('main button')].map(b => b.getBoundingClientRect().height)"
            )
            assert heights
            assert min(heights) >= 40
            assert await page.evaluate(_UNREADABLE) == [], theme


# Text against what stands behind it, as the rule of WCAG 2.2 for normal text (1.4.3) asks: at least 4.5 to 1.
_UNREADABLE = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const says = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!says || element.closest('.unseen, .skip, noscript, [hidden]')) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${element.className || element.tagName}: ${ratio.toFixed(1)}`);
  }
  return [...new Set(found)];
}"""
