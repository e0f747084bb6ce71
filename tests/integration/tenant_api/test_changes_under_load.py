"""Changing monitors while their regions report: nobody waits for ever, and nothing is left inconsistent."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.reporting import now_ms, report, reporters
from tests.support.tenant_world import World

ROUNDS = 12
INCONSISTENT = """
SELECT m.id FROM monitors m JOIN assignments a ON a.monitor_id = m.id AND a.removed_at IS NULL
WHERE a.check_version <> m.check_version OR NOT m.enabled OR a.region_id <> ALL (m.regions)
UNION
SELECT m.id FROM monitors m JOIN monitor_states s ON s.monitor_id = m.id
WHERE s.assigned <> (SELECT count(*) FROM assignments a WHERE a.monitor_id = m.id AND a.removed_at IS NULL)
UNION
SELECT monitor_id FROM incidents WHERE state <> 'resolved' GROUP BY monitor_id HAVING count(*) > 1
"""


async def test_changes_and_results_meet_without_harm(world: World) -> None:
    monitors = [await world.monitor(name=f"M{i}") for i in range(2)]
    agents = await reporters(world)

    async def changes(monitor: dict[str, Any]) -> set[int]:
        path = f"/api/v1/monitors/{monitor['id']}"
        statuses = set()
        for number in range(ROUNDS):
            body = [{"interval": 30 + number}, {"region_policy": "any" if number % 2 else "all"}, {"regions": None}]
            for each in (*body, {"regions": ["eu"]}):
                statuses.add((await world.http.patch(path, json=each)).status_code)
            for action in ("pause", "resume"):
                statuses.add((await world.http.post(f"{path}/{action}")).status_code)
        return statuses

    async def results(region: str, monitor: dict[str, Any]) -> set[str]:
        statuses = set()
        for number in range(ROUNDS * 3):
            row = (await world.rows("SELECT check_version FROM monitors WHERE number = $1", monitor["number"]))[0]
            outcome = "down" if number % 3 else "up"
            statuses.add(
                await report(
                    world,
                    agents[region],
                    monitor["id"],
                    outcome,
                    slot=now_ms(),
                    check_version=row["check_version"],
                )
            )
        return statuses

    changed, taken = await asyncio.gather(
        asyncio.gather(*(changes(monitor) for monitor in monitors)),
        asyncio.gather(*(results(region, monitor) for region in agents for monitor in monitors)),
    )
    assert set().union(*changed) == {200}
    assert set().union(*taken) <= {"stored", "late", "duplicate", "rejected:UNKNOWN_MONITOR"}
    assert await world.rows(INCONSISTENT) == []
