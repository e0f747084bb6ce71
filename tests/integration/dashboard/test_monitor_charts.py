"""What the charts of a monitor's page show, for which range and region."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx

from control_plane.dashboard.words import lasting
from tests.support.dashboard import Desk
from tests.support.pages import INSERT_TRANSITION


async def page_of(http: httpx.AsyncClient, path: str) -> str:
    reply = await http.get(path)
    assert reply.status_code == 200
    return reply.text


async def test_the_chart_says_percentiles_and_phases_and_shades_the_incident(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    monitor_id = await desk.monitor("Shop")
    for seconds_ago in (1800, 1200, 600, 60):
        await desk.all_up(monitor_id, seconds_ago=seconds_ago)
    await desk.down(monitor_id, "eu", "us")
    page = await page_of(http, f"/app/monitors/{monitor_id}?range=1h")
    assert re.search(r"p50 81 ms, p95 81 ms, p99 81 ms, of 12 results", page)
    assert re.search(r"Incident 1: \S+ \S+ \S+ to now\.", page)
    assert 'class="x-incident"' in page
    assert 'class="x-gap"' in page
    assert page.count('class="line l-p') == 3
    heads = re.search(r'id="latency-values">.*?<thead>(.*?)</thead>', page, re.DOTALL)
    assert heads is not None
    assert re.findall(r'<th scope="col">([^<]+)<', heads[1])[1:5] == ["Samples", "p50", "p95", "p99"]
    assert 'href="/app/monitors/' in page
    assert 'aria-current="true">1h' in page


async def test_a_region_is_charted_alone_and_nonsense_is_ignored(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.report(monitor_id, "eu", "up", seconds_ago=60)
    path = f"/app/monitors/{monitor_id}"
    assert "of 1 results" in await page_of(http, f"{path}?region=eu&range=1h")
    assert "No check has measured anything in this range from us" in await page_of(http, f"{path}?region=us&range=1h")
    page = await page_of(http, f"{path}?region=nowhere&range=1y")
    assert 'aria-current="true">1h' in page, "a monitor that was just made has no day to show"
    assert "of 1 results" in page
    async with desk.database.app() as conn:
        await conn.execute("UPDATE monitors SET created_at = now() - interval '2 days' WHERE id = $1", monitor_id)
    assert 'aria-current="true">24h' in await page_of(http, path)


async def test_a_live_fragment_leaves_the_charts_alone(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id)
    part = await page_of(http, f"/app/monitors/{monitor_id}?fragment=1")
    assert "data-still" in part
    assert "latency-values" not in part


async def test_uptime_is_shown_for_ninety_days(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    page = await page_of(http, f"/app/monitors/{monitor_id}")
    table = re.search(r'id="day-values">(.*?)</table>', page, re.DOTALL)
    assert table is not None
    assert table[1].count('scope="row"') == 90
    assert "Of the last 90 days 0 are known" in page


async def test_uptime_and_how_the_target_stands_are_what_the_api_says(desk: Desk, http: httpx.AsyncClient) -> None:
    sla = {"target": 99.9, "period_days": 30}
    monitor_id, plain = await desk.monitor("Shop", sla=sla), await desk.monitor("Plain")
    path = f"/app/monitors/{monitor_id}"
    first = await page_of(http, path)
    assert _figures(first) == [(period, "no data") for period in ("24 hours", "7 days", "30 days", "90 days")]
    assert re.search(r"No data</span> <span>SLA of 99.9 % over 30 days\.", first)
    now = desk.served.deps.now()
    async with desk.database.owner() as conn:
        await conn.execute("UPDATE monitors SET created_at = now() - interval '10 days'")
        for verdict, days in (("up", 9), ("down", 2)):
            at = now - timedelta(days=days)
            await conn.execute(INSERT_TRANSITION, desk.served.home.tenant_id, monitor_id, at, verdict)
    page = await page_of(http, path)
    async with desk.served.tenant() as api:
        told = (await api.get(f"/api/v1/monitors/{monitor_id}/sla")).json()
    assert told["state"] == "breached"
    assert dict(_figures(page))["30 days"] == f"{int(told['uptime_pct'] * 100) / 100:.2f} %"
    assert dict(_figures(page))["24 hours"] == "0.00 %"
    stands = re.search(r"Breached</span> <span>SLA of 99.9 % over 30 days: (.+) over the error budget of (.+)\.", page)
    assert stands is not None
    assert stands[2] == lasting(told["error_budget_secs"])
    assert "SLA of" not in await page_of(http, f"/app/monitors/{plain}")


def _figures(page: str) -> list[tuple[str, str]]:
    return re.findall(r"<dt>(\d+ (?:hours|days))</dt><dd[^>]*>([^<]+)<", page)


async def test_the_votes_say_how_long_they_count(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id)
    assert re.search(r"counts \d+ (s|min) more", await page_of(http, f"/app/monitors/{monitor_id}"))


async def test_who_is_told_is_named_with_what_brings_it(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.served.tenant() as api:
        config = {"type": "webhook", "url": "https://ops.example.com/hook"}
        made = (await api.post("/api/v1/channels", json={"name": "Night shift", "config": config})).json()
    monitor_id = await desk.monitor("Shop", alerts=[{"channel_id": made["id"]}])
    page = await page_of(http, f"/app/monitors/{monitor_id}")
    assert f'href="/app/channels/{made["id"]}">Night shift</a>' in page
    assert "by its own binding" in page
    assert "Nobody is told" not in page
