"""A heartbeat's page in a real browser, on a small screen."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.support.dashboard import Desk

HOURLY = {"type": "heartbeat", "period": 3600, "grace": 300}
WIDTH = 390


async def test_long_commands_scroll_by_themselves_on_a_small_screen(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Backup", check=HOURLY, regions=[])
    await home.set_viewport_size({"width": WIDTH, "height": 900})
    await home.goto(f"/app/monitors/{monitor_id}")
    await expect(home.get_by_text("curl -fsS").first).to_be_visible()
    assert await home.evaluate("document.documentElement.scrollWidth") <= WIDTH
