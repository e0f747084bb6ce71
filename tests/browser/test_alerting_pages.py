"""Incidents, maintenance and alerting in a real browser: by keyboard, and alive with scripts."""

from __future__ import annotations

from playwright.async_api import Page, expect

from control_plane.store import channel_links
from tests.support.dashboard import Desk

SLACK = {"type": "slack", "bot_token": "xoxb-1234567890-abcdefghij", "channel": "C0123456789"}


async def test_a_silence_is_made_and_ended_by_keyboard_alone(home: Page) -> None:
    await home.goto("/app/silences")
    await home.get_by_role("link", name="New silence").focus()
    await home.keyboard.press("Enter")
    await home.wait_for_url("**/app/silences/new")
    await home.get_by_label("Name").focus()
    await home.keyboard.type("Upgrade")
    await home.keyboard.press("Tab")
    await home.keyboard.press("ArrowDown")
    assert await home.get_by_label("2 hours").is_checked()
    await home.keyboard.press("Enter")
    await home.wait_for_url("**/app/silences?said=created")
    end = home.get_by_role("button", name="End now")
    await end.focus()
    await home.keyboard.press("Enter")
    await home.wait_for_url("**/app/silences?said=ended")
    await expect(home.get_by_text("The silence is over.")).to_be_visible()


async def test_a_channel_is_added_mended_and_its_texts_show_while_they_are_typed(home: Page) -> None:
    await home.goto("/app/channels")
    await home.get_by_role("link", name="Add a channel").click()
    await home.get_by_role("link", name="Slack").click()
    await home.get_by_label("Bot token").fill(SLACK["bot_token"])
    await home.get_by_role("button", name="Add channel").click()
    await expect(home.locator("#c-channel")).to_have_attribute("aria-invalid", "true")
    await home.get_by_label("Channel (optional)").fill("C0123456789")
    await home.get_by_role("button", name="Add channel").click()
    await home.wait_for_url("**/app/channels/*?said=created")
    await home.get_by_role("link", name="Texts of messages").click()
    await home.get_by_label("Title", exact=True).press_sequentially("Wake up: {monitor.name}")
    await expect(home.locator("#preview")).to_contain_text("Wake up: Checkout")


async def test_the_next_times_show_while_a_window_is_typed(home: Page) -> None:
    await home.goto("/app/maintenance/new")
    await home.get_by_label("What is planned").fill("Sundays")
    await home.get_by_label("Every monitor").check()
    await home.get_by_label("By a cron expression").check()
    await home.get_by_text("Again and again").click()
    await home.get_by_label("Cron expression", exact=True).fill("0 2 * * SUN")
    await home.get_by_label("Minutes each time").fill("90")
    await expect(home.locator("#preview li")).to_have_count(5)
    await expect(home.locator("#preview li").first).to_contain_text("02:00 to 03:30 UTC")


async def test_a_page_that_waits_for_a_chat_turns_by_itself(home: Page, desk: Desk) -> None:
    await home.goto("/app/channels/new")
    await home.get_by_role("button", name="Connect Telegram").click()
    wait = await home.locator("#wait").get_attribute("data-wait")
    assert wait is not None
    tenant_id = desk.served.home.tenant_id
    async with desk.served.tenant() as api:
        channel_id = (await api.post("/api/v1/channels", json={"name": "Ops", "config": SLACK})).json()["id"]
    async with desk.database.tenant_transaction(tenant_id) as conn:
        link_id = wait.rpartition("/")[2]
        await channel_links.consume(conn, tenant_id=tenant_id, link_id=link_id, channel_id=channel_id)  # type: ignore[arg-type]
    await home.wait_for_url(f"**/app/channels/{channel_id}?said=created")
