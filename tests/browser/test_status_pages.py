"""Status pages in a real browser: legible in every theme and language, at every width, and deaf to markup."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from control_plane.services.pages import keep_public_pages
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.store.pool import Database
from control_plane.web import page_streams
from tests.support import corpora
from tests.support.chromium import Browser
from tests.support.public_pages import Line, Stage, a_stage

PASSWORD = "open sesame"
ATTACKS = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "</title></style></textarea><script>document.title='owned'</script>",
    "javascript:document.title='owned'",
    "{{ constructor.constructor('document.title=1')() }}",
    "<style>*{display:none}</style>",
    "<a href=\"javascript:document.title='owned'\">x</a>",
)


@pytest_asyncio.fixture(loop_scope="session")
async def stage(database: Database, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.05)
    monkeypatch.setattr(page_streams, "POLL_S", 0.2)
    async with a_stage(database) as made:
        yield made
        await browser.close()


def url(stage: Stage) -> str:
    return f"http://{stage.served.host}:{stage.served.port}"


async def a_busy_page(stage: Stage, *, slug: str = "acme", **over: object) -> Line:
    """A page with everything that a page can have."""
    page = await stage.page(slug, title="Acme", footer_text="Call us", header_text="Hello", **over)
    shop = await stage.component(page, "Shop", "down", group="Web", description="Orders")
    for place, verdict in enumerate(("degraded", "up", "unknown", *["up"] * 8), start=1):
        await stage.component(page, f"System {place}", verdict, group="Web" if place < 4 else None, position=place)
    await stage.update(await stage.incident(shop, "Orders fail"), "We look into it")
    await stage.window(shop, "New disks", text="Half an hour")
    return shop


async def test_without_scripts_a_page_is_read_filtered_and_followed(browser: Browser, stage: Stage) -> None:
    await a_busy_page(stage)
    context = await browser.new_context(base_url=url(stage), java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/status/acme")
    await expect(page.get_by_role("heading", level=1)).to_have_text("A major outage is being worked on")
    await page.get_by_label("Find a system").fill("system 5")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator(".system")).to_have_count(1)
    await page.get_by_role("link", name="Show everything").click()
    await page.get_by_role("link", name="Orders fail").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Orders fail")
    await page.get_by_role("link", name="History").click()
    await expect(page.get_by_role("link", name="Orders fail")).to_be_visible()
    await context.close()


async def test_a_page_that_is_open_follows_what_changes(browser: Browser, stage: Stage) -> None:
    shop = await stage.component(await stage.page(), "Shop")
    context = await browser.new_context(base_url=url(stage))
    page = await context.new_page()
    await page.goto("/status/acme")
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("All systems operational")
    await stage.judge(shop, "down")
    await expect(heading).to_have_text("A major outage is being worked on", timeout=30_000)
    await context.close()


async def test_a_password_is_asked_for_and_opens_the_page_by_keyboard_alone(browser: Browser, stage: Stage) -> None:
    page_id = await stage.page(password_digest=await hash_page_password(PASSWORD))
    await stage.component(page_id, "Shop")
    context = await browser.new_context(base_url=url(stage), java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/status/acme")
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not right")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("All systems operational")
    await context.close()


async def test_markup_in_any_text_has_no_effect(browser: Browser, stage: Stage) -> None:
    for number, attack in enumerate(attacks()):
        texts = dict.fromkeys(("title", "description", "header_text", "footer_text"), attack[:100])
        page_id = await stage.page(f"attacked-{number}", **texts)
        line = await stage.component(page_id, attack[:100], "down", description=attack, group=attack[:60])
        await stage.update(await stage.incident(line, attack, text=attack), attack)
        await stage.window(line, attack, text=attack)
    context = await browser.new_context(base_url=url(stage))
    page = await context.new_page()
    for number, attack in enumerate(attacks()):
        await _unharmed(page, f"/status/attacked-{number}", attack)
        await _unharmed(page, f"/status/attacked-{number}/history", attack)
    await context.close()


async def _unharmed(page: Page, path: str, attack: str) -> None:
    await page.goto(path)
    assert await page.title() != "owned"
    assert await page.locator("script:not([type=module][src^='/static/'])").count() == 0
    assert await page.locator("img, iframe, object, embed, style, [onload], [onerror]").count() == 0
    assert await page.locator("a[href^='javascript']").count() == 0
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert " ".join(attack.split())[:40] in " ".join((await page.inner_text("body")).split())


def attacks() -> list[str]:
    """Ours, and every value of the corpus that looks like markup."""
    rows = [json.loads(line) for line in (Path(corpora.__path__[0]) / "bad_inputs.jsonl").read_text().splitlines()]
    found = [row["value"] for row in rows if isinstance(row.get("value"), str)]
    return [*ATTACKS, *sorted({each for each in found if "<" in each and ">" in each and "</" in each})]
