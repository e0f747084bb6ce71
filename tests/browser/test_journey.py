"""From the setup link to the end of the first incident, on a phone in the dark and by keyboard alone."""

from __future__ import annotations

import re
from uuid import UUID

from playwright.async_api import Locator, Page, expect

from control_plane.store.pool import Database
from tests.support.chromium import Browser
from tests.support.dashboard import Desk, a_desk
from tests.support.receiver import Receiver, a_receiver
from tests.support.serving import settings_with

SETTINGS = settings_with(delivery={"allow_cidrs": ("127.0.0.0/8",)})
MADE = re.compile(r"/app/monitors/([0-9a-f-]{36})")
FOCUSED = "(element) => element === document.activeElement"
SEEN = """
() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
}
"""
PHONE = {"width": 375, "height": 740}


async def reach(page: Page, thing: Locator) -> None:
    """Tab until it has the focus, which one can see."""
    await expect(thing).to_be_visible()
    for _ in range(120):
        if await thing.evaluate(FOCUSED):
            assert await page.evaluate(SEEN), f"the focus on {thing} cannot be seen"
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{thing} is not reached by keyboard")


async def press(page: Page, name: str, role: str = "button") -> None:
    await reach(page, page.get_by_role(role, name=name, exact=True).first)  # type: ignore[arg-type]
    await page.keyboard.press("Enter")


async def enter(page: Page, label: str, text: str) -> None:
    """Type into a field, in the place of what is there."""
    await reach(page, page.get_by_label(label, exact=True))
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(text)


async def test_from_the_setup_link_to_the_end_of_the_first_incident(database: Database, browser: Browser) -> None:
    async with a_desk(database, SETTINGS) as desk, a_receiver() as receiver:
        context = await browser.new_context(base_url=desk.url, viewport=PHONE, color_scheme="dark")
        page = await context.new_page()
        await _become_owner(page, desk)
        monitor_id = await _watch(page, desk)
        await _connect(page, receiver)
        await _lead_there(page)
        await _incident(page, desk, monitor_id)
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        await browser.close()


async def _become_owner(page: Page, desk: Desk) -> None:
    await page.goto(f"/setup/{desk.served.home.setup_token}")
    await enter(page, "Team", "Acme")
    await enter(page, "Your name", "Olga")
    await enter(page, "Your e-mail address", "olga@example.com")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/app")


async def _watch(page: Page, desk: Desk) -> UUID:
    """Paste an address, take the form as it is, and see the first check arrive, phase by phase."""
    await enter(page, "Paste anything", "http://127.0.0.1:8080/health")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/app/monitors/new")
    await enter(page, "Name", "Shop")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/first")
    found = MADE.search(page.url)
    assert found is not None
    monitor_id = UUID(found[1])
    await expect(page.locator("#live-pill")).to_have_text("Live")
    await desk.all_up(monitor_id)
    await expect(page.get_by_role("heading", name="The first check is in")).to_be_visible()
    await expect(page.get_by_role("row", name="First byte").first).to_be_visible()
    return monitor_id


async def _connect(page: Page, receiver: Receiver) -> None:
    """A channel, and a test that arrives."""
    await press(page, "Connect a channel", "link")
    await page.wait_for_url("**/app/channels/new")
    await press(page, "Webhook", "link")
    await page.wait_for_url("**/webhook")
    await enter(page, "URL", receiver.url())
    await page.keyboard.press("Enter")
    await press(page, "I have kept it", "link")
    await press(page, "Send a test")
    await expect(page.get_by_text("The test arrived after")).to_be_visible()
    assert len(await receiver.wait_for(1)) == 1


async def _lead_there(page: Page) -> None:
    """A route for whatever happens."""
    await press(page, "Alerting", "link")
    await press(page, "Routes", "link")
    await press(page, "Add a route", "link")
    await page.wait_for_url("**/app/routes/new")
    await enter(page, "Name", "Everything")
    await reach(page, page.get_by_role("checkbox", name="Webhook"))
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Routes", level=1)).to_be_visible()
    await expect(page.get_by_role("link", name="Everything")).to_be_visible()


async def _incident(page: Page, desk: Desk, monitor_id: UUID) -> None:
    """It is seen as it opens, acknowledged, and over."""
    await press(page, "Monitors", "link")
    await page.wait_for_url("**/app")
    await expect(page.locator("#live-pill")).to_have_text("Live")
    await desk.down(monitor_id, "eu", "us")
    await press(page, "Shop is down", "link")
    await expect(page.get_by_role("heading", name="The proof")).to_be_visible()
    await press(page, "Acknowledge")
    await expect(page.get_by_text("Acknowledged by Olga", exact=True)).to_be_visible()
    await expect(page.locator("#live-pill")).to_have_text("Live")
    await desk.recover(monitor_id, "eu", "us")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Shop was down")
