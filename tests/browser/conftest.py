"""Chromium of this machine, headless, a fresh profile for each test; whatever it complains of fails the test."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no chromium on this machine"))


@dataclass
class Window:
    """A page, and what the browser complained of while it was used."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        refused_on_purpose = re.search(r"responded with a status of 4(00|04|22)\b", message.text)
        if message.type in ("error", "warning") and not refused_on_purpose:
            self.complaints.append(message.text)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database) as made:
        yield made


@pytest.fixture
async def page(browser: Browser, desk: Desk) -> AsyncIterator[Page]:
    """A page of a fresh profile at the front door. Errors, warnings and violations of the CSP fail the test."""
    context = await browser.new_context(base_url=desk.url, viewport={"width": 1200, "height": 800})
    window = Window(await context.new_page())
    window.listen()
    await window.page.goto("/")
    yield window.page
    await context.close()
    assert window.complaints == []


@pytest.fixture
async def home(page: Page, desk: Desk) -> Page:
    """The overview of somebody who is signed in."""
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/app")
    return page
