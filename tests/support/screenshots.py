"""Pictures of pages, for people to look at after a run: named by page, width and theme, and never in the repository."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import Page

DIRECTORY = Path(
    os.environ.get("TEST_FARWATCH_SCREENSHOTS") or Path(__file__).parents[2] / ".artefacts" / "screenshots"
)
TALLEST_PX = 12_000
"""Chromium draws no picture beyond 16 384 pixels."""


async def keep(page: Page, name: str, *, width: int, theme: str) -> None:
    """Draw the whole page as it stands. Playwright makes the directory."""
    height: int = await page.evaluate("document.documentElement.scrollHeight")
    await page.screenshot(
        path=DIRECTORY / f"{name}.{width}.{theme}.jpg",
        type="jpeg",
        quality=60,
        full_page=height <= TALLEST_PX,
        animations="disabled",
    )
