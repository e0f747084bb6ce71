"""A day without a control plane, a thousand checks a minute: what it takes of disk, memory and the next start."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from tests.support.spooled_day import Cost

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DAY = 24 * 60 * 1000
ITEMS = int(os.environ.get("TEST_FARWATCH_SPOOLED_ITEMS", "60000"))


async def test_a_day_fits_into_two_hundred_megabytes_and_delays_no_start(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.spooled_day", str(tmp_path), str(ITEMS), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    cost = msgspec.json.decode(said, type=Cost)
    assert cost.pending == ITEMS
    assert cost.disk * DAY / ITEMS <= 200_000_000, cost
    assert cost.memory <= 30_000_000, cost
    assert cost.start_s <= 1.0, cost
