"""Two agents share a region's monitors; one is killed, the other takes over, and no slot is run or stored twice."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from pathlib import Path

import pytest

from tests.support.farm import Farm, a_farm
from tests.support.waiting import until_async

pytestmark = pytest.mark.slow

MONITORS = 40
INTERVAL_S = 10
WATCHED_S = 45
UNSTORED = 2
"""Visits of a page beyond its stored slots: what the killed agent had seen and not sent, and what is under way now."""


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

        visits = Counter(path for _, path in farm.site.visits)
        slots = await _slots(farm)
        pages = {path: count - slots[path] for path, count in visits.items()}
        assert max(pages.values()) <= UNSTORED, "a slot ran twice"
        assert sum(pages.values()) <= MONITORS // 2, "a share was run by both"

        gaps = await _gaps(farm)
        assert len(gaps) == MONITORS
        assert max(gaps.values()) <= 30_000 + INTERVAL_S * 1000
        assert await farm.audit() == []


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


async def _slots(farm: Farm) -> Counter[str]:
    """How many slots of each page are stored: one row a slot is the key's doing; the site tells what ran twice."""
    rows = await farm.rows(
        "SELECT m.name, count(*) AS n FROM results r JOIN monitors m ON m.id = r.monitor_id GROUP BY m.name"
    )
    return Counter({f"/{row['name'].removeprefix('Page ')}": row["n"] for row in rows})


async def _gaps(farm: Farm) -> dict[object, int]:
    """The longest time in ms between two neighbouring slots of each monitor, up to now."""
    rows = await farm.rows("SELECT monitor_id, slot FROM results ORDER BY monitor_id, slot")
    now = (await farm.rows("SELECT floor(extract(epoch FROM now()) * 1000)::bigint AS now"))[0]["now"]
    gaps: dict[object, int] = {}
    for monitor_id, group in itertools.groupby(rows, key=lambda row: row["monitor_id"]):
        slots = [row["slot"] for row in group]
        gaps[monitor_id] = max(b - a for a, b in itertools.pairwise([*slots, now]))
    return gaps
