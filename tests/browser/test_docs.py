"""/docs as people use it: found, read, tried; on a telephone, by keyboard, and without scripts."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.support.chromium import Browser
from tests.support.dashboard import Desk


async def test_an_operation_is_found_and_a_monitor_is_made_with_it(page: Page, desk: Desk) -> None:
    await page.goto("/docs")
    await page.get_by_label("Search operations").fill("post create monitor")
    await expect(page.locator("#docs-found")).to_have_text(re.compile(r"^\d of \d+ operations$"))
    await page.locator('[href="/docs/monitors#create_monitor"]').click()
    await page.wait_for_url("**/docs/monitors#create_monitor")
    section = page.locator("#create_monitor")
    await page.get_by_label("Credential for trying requests").fill(desk.key)
    await section.locator("summary", has_text="Try it").click()
    await section.get_by_label("Body", exact=True).fill(
        '{"name": "From the docs", "check": "https://example.com/it\'s"}'
    )
    await expect(section.locator("[data-curl]")).to_contain_text("it'\\''s")
    await section.get_by_role("button", name="Send POST").click()
    await expect(section.locator("[data-answer]")).to_contain_text("201")
    await expect(section.locator("[data-answer]")).to_contain_text('"name": "From the docs"')
    await expect(section.locator("[data-answer]")).to_contain_text("location: /api/v1/monitors/")
    assert desk.key not in await section.locator("[data-curl]").inner_text()


async def test_the_key_lives_in_the_tab_alone(page: Page, desk: Desk) -> None:
    await page.goto("/docs/me")
    await page.get_by_label("Credential for trying requests").fill(desk.key)
    await page.goto("/docs/keys")
    await expect(page.get_by_label("Credential for trying requests")).to_have_value(desk.key)
    other = await page.context.new_page()
    await other.goto("/docs/keys")
    await expect(other.get_by_label("Credential for trying requests")).to_have_value("")
    assert await other.evaluate("() => Object.values(localStorage).length") == 0


async def test_a_path_parameter_and_a_refusal_are_shown(page: Page, desk: Desk) -> None:
    await page.goto("/docs/monitors")
    await page.get_by_label("Credential for trying requests").fill(desk.key)
    section = page.locator("#get_monitor")
    await section.locator("summary", has_text="Try it").click()
    await section.get_by_label("monitor_id (needed)").fill("nothing")
    await page.keyboard.press("Enter")
    await expect(section.locator("[data-answer]")).to_contain_text("400 Bad Request")
    await expect(section.locator("[data-answer]")).to_contain_text("INVALID_ID")
    await expect(section.locator("[data-curl]")).to_contain_text("/api/v1/monitors/nothing")
    await section.get_by_role("link", name="INVALID_ID").first.click()
    await page.wait_for_url("**/docs/errors#invalid-id")
    await expect(page.locator("#invalid-id")).to_contain_text("Copy the id from a list")


async def test_it_is_a_readable_reference_without_scripts(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/docs/monitors")
    await expect(page.locator("#create_monitor")).to_contain_text("monitors:write")
    await expect(page.locator("#create_monitor [data-curl]")).to_contain_text("curl")
    await expect(page.get_by_text("Try it").first).to_be_hidden()
    await expect(page.get_by_label("Credential for trying requests")).to_be_hidden()
    await context.close()
