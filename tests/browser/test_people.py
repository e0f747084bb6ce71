"""The first person in a real browser: from the setup link to an invitation."""

from __future__ import annotations

from tests.support.chromium import Browser
from tests.support.dashboard import Desk


async def test_the_first_person_becomes_owner_and_invites_another(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url)
    page = await context.new_page()
    await page.goto(f"/setup/{desk.served.home.setup_token}")
    await page.get_by_label("Team").fill("Acme")
    await page.get_by_label("Your name").fill("Olga")
    await page.get_by_label("Your e-mail address").fill("olga@example.com")
    await page.get_by_role("button", name="Become the owner").click()
    await page.wait_for_url("**/app")
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Members").click()
    await page.get_by_label("E-mail address").fill("ana@example.com")
    await page.get_by_role("button", name="Make a link").click()
    link = await page.locator("code").inner_text()
    await context.clear_cookies()
    await page.goto(link)
    await page.get_by_label("Your name").fill("Ana")
    await page.get_by_role("button", name="Accept").click()
    await page.wait_for_url("**/app")
    await context.close()
