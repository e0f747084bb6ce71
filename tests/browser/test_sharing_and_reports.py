"""Sharing a monitor in a real browser, with scripts and without, and a report as it is printed."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.conftest import sign_in
from tests.support.chromium import Browser
from tests.support.dashboard import Desk

COPIED = "() => navigator.clipboard.readText()"
DRAWN = "() => [...document.querySelectorAll('.badges img, .badge-now img')].every((each) => each.naturalWidth > 40)"


async def test_a_badge_is_chosen_and_copied_with_the_link_that_it_carries(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id)
    await home.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.url)
    await home.goto(f"/app/monitors/{monitor_id}")
    await home.get_by_role("link", name="Share", exact=True).click()
    await expect(home.get_by_text("Nobody outside can load this badge yet.")).to_be_visible()
    await home.get_by_role("button", name="Make a link for badges").click()
    link = await home.locator("#new-link").inner_text()
    assert await home.evaluate(DRAWN)
    await home.get_by_label("Style").select_option("plastic")
    await home.get_by_role("radio", name="Uptime badge as it is now").check()
    markdown = home.locator("#snippet-markdown")
    await expect(markdown).to_contain_text("/badge/uptime?style=plastic&token=")
    await home.get_by_role("button", name="Copy Markdown").click()
    await expect(home.get_by_role("button", name="Copied")).to_be_visible()
    copied = await home.evaluate(COPIED)
    assert copied == await markdown.inner_text()
    assert copied.endswith(f"]({link})")
    assert await home.evaluate(DRAWN)


async def test_a_link_is_made_opened_and_revoked_without_scripts(browser: Browser, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    context = await browser.new_context(base_url=desk.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await sign_in(page, desk)
    await page.goto(f"/app/monitors/{monitor_id}/share")
    await page.get_by_label("For whom").fill("The agency")
    await page.get_by_role("button", name="Make a link", exact=True).click()
    link = await page.locator("#new-link").inner_text()
    await page.get_by_label("Style").select_option("flat-square")
    await page.get_by_role("button", name="Show it like this").click()
    assert "style=flat-square" in await page.locator("#snippet-html").inner_text()
    stranger = await (await browser.new_context()).new_page()
    await stranger.goto(link)
    await expect(stranger.get_by_role("heading", name="Shop")).to_be_visible()
    await page.goto(f"/app/monitors/{monitor_id}/share")
    await page.get_by_text("Revoke…").click()
    await page.get_by_role("button", name="Revoke The agency").click()
    await expect(page.get_by_text("The link leads nowhere any more")).to_be_visible()
    async with desk.browser() as late:
        assert (await late.get(link)).status_code == 404


async def test_a_printed_report_is_its_words_and_its_table(home: Page, desk: Desk) -> None:
    await desk.all_up(await desk.monitor("Shop"))
    await home.goto("/app/reports")
    await home.get_by_role("link", name="20").first.click()
    await expect(home.get_by_role("heading", level=1)).to_contain_text("20")
    await home.emulate_media(media="print", color_scheme="dark")
    for gone in (".top", ".back", ".zone-of", ".files"):
        await expect(home.locator(gone).first).to_be_hidden()
    await expect(home.get_by_role("rowheader", name="Shop")).to_be_visible()
    ink, ground = [
        await home.evaluate(f"getComputedStyle(document.body).{each}") for each in ("color", "backgroundColor")
    ]
    assert (ink, ground) == ("rgb(27, 31, 36)", "rgb(255, 255, 255)"), "a dark page would print as a black one"
