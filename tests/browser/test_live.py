"""The pill of a page that is kept up to date: it says when the server is away, and the page catches up by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from aiohttp import web
from playwright.async_api import Page, expect

from control_plane.app import DEPS, build_app
from control_plane.dashboard.words import lasting, relative
from control_plane.store.pool import Database
from control_plane.web.server import EnvelopeRunner
from tests.browser.conftest import sign_in
from tests.support.chromium import Browser
from tests.support.dashboard import Desk, a_desk
from tests.support.serving import SETTINGS

RECONNECTS_MS = 40_000
MOST_SHIFT = 0.1
"""Below it a page is called stable (web.dev/cls)."""

WATCH_SHIFTS = """
() => {
  window.shifts = 0;
  const add = (list) => list.getEntries().forEach((each) => { window.shifts += each.value; });
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: false });
}
"""


@asynccontextmanager
async def again(desk: Desk) -> AsyncIterator[Desk]:
    """The same installation, started anew at the same address."""
    app = await build_app(SETTINGS, database=desk.database, with_jobs=False)
    runner = EnvelopeRunner(app, shutdown_timeout_s=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, desk.served.host, desk.served.port, reuse_address=True).start()
        yield replace(desk, served=replace(desk.served, deps=app[DEPS]))
    finally:
        await runner.cleanup()


async def pill_says(page: Page, word: str) -> None:
    await expect(page.locator("#live-pill")).to_have_text(word, timeout=RECONNECTS_MS)


SAYS = """
async (lengths) => {
  const script = document.querySelector('script[src$="live.js"]').src;
  const { tick } = await import(script.replace('live.js', 'clock.js'));
  const now = Date.parse(document.documentElement.dataset.now);
  const made = lengths.flatMap((seconds) => [true, false].map((passed) => {
    const one = document.createElement('time');
    one.dateTime = new Date(now - seconds * 1000).toISOString();
    if (passed) one.dataset.passed = '';
    return document.body.appendChild(one);
  }));
  tick();
  return made.map((one) => { one.remove(); return one.textContent; });
}
"""
LENGTHS = (3630, 7110, 90_030, 275_430)
"""Half a minute beyond what is told: a page that was loaded seconds ago says the same."""


async def _lengths_are_told_as_by_the_server(page: Page) -> None:
    expected = [said for each in LENGTHS for said in (lasting(each), relative(each))]
    assert await page.evaluate(SAYS, list(LENGTHS)) == expected
    assert expected[2:4] == ["1 h 58 min", "1 h ago"]


async def test_a_page_outlives_a_restart_of_the_server(database: Database, browser: Browser) -> None:
    browser.expect_complaint(r"net::ERR_")
    async with AsyncExitStack() as first:
        desk = await first.enter_async_context(a_desk(database))
        monitor_id = await desk.monitor("Shop")
        page = await (await browser.new_context(base_url=desk.url)).new_page()
        await page.goto("/")
        await sign_in(page, desk)
        await pill_says(page, "Live")
        await _lengths_are_told_as_by_the_server(page)
        await page.evaluate("window.sameDocument = true")
        await page.evaluate(WATCH_SHIFTS)
    await pill_says(page, "Reconnecting")
    async with again(desk) as restarted:
        await restarted.all_up(monitor_id)
        await pill_says(page, "Live")
        row = page.locator(f'[data-key="{monitor_id}"]')
        await expect(row).to_contain_text("Up from 3 of 3 regions", timeout=RECONNECTS_MS)
        assert await page.evaluate("window.shifts") <= MOST_SHIFT
        await page.get_by_role("button", name="Live").click()
        await pill_says(page, "Paused")
        await restarted.down(monitor_id, "eu", "us")
        await page.get_by_role("button", name="Paused").click()
        await expect(page.get_by_role("link", name="Shop is down")).to_be_visible()
        assert await page.evaluate("window.sameDocument"), "the page was never loaded again"
        await browser.close()
