"""The forms of monitors in a real browser: first visit to first incident, rows, tests, keyboard, phone, no scripts."""

from __future__ import annotations

import re
from uuid import UUID

from playwright.async_api import Page, expect

from tests.support.chromium import Browser
from tests.support.dashboard import Desk
from tests.support.trials import answering

MADE = re.compile(r"/app/monitors/([0-9a-f-]{36})")


async def test_on_a_phone_from_the_setup_link_to_the_first_incident(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url, viewport={"width": 375, "height": 700}, has_touch=True)
    page = await context.new_page()
    await page.goto(f"/setup/{desk.served.home.setup_token}")
    await page.get_by_label("Team").fill("Acme")
    await page.get_by_label("Your name").fill("Olga")
    await page.get_by_label("Your e-mail address").fill("olga@example.com")
    await page.get_by_role("button", name="Become the owner").click()
    await page.wait_for_url("**/app")
    await page.get_by_label("Paste anything").fill("curl -sSL -H 'X-Trace: 1' http://127.0.0.1:8080/health")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("New HTTP monitor")
    await expect(page.get_by_label("Headers: name").first).to_have_value("X-Trace")
    await page.get_by_label("Name", exact=True).fill("Shop")
    assert await page.evaluate("document.documentElement.scrollWidth") == 375
    async with answering(desk, "eu", "up"):
        await page.get_by_label("Test from").select_option("eu")
        await page.get_by_role("button", name="Test it first").click()
        await expect(page.get_by_text("This region would vote up.")).to_be_visible()
    await page.get_by_role("button", name="Add monitor").click()
    await page.wait_for_url("**/first")
    found = MADE.search(page.url)
    assert found is not None
    monitor_id = UUID(found[1])
    await expect(page.locator("#live-pill")).to_have_text("Live")
    await desk.all_up(monitor_id)
    await expect(page.get_by_role("heading", name="The first check is in")).to_be_visible()
    await expect(page.get_by_role("heading", name="Nobody is told yet")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 375
    await page.get_by_role("link", name="What you can do next").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are set up")
    await page.get_by_role("link", name="See everything").click()
    await desk.down(monitor_id, "eu", "us")
    await expect(page.get_by_role("link", name="Shop is down")).to_be_visible()
    await context.close()


async def test_rows_are_added_as_they_are_needed(home: Page, desk: Desk) -> None:
    await home.goto("/app/monitors/new?kind=http")
    await home.get_by_text("The request", exact=True).click()
    names = home.get_by_label("Headers: name")
    await expect(names).to_have_count(1)
    for at, name in enumerate(("X-One", "X-Two", "X-Three")):
        await names.nth(at).fill(name)
        await home.get_by_label("Headers: value").nth(at).fill(str(at))
        await expect(names).to_have_count(at + 2)
    await home.get_by_label("URL", exact=True).fill("http://127.0.0.1:8080/")
    await home.get_by_label("Name", exact=True).fill("Shop")
    await home.get_by_role("button", name="Add monitor").click()
    await home.wait_for_url(MADE)
    async with desk.served.tenant() as api:
        (made,) = (await api.get("/api/v1/monitors")).json()["items"]
    assert made["check"]["headers"] == {"X-One": "0", "X-Two": "1", "X-Three": "2"}


async def test_a_test_with_a_wrong_field_leads_to_that_field(home: Page) -> None:
    await home.goto("/app/monitors/new?kind=tcp")
    await home.get_by_label("Host").fill("127.0.0.1")
    await home.get_by_label("Port").fill("many")
    await home.get_by_label("Name", exact=True).fill("Shop")
    await home.get_by_role("button", name="Test it first").click()
    await expect(home.get_by_label("Port")).to_be_focused()
    await expect(home.get_by_text("This must be a whole number.")).to_be_visible()
    await expect(home.get_by_label("Name", exact=True)).to_have_value("Shop")


async def test_a_form_is_filled_in_with_the_keyboard_alone(home: Page, desk: Desk) -> None:
    keys = home.keyboard
    await home.goto("/app/monitors/new?kind=ping")
    await home.get_by_label("Host").focus()
    await keys.type("127.0.0.1")
    await keys.press("Tab")
    await keys.type("By keyboard")
    for _ in range(20):
        await keys.press("Tab")
        if await home.evaluate("document.activeElement.textContent.includes('What counts as up')"):
            break
    await keys.press("Enter")
    await keys.press("Tab")
    await expect(home.get_by_label("Echo requests")).to_be_focused()
    await keys.press("ControlOrMeta+a")
    await keys.type("7")
    await keys.press("Enter")
    await home.wait_for_url(MADE)
    async with desk.served.tenant() as api:
        (made,) = (await api.get("/api/v1/monitors")).json()["items"]
    assert (made["name"], made["check"]["count"]) == ("By keyboard", 7)


async def test_without_scripts_a_monitor_is_tested_added_and_changed(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Paste anything").fill("127.0.0.1:5432")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Name", exact=True).fill("Database")
    async with answering(desk, "us", "down"):
        await page.get_by_label("Test from").select_option("us")
        await page.get_by_role("button", name="Test it first").click()
        await expect(page.get_by_text("This region would vote down")).to_be_visible()
    await page.get_by_role("button", name="Add monitor").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("“Database” is being watched")
    await page.get_by_role("link", name="look at the monitor").click()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Port").fill("0")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Port")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Port").fill("5433")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The monitor was changed.")).to_be_visible()
    await context.close()
