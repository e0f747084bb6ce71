"""Charts read by keyboard and pointer, and pages that stand still while they are kept up to date."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.support.dashboard import Desk

MOST_SHIFT = 0.02
TARGET_PX = 44

WATCH_SHIFTS = """
() => {
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts += entry.value;
  }).observe({ type: 'layout-shift', buffered: false });
}
"""
SMALL = f"""
() => [...document.querySelectorAll('button, .button, .main-button, .choices a, .ranges a, .sections a, summary')]
  .concat([...document.querySelectorAll('select, input:not([type=hidden], [type=checkbox])')])
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < {TARGET_PX} - 0.5)
  .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
"""


async def test_the_latency_chart_is_read_with_the_arrow_keys(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id, seconds_ago=90)
    await home.goto(f"/app/monitors/{monitor_id}?range=1h")
    chart = home.get_by_role("application", name="Latency over time")
    reading = chart.locator(".reading")
    await expect(reading).to_have_attribute("aria-live", "polite")
    await chart.focus()
    await home.keyboard.press("End")
    await expect(reading).to_contain_text("samples 0, p50 –")
    for _ in range(4):
        await home.keyboard.press("ArrowLeft")
        if "p50 81 ms" in await reading.inner_text():
            break
    await expect(reading).to_contain_text("samples 3, p50 81 ms, p95 81 ms, p99 81 ms")
    await expect(chart.locator(".cursor")).to_have_attribute("visibility", "visible")
    await home.keyboard.press("Home")
    before = await reading.inner_text()
    await home.keyboard.press("ArrowLeft")
    assert await reading.inner_text() == before, "the cursor stays within the chart"
    await home.keyboard.press("Escape")
    await expect(reading).to_have_text("")


async def test_a_day_is_read_where_the_pointer_is(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id)
    await home.goto(f"/app/monitors/{monitor_id}")
    days = home.locator('[data-chart="day-values"]')
    await days.scroll_into_view_if_needed()
    box = await days.locator("svg").bounding_box()
    assert box is not None
    await home.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    await expect(days.locator(".reading")).to_contain_text(
        re.compile(r"^\d+ \w+ \d{4}: (up|no data), uptime .+, down for ")
    )


async def test_live_updates_shift_nothing(home: Page, desk: Desk) -> None:
    ids = [await desk.monitor(f"Service {n:02}", group=f"Group {n % 3}") for n in range(12)]
    for monitor_id in ids:
        await desk.all_up(monitor_id, seconds_ago=30)
    await home.goto("/app")
    await expect(home.locator("#live-pill")).to_have_text("Live")
    await home.evaluate(WATCH_SHIFTS)
    for monitor_id in ids[:6]:
        await desk.report(monitor_id, "eu", "degraded", seconds_ago=4)
        await desk.report(monitor_id, "eu", "degraded", seconds_ago=2)
    await expect(home.locator(f'[data-key="{ids[5]}"]').get_by_text("eu: degraded")).to_be_attached()
    assert await home.evaluate("window.shifts") <= MOST_SHIFT


async def test_a_chart_stays_while_the_page_lives_on(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id, seconds_ago=90)
    await home.goto(f"/app/monitors/{monitor_id}")
    await expect(home.locator("#live-pill")).to_have_text("Live")
    chart = home.get_by_role("application", name="Latency over time")
    await chart.focus()
    await home.evaluate(WATCH_SHIFTS)
    await desk.down(monitor_id, "us")
    await expect(home.get_by_text("Only us of 3 regions cannot reach it", exact=False).first).to_be_visible()
    await expect(chart).to_be_focused()


async def test_a_folded_group_stays_folded(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop", group="Web")
    await desk.all_up(monitor_id)
    await home.goto("/app")
    await expect(home.locator("#live-pill")).to_have_text("Live")
    await home.locator("summary", has_text="Web").click()
    await expect(home.get_by_role("link", name="Shop")).to_be_hidden()
    await desk.down(monitor_id, "us")
    await expect(home.locator("details.group .counts")).to_contain_text("1 degraded")
    await expect(home.get_by_role("link", name="Shop")).to_be_hidden()


async def test_whatever_one_presses_is_large_enough_for_a_finger(home: Page, desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop", group="Web")
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, "eu", "us")
    await home.set_viewport_size({"width": 375, "height": 800})
    for path in ("/app", "/app?sort=name", f"/app/monitors/{monitor_id}"):
        await home.goto(path)
        assert await home.evaluate(SMALL) == [], path


async def test_ticking_and_acting_needs_no_script_and_no_pointer(home: Page, desk: Desk) -> None:
    await desk.monitor("Shop")
    await home.goto("/app")
    box = home.get_by_role("checkbox", name="Shop")
    await expect(box).to_be_hidden()
    await home.locator("summary", has_text="Act on several").press("Enter")
    await box.press("Space")
    await home.get_by_role("button", name="Apply to the ticked").press("Enter")
    await expect(home.get_by_text("1 monitor paused.")).to_be_visible()
