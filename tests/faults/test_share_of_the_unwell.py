"""An agent that cannot judge gives its share away, and gets it back once it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.agent_process import NOBODY
from tests.support.farm import SOURCES, Child, Farm, a_farm, free_port
from tests.support.waiting import until_async

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

MONITORS = 24
INTERVAL_S = 10
PATIENCE_S = 90.0
"""It notices within a self-test (10 s), its place is taken within two polls (10 s), and the machine may be busy."""


async def test_the_share_of_an_agent_without_its_canary_moves_and_comes_back(dsn: str, tmp_path: Path) -> None:
    canary = free_port()
    async with AsyncExitStack() as canaries, a_farm(dsn, tmp_path) as farm:
        await canaries.enter_async_context(_listening(canary))
        await farm.start_control_plane()
        await _start(farm, farm.home.probe_keys["eu"], canaries=f"127.0.0.1:{canary}")
        await _start(farm, (await farm.another_agent("eu"))[1])
        await farm.wait_agents(2)
        await _watch(farm)
        await until_async(lambda: _run_by(farm, 2), "both have a share", timeout=PATIENCE_S)

        await canaries.aclose()
        await until_async(lambda: _is_well(farm, 1), "one is not well", timeout=PATIENCE_S)
        await until_async(lambda: _run_by(farm, 1), "the other runs everything", timeout=PATIENCE_S)

        async with _listening(canary):
            await until_async(lambda: _is_well(farm, 2), "both are well", timeout=PATIENCE_S)
            await until_async(lambda: _run_by(farm, 2), "both have a share again", timeout=PATIENCE_S)
        assert await farm.audit() == []


async def _start(farm: Farm, key: str, **settings: str) -> Child:
    return await farm.start_agent_elsewhere(
        key, prefix=(), url=farm.url, source_address=SOURCES["eu"], resolvers=NOBODY, **settings
    )


@asynccontextmanager
async def _listening(port: int) -> AsyncIterator[None]:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


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


async def _is_well(farm: Farm, count: int) -> bool:
    found = await farm.rows("SELECT count(*) AS n FROM agents WHERE healthy AND lease_until > now()")
    return bool(found[0]["n"] == count)


async def _run_by(farm: Farm, agents: int) -> bool:
    """Every monitor's two newest slots of the last half minute come from so many agents in all."""
    found = await farm.rows(
        """
        SELECT count(DISTINCT agent_number) AS agents, count(DISTINCT monitor_id) AS monitors, count(*) AS n
        FROM (SELECT monitor_id, agent_number, slot,
                     row_number() OVER (PARTITION BY monitor_id ORDER BY slot DESC) AS nth
              FROM results WHERE slot > (extract(epoch FROM now()) - 30) * 1000) newest
        WHERE nth <= 2
        """
    )
    row = found[0]
    return bool((row["agents"], row["monitors"], row["n"]) == (agents, MONITORS, 2 * MONITORS))
