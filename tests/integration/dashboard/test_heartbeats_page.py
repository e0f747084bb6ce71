"""The list of heartbeats: what came last, when the next is missed, and what it says while there is none."""

from __future__ import annotations

import re

import httpx

from tests.support.dashboard import Desk

HERE = "/app/heartbeats"


async def test_without_a_heartbeat_the_page_teaches_what_one_is(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor("Shop")
    page = (await http.get(HERE)).text
    assert "Nothing waits to be pinged" in page
    assert '<a href="/app/heartbeats" aria-current="page">Heartbeats</a>' in page
    assert "Shop" not in page
    for path in ("/app", "/app/dependencies"):
        assert '<a href="/app/heartbeats">Heartbeats</a>' in (await http.get(path)).text


async def test_each_says_its_last_ping_and_when_the_next_is_missed(desk: Desk, http: httpx.AsyncClient) -> None:
    check = {"type": "heartbeat", "period": 86400, "grace": 3600}
    await desk.monitor("Silent", check=check, regions=[])
    monitor_id = await desk.monitor("Backup <b>", check=check, regions=[])
    async with desk.served.tenant() as api:
        ping = (await api.get(f"/api/v1/heartbeats/{monitor_id}")).json()["ping_url"]
    path = ping[ping.index("/ping/") :]
    async with desk.browser() as job:
        assert (await job.get(path)).status_code == 200
        page = (await http.get(HERE)).text
        assert "ping every 1 d" in page
        assert "Backup &lt;b&gt;" in page
        silent, backup = page.split("Backup &lt;b&gt;")
        assert "none yet" in silent
        assert "Missed" not in silent
        assert "(well)" in backup
        assert re.search(
            r"Next expected.*in 23 h.*Missed.*in 24 h|Next expected.*in 24 h.*Missed.*in 25 h", backup, re.DOTALL
        )
        assert (await job.get(f"{path}/start")).status_code == 200
    running = (await http.get(HERE)).text
    assert "Running for" in running
    assert "Ends at the latest" in running
    shown = (await http.get(f"/app/monitors/{monitor_id}")).text
    assert "ExecStopPost=" in shown
    assert "from urllib.request import urlopen" in shown


async def test_who_may_not_read_heartbeats_has_no_way_to_them(desk: Desk) -> None:
    async with desk.served.tenant() as api:
        key = (await api.post("/api/v1/keys", json={"label": "Reader", "scopes": ["monitors:read"]})).json()["key"]
    async with desk.signed_in(key) as reader:
        assert (await reader.get(HERE)).status_code == 403
        assert HERE not in (await reader.get("/app/dependencies")).text
