"""One Chromium of this machine for all tests of a process, a fresh profile for each; what it complains of fails them.

Everything here runs on one event loop for the session: starting a browser costs more than most of these tests do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser as Driven
from playwright.async_api import Page, async_playwright, expect
from pytest_asyncio import is_async_test
from structlog.testing import capture_logs

from control_plane.store.pool import Database
from tests.support.chromium import ARGUMENTS, CHROMIUM, Browser
from tests.support.dashboard import Desk, a_desk
from tests.support.postgres import TestServer
from tests.support.serving import OPERATOR_SECRET

PATIENCE_MS = 20_000
"""Of every `expect`: the machine is shared."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    together = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if is_async_test(item):
                item.add_marker(together, append=False)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no chromium on this machine"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Driven]:
    async with async_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Driven) -> AsyncIterator[Browser]:
    """Contexts without a past. What any of their pages complains of fails the test, and so does an error of our own."""
    watched = Browser(chromium)
    with capture_logs() as logged:
        yield watched
        await watched.close()
    assert watched.complaints == []
    assert [each for each in logged if each["log_level"] in ("error", "critical")] == []


@pytest_asyncio.fixture(loop_scope="session")
async def database(postgres: TestServer) -> AsyncIterator[Database]:
    """As everywhere, on the loop of these tests."""
    name = await postgres.clone()
    connected = await Database.connect(postgres.dsn(name), max_size=5)
    yield connected
    await connected.close()
    await postgres.drop(name)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database: Database, browser: Browser) -> AsyncIterator[Desk]:
    """Its pages are closed before it stops: to one that is open, that would be an error."""
    async with a_desk(database) as made:
        yield made
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, desk: Desk) -> Page:
    """A page of a fresh profile at the front door."""
    context = await browser.new_context(base_url=desk.url, viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    await page.goto("/")
    return page


@pytest_asyncio.fixture(loop_scope="session")
async def home(page: Page, desk: Desk) -> Page:
    """The overview of somebody who is signed in."""
    await sign_in(page, desk)
    return page


async def sign_in(page: Page, desk: Desk) -> None:
    """With the first key, at the front door where the page is."""
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/app")


async def sign_in_operator(page: Page) -> None:
    """With the operator's secret, beside whatever else the profile is signed in to."""
    await page.goto("/sign-in/operator")
    await page.get_by_label("Operator's secret").fill(OPERATOR_SECRET)
    await page.get_by_role("button", name="Sign in for an hour").click()
    await page.wait_for_url("**/operator/ui")
