"""The page of a delegation link on a phone, without scripts."""

from __future__ import annotations

from tests.support.chromium import Browser
from tests.support.dashboard import Desk

PHONE = {"width": 375, "height": 740}


async def test_a_guest_connects_a_channel_on_a_phone_without_scripts(browser: Browser, desk: Desk) -> None:
    async with desk.served.tenant() as http:
        url = (await http.post("/api/v1/channels/delegate", json={"name": "Agency"})).json()["url"]
    context = await browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_role("heading", name="Where shall alerts go?").wait_for()
    assert await page.get_by_role("link", name="Open Telegram").is_visible()
    await page.get_by_text("On another device").first.click()
    picture = await page.locator("svg").first.bounding_box()
    assert picture is not None
    assert picture["width"] > 120, "large enough to be scanned"
    await page.get_by_text("ntfy", exact=True).click()
    await page.get_by_label("Topic").fill("not a topic")
    await page.get_by_role("button", name="Connect").locator("visible=true").click()
    await page.get_by_role("alert").wait_for()
    assert await page.get_by_label("Topic").input_value() == "not a topic"
    box = await page.locator("main").bounding_box()
    assert box is not None
    assert box["width"] <= PHONE["width"], "nothing is wider than the phone"
    await page.get_by_label("Topic").fill("alerts")
    await page.get_by_role("button", name="Connect").locator("visible=true").click()
    await page.get_by_role("heading", name="Connected").wait_for()
    await page.goto(url)
    await page.get_by_role("heading", name="Nothing here").wait_for()
    await context.close()
