"""From the first visit to the first incident, in a real browser."""

from __future__ import annotations

import re
from uuid import UUID

from playwright.async_api import Locator, Page, expect

from tests.support.chromium import Browser
from tests.support.dashboard import Desk

MADE = re.compile(r"/app/monitors/([0-9a-f-]{36})")


async def add(page: Page, name: str) -> UUID:
    """Paste into the field that is on the page, and fill in the form that it leads to; the id of what it made."""
    await page.get_by_label("Paste anything").fill("http://127.0.0.1:8080/health")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("button", name="Add monitor").click()
    await page.wait_for_url(MADE)
    found = MADE.search(page.url)
    assert found is not None
    return UUID(found[1])


async def live(page: Page) -> None:
    await expect(page.locator("#live-pill")).to_have_text("Live")


def row(page: Page, monitor_id: UUID) -> Locator:
    return page.locator(f'[data-key="{monitor_id}"]')


async def test_from_the_first_visit_to_the_first_incident_without_reloading(home: Page, desk: Desk) -> None:
    monitor_id = await add(home, "Shop")
    await expect(home.get_by_role("heading", level=1)).to_have_text("“Shop” is being watched")
    await expect(home.get_by_text("eu has not reported yet")).to_be_visible()
    await desk.report(monitor_id, "eu", "up", seconds_ago=30)
    await expect(home.get_by_role("heading", name="The first check is in")).to_be_visible()
    await expect(home.get_by_role("row", name="First byte")).to_be_visible()
    await home.goto("/app")
    await live(home)
    await home.evaluate("window.sameDocument = true")
    shop = row(home, monitor_id)

    await desk.all_up(monitor_id)
    await expect(shop).to_contain_text("Up from 3 of 3 regions")
    await expect(home.get_by_role("heading", level=1)).to_have_text("Your monitor is up")
    await expect(home).to_have_title("Your monitor is up · Farwatch")

    await desk.down(monitor_id, "us")
    await expect(shop).to_contain_text("Only us of 3 regions cannot reach it, 2 would be an outage: connection refused")
    await expect(shop.get_by_text("us: down")).to_be_attached()

    await desk.down(monitor_id, "eu")
    incident = home.get_by_role("link", name="Shop is down")
    await expect(incident).to_be_visible()
    assert await home.evaluate("window.sameDocument"), "the page was never loaded again"

    await incident.click()
    await expect(home.get_by_role("heading", name="The proof")).to_be_visible()
    await home.get_by_role("button", name="Acknowledge", exact=True).click()
    await expect(home.get_by_text("Acknowledged by First key", exact=True)).to_be_visible()
    await live(home)
    await desk.recover(monitor_id, "us", "eu")
    await expect(home.get_by_role("heading", level=1)).to_have_text("Shop was down")
    await expect(home).to_have_title("Shop was down · Farwatch")


async def test_an_open_page_keeps_focus_and_what_was_unfolded_and_typed(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id)
    await home.goto("/app")
    await live(home)
    await home.get_by_label("Search by name").fill("sho")
    link = row(home, monitor_id).get_by_role("link")
    await link.focus()
    await desk.down(monitor_id, "us")
    await expect(row(home, monitor_id)).to_contain_text("Only us")
    await expect(link).to_be_focused()
    await expect(home.get_by_label("Search by name")).to_have_value("sho")


async def test_live_updates_can_be_paused(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    await home.goto("/app")
    await live(home)
    await home.get_by_role("button", name="Live").click()
    await expect(home.locator("#live-pill")).to_have_text("Paused")
    await desk.all_up(monitor_id)
    await expect(row(home, monitor_id)).to_contain_text("Unknown")
    await home.get_by_role("button", name="Paused").click()
    await expect(row(home, monitor_id)).to_contain_text("Up from 3 of 3 regions")


async def test_a_hostile_name_stays_a_name_in_a_live_page(home: Page, desk: Desk) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    monitor_id = await desk.monitor(hostile)
    await home.goto("/app")
    await live(home)
    await desk.all_up(monitor_id)
    await expect(row(home, monitor_id)).to_contain_text("Up from 3 of 3")
    await expect(row(home, monitor_id).get_by_role("link")).to_have_text(hostile)
    assert await home.locator("main img, main script").count() == 0


async def test_a_form_shows_what_is_wrong_beside_the_field(home: Page, desk: Desk) -> None:
    await home.get_by_label("Paste anything").fill("https://example.com/")
    await home.get_by_role("button", name="Continue").click()
    url = home.get_by_label("URL", exact=True)
    await url.fill("example.com")
    await home.get_by_label("Name", exact=True).fill("Shop")
    await home.get_by_role("button", name="Add monitor").click()
    await expect(url).to_have_value("example.com")
    await expect(url).to_have_attribute("aria-invalid", "true")
    await expect(url).to_be_focused()
    described = await url.get_attribute("aria-describedby")
    await expect(home.locator(f"#{described}")).to_be_visible()
    await expect(home.get_by_label("Name", exact=True)).to_have_value("Shop")


async def test_everything_can_be_done_with_the_keyboard(page: Page, desk: Desk) -> None:
    keys = page.keyboard
    await expect(page.get_by_label("API key")).to_be_focused()
    await keys.type(desk.key)
    await keys.press("Enter")
    await page.wait_for_url("**/app")
    await keys.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await keys.press("Enter")
    await keys.press("Tab")
    await expect(page.get_by_label("Paste anything")).to_be_focused()
    await keys.type("http://127.0.0.1:8080/")
    await keys.press("Enter")
    await page.wait_for_url("**/app/monitors/new")
    await page.get_by_label("Name", exact=True).focus()
    await keys.press("ControlOrMeta+a")
    await keys.type("By keyboard")
    await keys.press("Enter")
    await page.wait_for_url(MADE)
    await expect(page.get_by_role("heading", level=1)).to_have_text("“By keyboard” is being watched")


async def test_focus_is_visible(page: Page) -> None:
    await page.keyboard.press("Tab")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


async def test_the_theme_is_the_systems_until_somebody_chooses(browser: Browser, desk: Desk) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    context = await browser.new_context(base_url=desk.url, color_scheme="dark")
    page = await context.new_page()
    await page.goto("/")
    dark = await page.evaluate(ground)
    await page.get_by_role("button", name="Dark theme").click()
    light = await page.evaluate(ground)
    assert (dark, light) == ("rgb(18, 20, 23)", "rgb(250, 250, 249)")
    await page.reload()
    assert await page.evaluate(ground) == light
    await expect(page.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", "false")
    await context.close()


async def test_without_scripts_the_pages_do_their_work(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    monitor_id = await add(page, "Plain")
    await desk.all_up(monitor_id)
    await page.goto(f"/app/monitors/{monitor_id}")
    await expect(page.get_by_text("Up from 3 of 3 regions.")).to_be_visible()
    await expect(page.locator("#live-pill")).to_be_hidden()
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("The monitor is paused.")).to_be_visible()
    await page.get_by_role("link", name="Delete…").click()
    await page.get_by_role("button", name="Delete the monitor").click()
    await expect(page.get_by_text("The monitor was deleted.")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    await context.close()


async def test_signing_out_elsewhere_leads_a_live_page_to_the_front_door(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    await home.goto("/app")
    await live(home)
    await home.context.clear_cookies()
    await desk.all_up(monitor_id)
    await expect(home.get_by_label("API key")).to_be_visible()
