"""Two agents share a region's monitors; one is killed, the other takes over, and no slot is stored twice."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from tests.support.farm import Farm, a_farm
from tests.support.waiting import until_async

pytestmark = pytest.mark.slow

MONITORS = 40
INTERVAL_S = 10
WATCHED_S = 45


async def test_the_share_of_a_killed_agent_is_taken_over_within_thirty_seconds(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        await farm.start_control_plane()
        doomed = await farm.start_agent("eu")
        _, key = await farm.another_agent("eu")
        await farm.start_agent("eu", key=key)
        await farm.wait_agents(2)
        await _watch(farm)
        await until_async(lambda: _both_work(farm), "both agents report", timeout=40)

        await doomed.kill()
        await asyncio.sleep(WATCHED_S)  # what is shown is that no gap opens in this time

        gaps = await _gaps(farm)
        assert len(gaps) == MONITORS
        assert max(gaps.values()) <= 30_000 + INTERVAL_S * 1000


async def _watch(farm: Farm) -> None:
    async with farm.api() as api:
        for number in range(MONITORS):
            body = {
                "name": f"Page {number}",
                "check": farm.site.url(f"/{number}"),
                "interval": INTERVAL_S,
                "regions": ["eu"],
            }
            assert (await api.post("/monitors", json=body)).status_code == 201


async def _both_work(farm: Farm) -> bool:
    found = await farm.rows(
        "SELECT count(DISTINCT agent_number) AS agents, count(DISTINCT monitor_id) AS m FROM results"
    )
    return bool(found[0]["agents"] == 2 and found[0]["m"] == MONITORS)


async def _gaps(farm: Farm) -> dict[object, int]:
    """The longest time in ms between two neighbouring slots of each monitor, up to now. One row a slot is the key's
    doing; that no slot ran twice is seen on the site.
    """
    rows = await farm.rows("SELECT monitor_id, slot FROM results ORDER BY monitor_id, slot")
    now = (await farm.rows("SELECT floor(extract(epoch FROM now()) * 1000)::bigint AS now"))[0]["now"]
    gaps: dict[object, int] = {}
    for monitor_id, group in itertools.groupby(rows, key=lambda row: row["monitor_id"]):
        slots = [row["slot"] for row in group]
        gaps[monitor_id] = max(b - a for a, b in itertools.pairwise([*slots, now]))
    return gaps
