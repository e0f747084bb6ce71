"""A heartbeat's page: where to ping, what came, and the runs that it tells of."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx

from tests.support.dashboard import Desk
from tests.support.door import an_api_key

HOURLY: dict[str, Any] = {"type": "heartbeat", "period": 3600, "grace": 300}


async def a_beat(desk: Desk, **check: Any) -> tuple[str, str]:
    """The path of its page, and the path of its ping URL."""
    monitor_id = await desk.monitor("Backup", check={**HOURLY, **check}, regions=[])
    async with desk.database.app() as conn:
        ping_id = await conn.fetchval("SELECT ping_id FROM heartbeats WHERE monitor_id = $1", monitor_id)
    return f"/app/monitors/{monitor_id}", f"/ping/{UUID(str(ping_id))}"


async def test_before_the_first_ping_the_page_says_how_to_send_one(desk: Desk, http: httpx.AsyncClient) -> None:
    page, ping = await a_beat(desk)
    text = (await http.get(page)).text
    assert "none yet" in text
    assert f"curl -fsS -m 10 --retry 5 -o /dev/null &#34;{desk.url}{ping}&#34;" in text
    assert f"0 * * * *  your-job; curl -fsS -m 10 --retry 5 -o /dev/null &#34;{desk.url}{ping}/$?&#34;" in text
    assert "Next expected" not in text
    assert "runs-title" not in text


async def test_pings_and_runs_are_listed_with_what_came_with_them(desk: Desk, http: httpx.AsyncClient) -> None:
    page, ping = await a_beat(desk, max_run_s=600)
    async with desk.browser() as job:
        for end, body in (("", b""), ("/start", b""), ("/3", b"x" * 2048), ("/start", b"")):
            assert (await job.post(ping + end, content=body)).status_code == 200
    text = (await http.get(page)).text
    assert "4 pings in all" in text
    assert "Running for" in text
    assert "Ends at the latest" in text
    assert re.search(r'failed <span class="quiet">exit 3</span>', text)
    assert "2\N{NARROW NO-BREAK SPACE}048 B" in text
    assert re.search(r"<td>running</td>.*<td>failed</td>", text, re.DOTALL), "the newest run comes first"


async def test_when_the_next_is_expected_is_told_after_a_success(desk: Desk, http: httpx.AsyncClient) -> None:
    page, ping = await a_beat(desk)
    async with desk.browser() as job:
        assert (await job.get(ping)).status_code == 200
    text = (await http.get(page)).text
    assert "Next expected" in text
    assert "(well), 1 ping in all" in text


async def test_a_cron_line_is_the_monitors_own_and_an_odd_period_has_none(desk: Desk, http: httpx.AsyncClient) -> None:
    page, _ = await a_beat(desk, period=None, cron="7 3 * * 1")
    assert "7 3 * * 1  your-job;" in (await http.get(page)).text
    page, _ = await a_beat(desk, period=3601)
    assert "your-job;" not in (await http.get(page)).text


async def test_who_may_only_read_sees_no_address_to_ping(desk: Desk) -> None:
    page, ping = await a_beat(desk)
    async with desk.browser() as job:
        assert (await job.get(ping)).status_code == 200
    async with desk.database.app_transaction() as conn:
        only_monitors = await an_api_key(conn, desk.served.home.tenant_id, "monitors:read", number=8)
        reader = await an_api_key(conn, desk.served.home.tenant_id, "monitors:read", "heartbeats:read", number=9)
    async with desk.signed_in(only_monitors) as http:
        text = (await http.get(page)).text
        assert "1 ping in all" in text
        assert ping not in text
        assert "Pings as a table" not in text
    async with desk.signed_in(reader) as http:
        text = (await http.get(page)).text
        assert "Pings as a table" in text
        assert ping not in text


async def test_a_monitor_of_another_kind_has_no_pings(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    assert "pings-title" not in (await http.get(f"/app/monitors/{monitor_id}")).text
