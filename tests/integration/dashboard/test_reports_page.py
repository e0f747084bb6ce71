"""Reports in the dashboard: the months that there are, one of them, and what is said where there is nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from tests.support.dashboard import Desk
from tests.support.long_past import write_past

HERE = "/app/reports"
INCIDENT = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, state, cause, started_at, opened_at, resolved_at,
    acknowledged_at, resolution)
VALUES ($1, gen_random_uuid(), $2, $3, 'major', 'resolved', 'down', $4::timestamptz, $4, $4 + interval '2 hours',
    $4 + interval '5 minutes', 'recovered')
"""


def last_month() -> datetime:
    """Its first instant in UTC."""
    return (datetime.now(UTC).replace(day=1) - timedelta(days=1)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )


async def with_a_past(desk: Desk, name: str, outages: list[datetime], **body: object) -> UUID:
    """A monitor that was made ten days before the last month, with outages of two hours."""
    monitor_id = await desk.monitor(name, **body)
    begun = last_month() - timedelta(days=10)
    transitions = [(begun, "up")]
    for at in outages:
        transitions += [(at, "down"), (at + timedelta(hours=2), "up")]
    async with desk.database.app_transaction() as conn:
        await write_past(
            conn, desk.served.home.tenant_id, monitor_id, created_at=begun, transitions=sorted(transitions)
        )
        number = 100 * (await conn.fetchval("SELECT count(*) FROM incidents") + 1)
        for place, at in enumerate(outages):
            await conn.execute(INCIDENT, desk.served.home.tenant_id, number + place, monitor_id, at)
    return monitor_id


async def test_without_a_monitor_the_page_says_what_begins_a_month(http: httpx.AsyncClient) -> None:
    page = (await http.get(HERE)).text
    assert "Nothing to report yet" in page
    assert '<a href="/app/reports" aria-current="page">Reports</a>' in page
    month = (await http.get(f"{HERE}/{last_month():%Y-%m}")).text
    assert f"There was no monitor in {last_month():%B %Y}" in month


async def test_the_months_that_there_are_lead_to_what_happened_in_them(desk: Desk, http: httpx.AsyncClient) -> None:
    start = last_month()
    sla = {"target": 99.9, "period_days": 30}
    await with_a_past(desk, "Shop & <b>Sons</b>", [start + timedelta(days=3)], sla=sla)
    await with_a_past(desk, "API", [])
    listed = (await http.get(HERE)).text
    named = re.findall(r'<a class="month" href="/app/reports/([0-9-]+)">', listed)
    before = start - timedelta(days=10)
    assert named == [f"{datetime.now(UTC):%Y-%m}", f"{start:%Y-%m}", f"{before:%Y-%m}"]
    assert "under way" in listed
    assert "1 incident<" in listed
    assert f"The oldest of the monitors was added on {before:%-d %B %Y}" in listed
    page = (await http.get(f"{HERE}/{start:%Y-%m}")).text
    assert "Shop &amp; &lt;b&gt;Sons&lt;/b&gt;" in page
    assert "<b>Sons" not in page
    assert page.index("Shop &amp;") < page.index('">API</a>'), "the worst comes first"
    for words in ("Breached", "of 99.9 %", "over", "5 min", "2 h", "1 breached", "1 incident, 2 h in all"):
        assert words in page, words
    files = re.findall(r'href="(/api/v1/reports/[^"]+)"', page)
    assert [(await http.get(path.replace("&amp;", "&"))).status_code for path in files] == [200, 200, 200]
    said = (await http.get(f"/api/v1/reports/{start:%Y-%m}")).json()["summary"]
    assert f"{said['uptime_pct']:.3f} %" in page


async def test_a_month_before_the_first_monitor_is_said_to_have_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor("Shop")
    month = last_month()
    reply = await http.get(f"{HERE}/{month:%Y-%m}")
    assert reply.status_code == 200
    assert f"There was no monitor in {month:%B %Y}" in reply.text
    assert f"was added on {datetime.now(UTC):%-d %B %Y}" in reply.text
    assert 'rel="next"' in reply.text
    assert 'rel="prev"' not in reply.text


async def test_a_month_that_is_no_longer_kept_is_not_told_as_quiet(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    async with desk.database.app_transaction() as conn:
        await write_past(
            conn, desk.served.home.tenant_id, monitor_id, created_at=datetime.now(UTC) - timedelta(days=900)
        )
    old = datetime.now(UTC) - timedelta(days=700)
    assert "No longer kept" in (await http.get(f"{HERE}/{old:%Y-%m}")).text
    assert "Figures are kept for 400 days" in (await http.get(HERE)).text


@pytest.mark.parametrize("month", ["2999-01", "may", "2026-13", "2026-5"])
async def test_what_is_no_month_is_said_to_be_none(month: str, http: httpx.AsyncClient) -> None:
    reply = await http.get(f"{HERE}/{month}")
    assert reply.status_code == 400
    assert "month" in reply.text


async def test_days_are_those_of_the_zone_that_is_asked_for(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor("Shop")
    month = f"{datetime.now(UTC):%Y-%m}"
    page = (await http.get(f"{HERE}/{month}?tz=Asia/Kathmandu")).text
    assert ", 00:00 to" in page
    assert "Asia/Kathmandu" in page
    assert f"/api/v1/reports/{month}?format=csv&amp;tz=Asia%2FKathmandu" in page
    refused = await http.get(f"{HERE}/{month}?tz=Nowhere/<b>")
    assert refused.status_code == 400
    assert "The days shown are those of UTC." in refused.text
    assert "<b>" not in refused.text
