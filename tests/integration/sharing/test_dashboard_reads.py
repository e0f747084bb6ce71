"""The summary and the sparklines of a tenant: what they say is what the other reads say, in a few statements."""

from __future__ import annotations

from uuid import uuid4

from control_plane.store.pool import Database
from tests.support.dashboard import Desk

SUMMARY, SPARKS = "/api/v1/dashboard/summary", "/api/v1/dashboard/sparklines"
AGED = "UPDATE monitors SET created_at = now() - interval '2 days'"
STEADY = "UPDATE monitor_states SET verdict = 'up', since = now() - interval '2 days' WHERE monitor_id = $1"
FINE = """
INSERT INTO rollups_fine SELECT $1, id, 0, $2, 3, 0, 0, 0, 3, $3, 0, 0, 0, 0, 0, decode('0080', 'hex') FROM regions;
"""
WALKED = """
INSERT INTO rollup_walks (name, done_until) SELECT unnest(ARRAY['fine', 'hourly']), $1::bigint
ON CONFLICT (name) DO UPDATE SET done_until = excluded.done_until
"""
HOUR = """
INSERT INTO rollups_hourly
SELECT $1, id, $3, $2, 5, 0, 1, 0, 5, 5000, 0, 0, 0, 0, 0, decode('0080008000800080', 'hex') FROM regions
"""


async def test_a_tenant_without_monitors_has_an_empty_summary(desk: Desk) -> None:
    async with desk.served.tenant() as http:
        reply = await http.get(SUMMARY)
    told = reply.json()
    assert reply.headers["Cache-Control"] == "private, max-age=5"
    assert told["monitors"] == {"total": 0, "enabled": 0, "paused": 0}
    assert (told["open_incidents"], told["recent_incidents"], told["slowest"]) == (0, [], [])
    assert told["last_24h"]["uptime_pct"] is None


async def test_the_summary_counts_what_is_shown_and_tells_of_incidents(desk: Desk) -> None:
    up, down, paused = [await desk.monitor(name) for name in ("Well", "Ill", "Resting")]
    await desk.all_up(up)
    await desk.all_up(down)
    await desk.down(down, *desk.regions)
    async with desk.served.tenant() as http:
        assert (await http.post(f"/api/v1/monitors/{paused}/pause")).status_code == 200
        told = (await http.get(SUMMARY)).json()
    assert told["monitors"] == {"total": 3, "enabled": 2, "paused": 1}
    assert told["states"] == {"down": 1, "degraded": 0, "unknown": 0, "up": 1, "maintenance": 0, "paused": 1}
    assert (told["open_incidents"], told["last_24h"]["incidents"]) == (1, 1)
    assert [(each["name"], each["state"]) for each in told["recent_incidents"]] == [("Ill", "triggered")]


async def test_the_day_of_all_is_the_sum_of_the_days_of_each(database: Database, desk: Desk) -> None:
    steady, changed = await desk.monitor("Steady"), await desk.monitor("Changed")
    await desk.all_up(changed)
    async with database.owner() as conn:
        await conn.execute(AGED)
        await conn.execute(STEADY, steady)
    async with desk.served.tenant() as http:
        told = (await http.get(SUMMARY)).json()["last_24h"]
        each = (await http.get(f"/api/v1/monitors/{changed}/uptime")).json()
    day = 86_400
    assert abs(told["seconds"]["up"] - day - each["seconds"]["up"]) <= 5
    assert abs(told["seconds"]["unknown"] - each["seconds"]["unknown"]) <= 5
    assert told["uptime_pct"] == 100.0


async def test_the_slowest_come_first(database: Database, desk: Desk) -> None:
    names = ("Quick", "Slow")
    tenant_id = desk.served.home.tenant_id
    for mean_us, name in zip((3000, 9000), names, strict=True):
        monitor_id = await desk.monitor(name)
        async with database.owner() as conn:
            await conn.execute(FINE.strip().rstrip(";"), monitor_id, tenant_id, mean_us)
            await conn.execute(WALKED, 300_000)
    async with desk.served.tenant() as http:
        told = (await http.get(SUMMARY)).json()
    slowest = told["slowest"]
    assert told["slowest_window_secs"] == 900
    assert [(each["name"], each["avg"], each["samples"]) for each in slowest] == [("Slow", 3.0, 9), ("Quick", 1.0, 9)]


async def test_a_key_without_incidents_is_told_nothing_of_them(desk: Desk) -> None:
    async with desk.served.tenant() as http:
        made = (await http.post("/api/v1/keys", json={"label": "Wall", "scopes": ["monitors:read"]})).json()
    async with desk.served.client(made["key"]) as http:
        told = (await http.get(SUMMARY)).json()
    assert (told["open_incidents"], told["recent_incidents"], told["last_24h"]["incidents"]) == (None, None, None)


async def test_sparklines_are_of_the_last_day_hour_by_hour(database: Database, desk: Desk) -> None:
    monitor_id, other = await desk.monitor(), await desk.monitor("Other")
    await desk.report(monitor_id, "eu", "up", seconds_ago=1)
    now_ms = int(desk.served.deps.now().timestamp() * 1000)
    hour = now_ms - now_ms % 3_600_000 - 5 * 3_600_000
    async with database.owner() as conn:
        await conn.execute(HOUR, monitor_id, desk.served.home.tenant_id, hour)
        await conn.execute(WALKED, now_ms - now_ms % 3_600_000 - 3_600_000)
    async with desk.served.tenant() as http:
        reply = await http.get(SPARKS, params={"ids": f"{other},{monitor_id},{uuid4()}"})
    told = reply.json()
    assert [each["monitor_id"] for each in told["items"]] == [str(other), str(monitor_id)]
    buckets = told["items"][1]["buckets"]
    assert len(buckets) == 24
    five_ago = next(each for each in buckets if each["up"] == 15)
    assert (five_ago["outcome"], five_ago["down"], five_ago["p50"] is not None) == ("down", 3, True)
    assert sum(each["up"] for each in buckets) == 16
    assert all(each["outcome"] is None for each in told["items"][0]["buckets"])


async def test_ids_have_to_be_ids_and_not_too_many(desk: Desk) -> None:
    async with desk.served.tenant() as http:
        for ids in ("x" * 36, ",".join(str(uuid4()) for _ in range(101)), ""):
            reply = await http.get(SPARKS, params={"ids": ids})
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_IDS")
        assert (await http.get(SPARKS)).json()["error"]["code"] == "MISSING_PARAMETER"
