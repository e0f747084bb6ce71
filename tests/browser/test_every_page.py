"""Every page that there is, found by the table of routes: what axe says of it, how it fits, and a picture of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.async_api import Page as Tab

from control_plane.public_site.language import LANGUAGES
from control_plane.store.pool import Database
from tests.browser.conftest import sign_in, sign_in_operator
from tests.support import screenshots
from tests.support.axe import BY_LOOK, violations
from tests.support.chromium import Browser
from tests.support.dashboard import Desk, a_desk
from tests.support.pages_to_see import OPEN_ROOMS, Page, Room, empty_pages, pages_of
from tests.support.showroom import SETTINGS, furnish


@dataclass(frozen=True, slots=True)
class Look:
    """One way of looking at a page."""

    theme: Literal["light", "dark"]
    width: int


LOOKS = (Look("light", 1280), Look("dark", 375))
MORE_LOOKS = (Look("light", 375), Look("dark", 1280), Look("light", 320), Look("light", 2560))
"""Where TEST_FARWATCH_EVERY_LOOK is set. Structure and colours are all in the first two already."""

FITS_PX = (320, 3840)
"""320 is also what is left of 1280 at a zoom of 400 % (WCAG 1.4.10)."""

SANDBOXED = {"show_status_page_preview"}
"""No script runs there, nor axe; it is the page at /status/{slug}, which is looked at."""

HIGH_PX = 800
OPEN = "document.querySelectorAll('details').forEach(each => { each.open = true })"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
DUPLICATES = """
() => {
  const ids = [...document.querySelectorAll('[id]')].map(each => each.id);
  return ids.filter((id, place) => ids.indexOf(id) < place);
}
"""
TARGETS = """
() => [...document.querySelectorAll('button, .button, .main-button, summary, select, nav a, .choices a, .sections a')]
  .concat([...document.querySelectorAll('textarea, input:not([type=hidden], [type=checkbox], [type=radio])')])
  .filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 43.5)
  .map(each => `${each.getBoundingClientRect().height} px: ${each.outerHTML.slice(0, 100)}`)
"""


@pytest.mark.timeout(600)  # on a machine that does other things as well
@pytest.mark.parametrize("room", Room, ids=lambda room: room.value)
async def test_every_page_is_accessible_and_fits(room: Room, database: Database, browser: Browser) -> None:
    async with a_desk(database, SETTINGS) as desk:
        pages = await empty_pages(desk) if room is Room.EMPTY else await pages_of(await furnish(desk), room)
        tab = await _tab(browser, desk, room)
        found = [
            each for number, page in enumerate(pages) for each in await _wrong(tab, page, f"{room.value}.{number:02}")
        ]
        if room in OPEN_ROOMS:
            found += await _without_scripts(browser, desk, pages)
        await browser.close()
    if found:
        pytest.fail("\n".join(found), pytrace=False)


async def _tab(browser: Browser, desk: Desk, room: Room) -> Tab:
    context = await browser.new_context(base_url=desk.url, reduced_motion="reduce")
    tab = await context.new_page()
    if room not in OPEN_ROOMS:
        await tab.goto("/")
        await sign_in(tab, desk)
        await sign_in_operator(tab)
    return tab


async def _wrong(tab: Tab, page: Page, place: str) -> list[str]:
    """Everything that is wrong with a page, and where."""
    found: list[str] = []
    await tab.goto(page.path)
    every = bool(os.environ.get("TEST_FARWATCH_EVERY_LOOK"))
    looks = (*LOOKS, *MORE_LOOKS) if every else LOOKS
    for look in looks:
        await _looked(tab, look)
        await screenshots.keep(tab, f"{place}.{page.name}", width=look.width, theme=look.theme)
    await tab.evaluate(OPEN)
    for look in looks:
        await _looked(tab, look)
        rules = () if every or look is LOOKS[0] else BY_LOOK
        if page.operation not in SANDBOXED:
            found += [f"{look}: {each}" for each in await violations(tab, rules=rules)]
    found += [f"too small for a finger: {each}" for each in await tab.evaluate(TARGETS)]
    found += [f"two of id {each}" for each in await tab.evaluate(DUPLICATES)]
    found += await _unfit(tab)
    lang, direction = await tab.evaluate("[document.documentElement.lang, getComputedStyle(document.body).direction]")
    if lang not in LANGUAGES or (direction == "rtl") != (lang == "ar"):
        found.append(f"is in {lang or 'no language'}, written {direction}")
    return [f"{page.path} {each}" for each in found]


async def _looked(tab: Tab, look: Look) -> None:
    await tab.emulate_media(color_scheme=look.theme)
    await tab.set_viewport_size({"width": look.width, "height": HIGH_PX})


async def _unfit(tab: Tab) -> list[str]:
    found = []
    for width in FITS_PX:
        await tab.set_viewport_size({"width": width, "height": HIGH_PX})
        over: int = await tab.evaluate(SIDEWAYS)
        if over > 0:
            found.append(f"scrolls sideways by {over} px at {width}")
    return found


async def _without_scripts(browser: Browser, desk: Desk, pages: list[Page]) -> list[str]:
    """What the public reads is there without any script: a heading, words, and nothing that stays empty or waits."""
    context = await browser.new_context(base_url=desk.url, java_script_enabled=False)
    tab = await context.new_page()
    found = []
    for page in pages:
        await tab.goto(page.path)
        if await tab.locator("h1:visible").count() != 1:
            found.append(f"{page.path} has no heading without scripts")
        if await tab.locator("button[type=button]:visible").count():
            found.append(f"{page.path} shows a button that does nothing without scripts")
    return found
