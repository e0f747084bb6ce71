"""Settings, regions, the graph and the operator's pages in a real browser: by keyboard alone, and without scripts."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.conftest import sign_in, sign_in_operator
from tests.support.chromium import Browser
from tests.support.dashboard import Desk


async def test_a_key_is_made_and_revoked_by_keyboard_alone(home: Page, desk: Desk) -> None:
    await home.goto("/app/settings/keys")
    await home.get_by_label("Label").focus()
    await home.keyboard.type("from the keyboard")
    await home.keyboard.press("Tab")
    assert await home.evaluate("document.activeElement.value") == "read"
    await home.keyboard.press("ArrowUp")
    assert await home.evaluate("document.activeElement.value") == "", "the last of the ring: one by one"
    await home.keyboard.press("Tab")
    assert await home.evaluate("document.activeElement.value") == "monitors:read"
    await home.keyboard.press("Space")
    await home.keyboard.press("Enter")
    shown = home.locator("#new-key")
    await shown.wait_for()
    assert (await shown.inner_text()).startswith("fw_live_")
    await home.locator("summary", has_text="Revoke… from the keyboard").focus()
    await home.keyboard.press("Enter")
    await home.keyboard.press("Tab")
    await home.keyboard.press("Enter")
    await home.wait_for_url("**/app/settings/keys")
    await home.get_by_text("from the keyboard").wait_for(state="detached")


async def test_a_private_region_is_made_and_joined_without_scripts(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await sign_in(page, desk)
    await page.goto("/app/regions")
    await page.get_by_text("Make a private region…").click()
    await page.get_by_label("Id", exact=True).fill("Not an id")
    await page.get_by_label("Name", exact=True).fill("Office")
    await page.get_by_role("button", name="Make the region").click()
    assert await page.get_by_label("Id", exact=True).get_attribute("aria-invalid") == "true"
    await page.get_by_label("Id", exact=True).fill("office")
    await page.get_by_role("button", name="Make the region").click()
    await page.wait_for_url("**/app/regions/office")
    await page.get_by_label("Name of a new agent").fill("office-1")
    await page.get_by_role("button", name="Register").click()
    command = await page.locator("#join-command").inner_text()
    assert command.startswith(f"farwatch-agent join {desk.url} --key fw_probe_")
    await context.close()


async def test_the_operator_stops_all_checks_and_lets_them_go_on(page: Page) -> None:
    await sign_in_operator(page)
    await page.get_by_role("link", name="Kill switch").click()
    await page.get_by_label("Why").fill("A target's operator called")
    await page.get_by_label("Stop all checks of all tenants").check()
    await page.get_by_role("button", name="Stop all checks").click()
    await page.get_by_text("All checks are stopped").wait_for()
    await page.get_by_role("button", name="Let checks go on").click()
    await page.get_by_text("Checks are dispatched").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in/operator")
