"""/incidents/stats: what is counted, and that counting reads no more than the tenant's range."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from control_plane.store import incident_stats
from tests.support import seed
from tests.support.tenant_world import World

STATS = "/incidents/stats?from=2026-03-01T00:00:00Z&to=2026-03-04T00:00:00Z"
INSERT = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, origin, title, type, severity, state, phase, cause,
    started_at, opened_at, acknowledged_at, resolved_at, resolution)
SELECT $1, $2, $3, $4, CASE WHEN $4::uuid IS NULL THEN 'person' ELSE 'monitor' END, 'T', $5, $6, $7, 'investigating',
    'C', o.at, o.at, o.at + $9::float8 * interval '1 second', o.at + $10::float8 * interval '1 second', $11
FROM (SELECT $8::text::timestamptz AS at) o
"""


async def an_incident(
    world: World,
    number: int,
    monitor_id: str | None,
    opened: str,
    *,
    type_: str = "down",
    severity: str = "major",
    acknowledged_after: float | None = None,
    resolved_after: float | None = None,
    resolution: str | None = "recovered",
) -> UUID:
    incident_id = seed.new_id()
    state = "resolved" if resolved_after is not None else "acknowledged" if acknowledged_after else "triggered"
    await world.rows(
        INSERT,
        world.tenant_id,
        incident_id,
        number,
        UUID(monitor_id) if monitor_id else None,
        type_,
        severity,
        state,
        opened,
        acknowledged_after,
        resolved_after,
        resolution if resolved_after is not None else None,
    )
    return incident_id


@pytest.fixture
async def monitors(world: World) -> tuple[str, str]:
    """Two monitors: the first had three incidents in the range, the second one; one is nobody's."""
    first = (await world.monitor(name="One"))["id"]
    second = (await world.monitor(name="Two"))["id"]
    await an_incident(world, 1, first, "2026-03-01T00:00:00Z", acknowledged_after=60, resolved_after=600)
    await an_incident(world, 2, first, "2026-03-01T23:59:59.999Z", severity="minor", resolved_after=1200)
    await an_incident(world, 3, first, "2026-03-03T12:00:00Z", acknowledged_after=180, type_="flapping")
    await an_incident(world, 4, second, "2026-03-03T13:00:00Z", resolved_after=9000, resolution="paused")
    third = await an_incident(world, 5, None, "2026-03-03T14:00:00Z", severity="critical", type_="degraded")
    await world.rows("INSERT INTO incident_monitors VALUES ($1, $2, $3)", world.tenant_id, third, UUID(second))
    await an_incident(world, 6, first, "2026-03-04T00:00:00Z", resolved_after=1)  # the end is not of the range
    await an_incident(world, 7, first, "2026-02-28T23:59:59.999Z", resolved_after=1)
    return first, second


async def test_incidents_are_counted_by_everything_that_they_are(world: World, monitors: tuple[str, str]) -> None:
    stats = await world.get(STATS)
    assert (stats["total"], stats["open"], stats["reopened"]) == (5, 2, 0)
    assert stats["by_severity"] == {"minor": 1, "major": 3, "critical": 1}
    assert stats["by_state"] == {"triggered": 1, "acknowledged": 1, "resolved": 3}
    assert stats["by_type"] == {"down": 3, "degraded": 1, "flapping": 1}
    assert stats["by_origin"] == {"monitor": 4, "person": 1}
    assert stats["per_day"] == [
        {"day": "2026-03-01", "incidents": 2},
        {"day": "2026-03-02", "incidents": 0},
        {"day": "2026-03-03", "incidents": 3},
    ]


async def test_the_means_leave_out_what_nobody_repaired(world: World, monitors: tuple[str, str]) -> None:
    stats = await world.get(STATS)
    assert (stats["mtta_seconds"], stats["mttr_seconds"]) == (120.0, 900.0)


async def test_the_noisiest_come_first_declared_ones_included(world: World, monitors: tuple[str, str]) -> None:
    noisy = (await world.get(STATS))["noisiest"]
    assert [(each["name"], each["incidents"]) for each in noisy] == [("One", 3), ("Two", 2)]
    assert noisy[0]["open_seconds"] > 1800, "the one that is still open counts until now"


async def test_one_monitor_alone(world: World, monitors: tuple[str, str]) -> None:
    stats = await world.get(f"{STATS}&monitor_id={monitors[1]}")
    assert (stats["total"], stats["mtta_seconds"], stats["mttr_seconds"]) == (2, None, None)
    assert [each["name"] for each in stats["noisiest"]] == ["Two"]


async def test_nothing_is_null_and_not_zero_seconds(world: World) -> None:
    stats = await world.get("/incidents/stats")
    assert (stats["total"], stats["mtta_seconds"], stats["mttr_seconds"], stats["noisiest"]) == (0, None, None, [])
    assert len(stats["per_day"]) in (30, 31)


async def test_time_to_acknowledge_counts_from_the_last_reopening(world: World, monitors: tuple[str, str]) -> None:
    await world.rows(
        "UPDATE incidents SET reopened = 1, reopened_at = acknowledged_at - interval '20 seconds' WHERE number = 3"
    )
    stats = await world.get(STATS)
    assert (stats["reopened"], stats["mtta_seconds"]) == (1, 40.0)


async def test_a_stranger_counts_nothing(world: World, monitors: tuple[str, str]) -> None:
    path = f"/api/v1{STATS}"
    assert (await world.stranger.get(path)).json()["total"] == 0
    reply = await world.stranger.get(f"{path}&monitor_id={monitors[0]}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "MONITOR_NOT_FOUND")


@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
    ],
)
async def test_a_range_that_is_none_or_too_long_is_refused(world: World, query: str) -> None:
    reply = await world.http.get(f"/api/v1/incidents/stats?{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BAD_TIME_RANGE")


FILL = """
INSERT INTO incidents (tenant_id, id, number, severity, state, cause, started_at, opened_at)
SELECT $1, gen_random_uuid(), n, 'major', 'resolved', 'C', t.at, t.at
FROM generate_series($2::int, $3::int) n, LATERAL (SELECT now() - n * interval '1 hour' AS at) t
"""


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(each for child in plan.get("Plans", ()) for each in nodes(child))]


@pytest.mark.parametrize("name", ["TALLY_INCIDENTS", "NOISIEST_MONITORS", "INCIDENTS_PER_DAY"])
async def test_a_range_is_read_through_the_tenants_index(world: World, name: str) -> None:
    async with world.database.owner() as conn:
        for tenant_id in (world.tenant_id, world.stranger_id):
            await conn.execute(FILL, tenant_id, 1, 4000)
        await conn.execute("ANALYZE incidents, incident_monitors")
        more = ", 10, now()" if name == "NOISIEST_MONITORS" else ""
        statement: str = getattr(incident_stats, name)
        await conn.execute("PREPARE counted AS " + statement)
        arguments = f"'{world.tenant_id}', now() - interval '2 days', now(), NULL{more}"
        (row,) = await conn.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE counted ({arguments})")
    found = row["QUERY PLAN"]
    plan = json.loads(found) if isinstance(found, str) else found
    every = nodes(plan[0]["Plan"])
    assert "incidents_opened" in {node.get("Index Name") for node in every}
    assert [node for node in every if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "incidents"] == []
