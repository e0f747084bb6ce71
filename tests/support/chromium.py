"""Chromium of this machine, watched: whatever a page complains of is kept, and the fixture fails the test with it.

A complaint is an error or a warning of the console, an exception that nothing caught, or a violation of the page's
Content-Security-Policy. A test that provokes one on purpose says so with `expect_complaint`.
"""

from __future__ import annotations

import re
import shutil
from typing import Any

from playwright.async_api import Browser as Driven
from playwright.async_api import BrowserContext, ConsoleMessage, WebError

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
REFUSED_ON_PURPOSE = r"responded with a status of 4(00|01|03|04|09|10|22|29)\b"
"""Chromium says so of every answer that is not 2xx; which status is right is for each test to say."""
OF_OURS = r"Blocked script execution in '[^']+(/preview|about:blank|about:srcdoc)'"
"""The script below, in a frame that runs none."""

REPORT_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) => {
  const what = `${event.effectiveDirective} ${event.blockedURI} in ${event.documentURI} (${event.disposition})`;
  console.error(`Content-Security-Policy: ${what}`);
});
"""


class Browser:
    """A browser whose every context is fresh, and listened to."""

    def __init__(self, driven: Driven) -> None:
        self._driven = driven
        self._contexts: list[BrowserContext] = []
        self._expected = [re.compile(REFUSED_ON_PURPOSE), re.compile(OF_OURS)]
        self.complaints: list[str] = []

    async def new_context(self, **options: Any) -> BrowserContext:
        """As Playwright's."""
        context = await self._driven.new_context(**options)
        self._contexts.append(context)
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        await context.add_init_script(REPORT_VIOLATIONS)
        return context

    def expect_complaint(self, pattern: str) -> None:
        """What the rest of this test provokes on purpose."""
        self._expected.append(re.compile(pattern))

    async def close(self) -> None:
        """Close what the test left open."""
        while self._contexts:
            await self._contexts.pop().close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complain(message.text, message.page.url if message.page else "")

    def _catch(self, error: WebError) -> None:
        self._complain(str(error.error), error.page.url if error.page else "")

    def _complain(self, text: str, where: str) -> None:
        if not any(each.search(text) for each in self._expected):
            self.complaints.append(f"{where}: {text}")
