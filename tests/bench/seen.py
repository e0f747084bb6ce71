"""The overview in a real Chromium: when it can be used, what it took to get there, and how steady it stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import ClassVar

from playwright.async_api import Page, async_playwright

from tests.bench.background import Background, Sender
from tests.bench.batches import now_ms
from tests.bench.http_client import http_client
from tests.bench.population import Population
from tests.bench.world import World
from tests.support.chromium import ARGUMENTS, CHROMIUM

SHOWN = 100
_LIVE_MS = 20_000
_EVERY_S = 0.5

# Runs before anything of the page: when the stream is open, how often the page is laid anew, and every shift that no
# input of a person led to.
_WATCH = """
window.seen = {live: 0, updates: 0, shift: 0};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.seen.shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name.includes("fragment=1")) window.seen.updates += 1;
}).observe({type: "resource", buffered: true});
new MutationObserver(() => {
  const pill = document.getElementById("live-pill");
  if (pill?.dataset.state === "live" && !window.seen.live) window.seen.live = performance.now();
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"]});
"""
_TELL = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const loaded = [page, ...performance.getEntriesByType("resource")].filter((one) => one.startTime < window.seen.live);
  const bytes = loaded.reduce((sum, one) => sum + (one.transferSize || 0), 0);
  return {...window.seen, dom: page.domInteractive, bytes: bytes / 1000};
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """ms since the navigation began; kB; the sum of all layout shifts; how often the page was laid anew."""

    LABELS: ClassVar = (
        ("dom", "overview in Chromium, domInteractive", "ms", None),
        ("live", "overview in Chromium, interactive", "ms", 1000.0),
        ("bytes", "overview in Chromium, transferred until then", "kB", 300.0),
        ("shift", "layout shift while it is live", "", 0.1),
        ("updates", "… and how often it was laid anew", "times", None),
    )

    dom: float
    live: float
    bytes: float
    shift: float
    updates: float

    def told(self) -> dict[str, float]:
        return asdict(self)


async def sees(running: World, population: Population, cookie: str, *, seconds: int) -> Seen | None:
    """Open the overview in a fresh profile and watch it while results come in; None where there is no Chromium."""
    if CHROMIUM is None:
        return None
    async with _page(running, cookie) as page:
        await page.goto("/app")
        await page.locator("#live-pill[data-state=live]").wait_for(state="attached", timeout=_LIVE_MS)
        until = time.monotonic() + seconds
        shown = await _shown(page, population)
        while time.monotonic() < until:
            await _results(running, shown)
            await asyncio.sleep(_EVERY_S)
        return Seen(**await page.evaluate(_TELL))


@asynccontextmanager
async def _page(running: World, cookie: str) -> AsyncIterator[Page]:
    name, _, value = cookie.partition("=")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = await chromium.new_context(base_url=running.url, viewport={"width": 1200, "height": 800})
        await context.add_cookies([{"name": name, "value": value, "url": running.url}])
        await context.add_init_script(_WATCH)
        yield await context.new_page()
        await chromium.close()


async def _shown(page: Page, population: Population) -> Population:
    """The monitors that the page shows."""
    keys = await page.eval_on_selector_all("li.monitor", "rows => rows.map((row) => row.dataset.key)")
    places = [n for n, each in enumerate(population.ids) if str(each) in set(keys)]
    assert places, "the page shows no monitor"
    phases: dict[int, Sequence[int]] = {region: [of[n] for n in places] for region, of in population.phases.items()}
    return Population([population.ids[n] for n in places], phases, population.interval_s)


async def _results(running: World, shown: Population) -> None:
    told = Background()
    for region in running.regions:
        async with http_client(running.port) as client:
            await Sender(client, region, shown, told).slot(now_ms() - 50, gap_s=0, step_ms=50)
    assert told.wrong == 0
