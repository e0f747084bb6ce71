"""axe-core on a page as it stands. Scripts of the debugger are not bound by a page's Content-Security-Policy."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.async_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
BY_LOOK = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")
"""The rules whose answer depends on theme and width: the others read the same tree under either."""

_RUN = """
async ([tags, rules]) => {
  const only = rules.length ? { type: 'rule', values: rules } : { type: 'tag', values: tags };
  const found = await axe.run(document, { runOnly: only, resultTypes: ['violations'], preload: false });
  return found.violations.map((each) => ({
    rule: each.id,
    impact: each.impact,
    nodes: each.nodes.map((node) => [node.html.slice(0, 160), (node.any[0] ?? node.all[0] ?? node.none[0])?.message]),
  }));
}
"""


@cache
def _source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


async def violations(page: Page, *, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe has against the page, one line each: every rule of WCAG 2.2 A and AA and best practice, or `rules`."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_source())
    found: list[dict[str, Any]] = await page.evaluate(_RUN, [list(TAGS), list(rules)])
    return [f"{each['impact']} {each['rule']}: {each['nodes'][:3]}" for each in found]
