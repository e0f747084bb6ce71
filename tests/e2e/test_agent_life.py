"""An agent's life against a real control plane: joining, a rotated key, and a stop that hands its share over."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.farm import SOURCES, Child, Farm, a_farm
from tests.support.serving import OPERATOR_SECRET
from tests.support.waiting import until_async

pytestmark = pytest.mark.slow

INTERVAL_S = 10
MONITORS = 30


def operator(farm: Farm) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {OPERATOR_SECRET}"}
    return httpx.AsyncClient(base_url=f"{farm.url}/operator", headers=headers, timeout=20, trust_env=False)


async def join(farm: Farm, directory: Path, key: str, url: str = "") -> tuple[int, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FARWATCH_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "join", url or farm.url, "--key", key, "--state-dir", str(directory)),
        env=plain,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, err.decode()


async def seconds_for_help() -> float:
    """How long the command takes to say how it is used: some 50 ms, or more where others keep the machine busy."""
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "--help"), stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    return time.monotonic() - begun


async def start_joined(farm: Farm, directory: Path, region: str, **more: str) -> Child:
    """An agent that knows from `join` alone whom to ask, with which key."""
    environment = {
        "FARWATCH_AGENT__STATE_DIR": str(directory),
        "FARWATCH_AGENT__SOURCE_ADDRESS": SOURCES[region],
        "FARWATCH_AGENT__RESOLVERS": "127.0.0.1:1",
        **more,
    }
    return await farm._start(f"joined-{region}-{directory.name}", ("-m", "agent", "run"), environment)


async def watch(farm: Farm, count: int) -> None:
    async with farm.api() as api:
        for number in range(count):
            body = {
                "name": f"Page {number}",
                "check": farm.site.url(f"/{number}"),
                "interval": INTERVAL_S,
                "regions": ["eu"],
            }
            assert (await api.post("/monitors", json=body)).status_code == 201


async def agents_at_work(farm: Farm, count: int) -> bool:
    rows = await farm.rows(
        "SELECT count(DISTINCT agent_number) AS agents, count(DISTINCT monitor_id) AS m FROM results"
    )
    return bool(rows[0]["agents"] >= count and rows[0]["m"] == MONITORS)


async def slots(farm: Farm) -> dict[Any, list[tuple[int, int]]]:
    """Every monitor's stored slots in order, each with the agent that ran it."""
    rows = await farm.rows("SELECT monitor_id, slot, agent_number FROM results ORDER BY monitor_id, slot")
    return {
        monitor: [(row["slot"], row["agent_number"]) for row in group]
        for monitor, group in itertools.groupby(rows, key=lambda row: row["monitor_id"])
    }


def assert_no_slot_is_lost(found: dict[Any, list[tuple[int, int]]]) -> None:
    for monitor, known in found.items():
        # The first slot of a monitor lies before its regular ones, at any distance up to the interval.
        first, *later = [b - a for (a, _), (b, _) in itertools.pairwise(known)]
        assert first <= INTERVAL_S * 1000, (monitor, known)
        assert set(later) <= {INTERVAL_S * 1000}, (monitor, known)


async def test_an_agent_that_joins_and_runs_is_live_in_the_fleet_within_ten_seconds(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm, operator(farm) as fleet:
        await farm.start_control_plane()
        made = await fleet.post("/agents", json={"region": "eu", "name": "newcomer"})
        assert made.status_code == 201, made.text
        allowed_s = max(10.0, 100 * await seconds_for_help())
        begun = time.monotonic()
        code, err = await join(farm, tmp_path / "new", made.json()["key"])
        assert (code, "joined region eu" in err) == (0, True), err
        known = (await fleet.get(f"/agents/{made.json()['id']}")).json()
        assert (known["live"], known["last_seen_at"] is None) == (False, False), "a join alone holds no share"

        child = await start_joined(farm, tmp_path / "new", "eu")

        async def is_live() -> bool:
            listed = (await fleet.get("/agents", params={"region": "eu"})).json()["items"]
            return any(each["name"] == "newcomer" and each["live"] and each["version"] for each in listed)

        await until_async(is_live, f"it is live in the fleet list, see {child.log}", timeout=30)
        assert time.monotonic() - begun < allowed_s


async def test_a_rotated_key_is_taken_up_from_its_file_without_a_restart_or_a_gap(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm, operator(farm) as fleet:
        await farm.start_control_plane()
        made = (await fleet.post("/agents", json={"region": "eu", "name": "rotating"})).json()
        file = tmp_path / "probe_key"
        file.write_text(made["key"])
        more = {"FARWATCH_AGENT__URL": farm.url, "FARWATCH_AGENT__KEY_FILE": str(file)}
        child = await start_joined(farm, tmp_path / "rotating", "eu", **more)
        await farm.wait_agents(1)
        await watch(farm, MONITORS)
        await until_async(lambda: agents_at_work(farm, 1), "every monitor has a result", timeout=60)

        rotated = (await fleet.post(f"/agents/{made['id']}/rotate")).json()
        file.write_text(rotated["key"] + "\n")
        child.process.send_signal(signal.SIGHUP)
        await until_async(lambda: _says(child, "the probe key has changed"), "it takes the key up", timeout=30)
        await farm.rows("UPDATE agents SET previous_key_until = now() WHERE id = $1 RETURNING id", made["id"])

        async def three_more() -> bool:
            return all(len(each) >= 3 for each in (await slots(farm)).values())

        await until_async(three_more, "checks go on under the new key alone", timeout=90)
        assert child.process.returncode is None
        assert "refuses this agent" not in child.log.read_text()
        assert_no_slot_is_lost(await slots(farm))


async def _says(child: Child, text: str) -> bool:
    return text in child.log.read_text()


async def test_an_agent_told_to_stop_hands_its_share_over_and_no_slot_is_lost(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        await farm.start_control_plane()
        leaver = await farm.start_agent("eu")
        _, key = await farm.another_agent("eu")
        stayer = await farm.start_agent("eu", key=key)
        await farm.wait_agents(2)
        await watch(farm, MONITORS)
        await until_async(lambda: agents_at_work(farm, 2), "both agents report", timeout=60)

        before = await farm.rows("SELECT max(slot) AS slot FROM results")
        leaver.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(leaver.process.wait(), 60) == 0, leaver.log.read_text()
        live = await farm.rows("SELECT name FROM agents WHERE lease_until > now()")
        assert len(live) == 1, "its lease ended with it"
        assert stayer.process.returncode is None

        async def stayer_runs_all() -> bool:
            found = await slots(farm)
            return all(len([1 for slot, _ in each if slot > before[0]["slot"]]) >= 2 for each in found.values())

        await until_async(stayer_runs_all, "the other one runs all monitors", timeout=90)
        found = await slots(farm)
        assert len({known[-1][1] for known in found.values()}) == 1, "the latest slots are all one agent's"
        assert_no_slot_is_lost(found)
