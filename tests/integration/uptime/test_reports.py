"""The month as JSON, CSV and a page says one and the same."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from control_plane.domain.span_words import milliseconds
from control_plane.services.uptime.monthly_report import month_of
from control_plane.services.uptime.roll_up import roll_up
from tests.support.independent_uptime import by_the_second, percentage
from tests.support.long_past import an_eventful_time, utc, write_past
from tests.support.rolling import write_results
from tests.support.tenant_world import World

INCIDENT = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, state, cause, started_at, opened_at, resolved_at,
    acknowledged_at, resolution)
VALUES ($1, gen_random_uuid(), $2, $3, 'major', $4, 'down', $5::timestamptz, $5, $6,
    $5::timestamptz + interval '10 minutes', CASE WHEN $4 = 'resolved' THEN 'recovered' END)
"""


async def last_month(world: World) -> tuple[str, datetime, datetime]:
    """The month before this one in UTC, whole and past."""
    (row,) = await world.rows("SELECT date_trunc('month', now()) AS this")
    end: datetime = row["this"]
    start = (end - timedelta(days=1)).replace(day=1)
    return f"{start:%Y-%m}", start, end


async def test_it_tells_uptime_incidents_and_repair_times(world: World) -> None:
    month, start, end = await last_month(world)
    monitor_id = UUID((await world.monitor(name="API", group="shop"))["id"])
    transitions, periods = an_eventful_time(start - timedelta(days=3), end)
    created_at = start - timedelta(days=4)
    async with world.database.app_transaction() as conn:
        await write_past(
            conn, world.tenant_id, monitor_id, created_at=created_at, transitions=transitions, periods=periods
        )
        await conn.execute("UPDATE monitors SET sla_target = 99, sla_period_days = 30 WHERE id = $1", monitor_id)
        hour = timedelta(hours=1)
        for number, opened, resolved in ((91, start, 1), (92, start + hour, 3), (93, end - hour, None), (94, end, 1)):
            state = "resolved" if resolved else "triggered"
            until = opened + resolved * hour if resolved else None
            if resolved is None:
                until = None
            await conn.execute(INCIDENT, world.tenant_id, number, monitor_id, state, opened, until)
    reply = await world.get(f"/reports/{month}")
    (line,) = reply["monitors"]
    counted = by_the_second(transitions, periods, created_at=created_at, start=start, end=end)
    assert {name: value for name, value in line["seconds"].items() if value} == counted
    assert line["uptime_pct"] == percentage(counted)
    assert line["downtime_secs"] == counted["down"]
    assert (line["incidents"], line["mttr_secs"]) == (3, 7200)
    summary = reply["summary"]
    assert (summary["uptime_pct"], summary["downtime_secs"]) == (line["uptime_pct"], line["downtime_secs"])
    assert (summary["incidents"], summary["mtta_secs"], summary["mttr_secs"]) == (3, 600, 7200)
    assert {name for name, number in summary["sla"].items() if number} == {line["sla"]["state"]}
    assert [(each["name"], each["incidents"]) for each in summary["noisiest"]] == [("API", 3)]
    assert line["sla"]["target"] == 99.0
    assert (line["sla"]["state"] == "breached") == (line["uptime_pct"] < 99)
    assert (reply["from"], reply["to"]) == (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}")


async def test_csv_and_page_have_the_same_figures(world: World) -> None:
    (row,) = await world.rows("SELECT now() AS now")
    month = f"{row['now']:%Y-%m}"
    names = ["Shop & <b>Sons</b>", "=HYPERLINK(1)"]
    for name in names:
        await world.monitor(name=name)
    told = (await world.get(f"/reports/{month}"))["monitors"]
    reply = await world.http.get(f"/api/v1/reports/{month}?format=csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"farwatch-{month}.csv" in reply.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(reply.text)))
    assert [line["name"] for line in lines] == [names[0], "'=HYPERLINK(1)"]
    assert [line["id"] for line in lines] == [line["id"] for line in told]
    assert [line["uptime_pct"] for line in lines] == ["", ""]
    page = await world.http.get(f"/api/v1/reports/{month}?format=html&tz=Asia/Kathmandu")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "Shop &amp; &lt;b&gt;Sons&lt;/b&gt;" in page.text
    assert "<b>Sons" not in page.text
    assert "Asia/Kathmandu" in page.text


async def test_it_tells_the_latency_of_the_hours_rolled_up(world: World) -> None:
    monitor_id = UUID((await world.monitor(name="API"))["id"])
    async with world.database.app_transaction() as conn:
        now = await conn.fetchval("SELECT now()")
        now_ms = int(now.timestamp() * 1000)
        slots = range(now_ms - 12 * 3_600_000, now_ms, 60_000)
        await write_results(conn, world.tenant_id, monitor_id, world.regions["eu"], slots)
        await conn.execute("UPDATE monitors SET created_at = now() - interval '2 days'")
    await roll_up(world.database)
    before = now - timedelta(hours=6)  # of this month or the last one: some of its hours are in one of the two
    found = [
        (await world.get(f"/reports/{month}"))["monitors"][0]["p95_ms"]
        for month in dict.fromkeys((f"{now:%Y-%m}", f"{before:%Y-%m}"))
    ]
    assert any(value is not None and value > 0 for value in found)
    known = next(value for value in found if value)
    for month in (f"{now:%Y-%m}", f"{before:%Y-%m}"):
        page = (await world.http.get(f"/api/v1/reports/{month}?format=html")).text
        assert ">0 ms<" not in page
    assert f">{milliseconds(known)}<" in page


async def test_monitors_that_came_later_are_not_in_it(world: World) -> None:
    month, _, _ = await last_month(world)
    await world.monitor(name="API")
    assert (await world.get(f"/reports/{month}"))["monitors"] == []


@pytest.mark.parametrize("month", ["2026-13", "2026-5", "26-05", "may", "2026-00", "2999-01", "２０２６-05"])
async def test_what_is_no_month_is_refused(world: World, month: str) -> None:
    reply = await world.http.get(f"/api/v1/reports/{month}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_MONTH")


async def test_strangers_have_reports_of_their_own(world: World) -> None:
    await world.monitor(name="API")
    (row,) = await world.rows("SELECT now() AS now")
    reply = await world.stranger.get(f"/api/v1/reports/{row['now']:%Y-%m}")
    assert reply.json()["monitors"] == []


def test_a_month_begins_and_ends_by_the_clock_of_the_zone() -> None:
    now = utc(2026, 12, 1)
    berlin = ZoneInfo("Europe/Berlin")
    assert month_of("2026-03", zone=berlin, now=now) == (utc(2026, 2, 28, 23), utc(2026, 3, 31, 22))
    assert month_of("2025-12", zone=berlin, now=now) == (utc(2025, 11, 30, 23), utc(2025, 12, 31, 23))
    leap = month_of("2024-02", zone=ZoneInfo("UTC"), now=now)
    assert leap[1] - leap[0] == timedelta(days=29)
