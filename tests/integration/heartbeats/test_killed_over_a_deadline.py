"""Control planes in processes of their own that are killed when pings are expected."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from control_plane.store import cases, ping_door
from tests.support.farm import Farm, a_farm, free_port
from tests.support.heartbeats import a_heartbeat
from tests.support.ping_door import EARLIER, SHORT, Watched
from tests.support.waiting import until_async


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_control_plane_that_was_killed_over_a_deadline_pages_nobody_when_it_is_back(
    dsn: str, tmp_path: Path
) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        server = await farm.start_control_plane()
        met, missed = [await _pinged(farm) for _ in range(2)]
        await until_async(lambda: _has_spells(farm, 1), "the door is marked", timeout=30)
        await server.kill()
        await met.run(EARLIER, 30)
        await met.shift(45)  # expected 15 s ago, while nobody served
        await missed.shift(90)  # due 50 s ago, while somebody did
        await farm.start_control_plane()
        await until_async(lambda: _is(missed, "down"), "what was missed before is down", timeout=30)
        await until_async(lambda: _is(met, "unknown"), "what was missed meanwhile is unknown", timeout=30)
        assert (await missed.incidents(), await met.incidents()) == (1, 0)
        async with httpx.AsyncClient(base_url=farm.url, timeout=20, trust_env=False) as http:
            assert (await http.get(f"/ping/{met.ping_id}")).status_code == 200
        assert (await met.verdict(), await met.incidents()) == ("up", 0)
        assert await farm.audit() == []


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_one_of_two_processes_that_is_killed_closes_nothing(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        first = await farm.start_control_plane()
        await farm.start_control_plane(port=free_port())
        await until_async(lambda: _has_spells(farm, 2), "both mark the door", timeout=30)
        missed = await _pinged(farm)
        await first.kill()
        await until_async(lambda: _is_seen_again(farm), "the other goes on marking", timeout=30)
        await missed.shift(45)
        await until_async(lambda: _is(missed, "down"), "a miss counts", timeout=30)
        assert await missed.incidents() == 1
        async with farm.database.app() as conn:
            assert (await ping_door.read_door(conn, now_ms=await cases.database_clock_ms(conn))).closures == ()
        assert await farm.audit() == []


async def _pinged(farm: Farm) -> Watched:
    async with farm.database.app_transaction() as conn:
        monitor_id, ping_id = await a_heartbeat(conn, farm.home.tenant_id, **SHORT)
    async with httpx.AsyncClient(base_url=farm.url, timeout=20, trust_env=False) as http:
        assert (await http.get(f"/ping/{ping_id}")).status_code == 200
    return Watched(farm.database, monitor_id, ping_id)


async def _has_spells(farm: Farm, count: int) -> bool:
    return len(await farm.rows("SELECT FROM ping_door_spells WHERE seen_at > opened_at")) == count


async def _is_seen_again(farm: Farm) -> bool:
    ages = await farm.rows("SELECT clock_timestamp() - seen_at > interval '3 s' AS dead FROM ping_door_spells")
    return sorted(row["dead"] for row in ages) == [False, True]


async def _is(watched: Watched, verdict: str) -> bool:
    return await watched.verdict() == verdict
