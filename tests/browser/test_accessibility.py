"""What a screen reader and a reader with weak eyes meet: names, headings, contrast. Checked by hand-written rules."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import pytest
from playwright.async_api import Page

from control_plane.domain.kinds import SPECS
from tests.support.chromium import Browser
from tests.support.dashboard import Desk

NAMELESS = """
() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')]
  .filter(e => !e.hidden && !(e.labels?.length || e.ariaLabel || e.textContent.trim()))
  .map(e => e.outerHTML.slice(0, 120))
"""
HEADINGS = "() => [...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
DUPLICATES = """
() => {
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  return ids.filter((id, i) => ids.indexOf(id) < i);
}
"""
FAINT = """
() => {
  const channel = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 };
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('.unseen, .skip')) continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push([walker.currentNode.data.trim(), Math.round(ratio * 100) / 100]);
  }
  return found;
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_named_ordered_and_legible(
    theme: Literal["light", "dark"], browser: Browser, desk: Desk
) -> None:
    context = await browser.new_context(base_url=desk.url, color_scheme=theme)
    page = await context.new_page()
    await page.goto("/")
    await holds(page, "front")
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/app")
    await holds(page, "empty")
    for path in await scene(desk):
        await page.goto(path)
        await holds(page, path)
    await context.close()


async def scene(desk: Desk) -> list[str]:
    """Monitors in every state, and the pages that show them."""
    down, degraded, slow, up = [await desk.monitor(name) for name in ("Down", "Degraded", "Slow", "Up")]
    for monitor_id in (down, degraded, slow, up):
        await desk.all_up(monitor_id)
    await desk.down(down, "eu", "us")
    await desk.down(degraded, "eu")
    for seconds_ago in (4, 2):
        for region in desk.regions:
            await desk.report(slow, region, "degraded", seconds_ago=seconds_ago)
    await desk.monitor("Unknown")
    paused = await desk.monitor("Paused")
    async with desk.served.tenant() as api:
        await api.post(f"/api/v1/monitors/{paused}/pause")
        incident = (await api.get("/api/v1/incidents")).json()["items"][0]["id"]
        await api.post("/api/v1/invitations", json={"email": "ana@example.com"})
    monitors = [f"/app/monitors/{each}" for each in (down, slow, up, paused)]
    return [
        "/app",
        *monitors,
        f"/app/incidents/{incident}",
        "/app/monitors/new",
        *(f"/app/monitors/new?kind={kind}" for kind in SPECS),
        *(f"{monitors[0]}/{page}" for page in ("edit", "clone", "pause", "first")),
        "/app/started",
        f"{monitors[0]}/delete",
        "/app/members",
        "/app/sessions",
        "/app/nothing",
    ]


async def holds(page: Page, where: str) -> None:
    await page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert await page.evaluate(NAMELESS) == [], where
    assert await page.evaluate(DUPLICATES) == [], where
    assert await page.evaluate(FAINT) == [], where
    levels: list[int] = await page.evaluate(HEADINGS)
    assert levels.count(1) == 1, where
    assert levels[0] == 1, where
    assert all(after <= before + 1 for before, after in pairwise(levels)), where
    facts: dict[str, Any] = await page.evaluate("() => ({lang: document.documentElement.lang, title: document.title})")
    assert facts["lang"] == "en"
    assert facts["title"].endswith("Farwatch")
