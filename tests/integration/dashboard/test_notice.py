"""The banner above every page while many monitors are silent."""

from __future__ import annotations

import httpx

from tests.support import seed
from tests.support.dashboard import Desk

OPEN = """
INSERT INTO operator_incidents (id, number, kind, subject, severity, reason, opened_at)
VALUES ($1, 1, 'monitors_silent', 'installation', 'critical', '3 of 4 monitors', now())
"""
WORDS = "Many checks cannot run at the moment"


async def test_a_silence_of_many_monitors_stands_above_every_page_until_it_is_over(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    assert WORDS not in (await http.get("/app")).text
    async with desk.database.app() as conn:
        await conn.execute(OPEN, seed.new_id())
    page = (await http.get("/app")).text
    assert WORDS in page
    assert "3 of 4 monitors" not in page, "how many there are is the operator's to know"
    async with desk.database.app() as conn:
        await conn.execute("UPDATE operator_incidents SET state = 'resolved'")
    assert WORDS not in (await http.get("/app")).text
