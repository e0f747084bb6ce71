"""Texts that would be scripts, in every column that holds somebody's words: no page of any door runs or loads them."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, Page, Request

from control_plane.services.pages import keep_public_pages
from control_plane.store.pool import Database
from tests.support.chromium import Browser
from tests.support.every_page import EveryPage, every_page, settings_of, shown_routes
from tests.support.hostile_texts import CANARY, FOR_BROWSERS, plant
from tests.support.serving import OPERATOR_SECRET

WATCH = f"window.{CANARY} = () => {{ document.documentElement.dataset.ran = 'yes'; }}"
STRANGE = f"""
() => {{
  const all = [...document.querySelectorAll('*')];
  const bad = all.filter(e => e.matches('iframe:not([sandbox=allow-same-origin][src^="/app/"])')
    || e.matches('object, embed, base, style, script:not([src])')
    || [...e.attributes].some(a => /^on/.test(a.name) || a.name.includes('{CANARY}')
      || (/^(href|src|action|formaction|xlink:href)$/.test(a.name)
          && /^\\s*(javascript|vbscript|data:text|https?:..evil)/i.test(a.value))));
  const ran = document.documentElement.dataset.ran ? ['a script ran'] : [];
  return ran.concat(bad.map(e => e.outerHTML.slice(0, 200)));
}}
"""


class Requests:
    """Whatever a page asks for elsewhere."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.strange: list[str] = []

    def listen(self, context: BrowserContext) -> None:
        context.on("request", self._hear)
        context.on("dialog", lambda dialog: self.strange.append(f"a dialog: {dialog.message}"))

    def _hear(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:image/", "blob:")):
            self.strange.append(request.url)


async def shown(pages: EveryPage) -> list[str]:
    """The pages and pictures that a browser shows; the reference of the API is nobody's words, and slow to draw."""
    found: list[str] = []
    async with pages.visitor() as http:
        for route in shown_routes():
            path = pages.address(route)
            kind = str((await http.head(path)).headers.get("Content-Type", ""))
            if kind.startswith(("text/html", "image/svg+xml")) and not route.path.startswith("/docs"):
                found.append(path)
    return found


@pytest.mark.timeout(480)
async def test_no_text_runs_loads_or_leads_anywhere(
    browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.0)
    async with every_page(database, settings_of(server={"public_url": "http://farwatch.test"})) as pages:
        origin = pages.desk.url
        context = await browser.new_context(base_url=origin)
        requests = Requests(origin)
        requests.listen(context)
        await context.add_init_script(WATCH)
        page = await context.new_page()
        await _signed_in(page, pages)
        for text in FOR_BROWSERS:
            async with database.owner() as conn:
                assert len(await plant(conn, text)) > 80
            pages.desk.served.deps.authenticator.forget_sessions()
            for path in await shown(pages):
                await _unharmed(page, path, origin)
        assert requests.strange == []
        await browser.close()


async def _signed_in(page: Page, pages: EveryPage) -> None:
    await page.goto("/sign-in/operator")
    await page.get_by_label("secret").fill(OPERATOR_SECRET)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/operator/ui")
    await page.goto("/")
    await page.get_by_label("API key").fill(pages.desk.key)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/app")


async def _unharmed(page: Page, path: str, origin: str) -> None:
    """What can be focused and pointed at is: some scripts wait for that."""
    reply = await page.goto(path)
    assert reply is not None, path
    assert reply.status < 500, path
    assert await page.evaluate(STRANGE) == [], path
    assert page.url.startswith(f"{origin}/"), path
