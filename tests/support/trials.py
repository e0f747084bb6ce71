"""An agent that answers tests of checks that are not saved, as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from control_plane.services.fleet.hand_out_dispatches import claim_dispatches, store_tests
from shared.ids import AgentId
from shared.protocol import Dispatch, TestOutcome
from shared.results import CheckResult, Detail, Outcome, Reason
from tests.support.dashboard import Desk

AGENT = "SELECT id FROM agents WHERE region_id = $1"
SEEN: dict[str, dict[str, Any]] = {
    "up": {"outcome": Outcome.UP, "http_status": 200, "ttfb": 48.5, "download": 2.1},
    "down": {"outcome": Outcome.DOWN, "reason": Reason.STATUS, "http_status": 502, "ttfb": 12.0},
    "degraded": {"outcome": Outcome.DEGRADED, "reason": Reason.SLOW, "http_status": 200, "ttfb": 2100.0},
    "error": {"outcome": Outcome.ERROR, "reason": Reason.UNHEALTHY},
}


@asynccontextmanager
async def answering(desk: Desk, region: str, seen: str) -> AsyncIterator[list[Dispatch]]:
    """An agent of the region that answers every test so; what it was handed is listed."""
    handed: list[Dispatch] = []
    async with desk.database.app() as conn:
        agent = AgentId(await conn.fetchval(AGENT, desk.regions[region]))
    task = asyncio.create_task(_work(desk, agent, desk.regions[region], seen, handed))
    try:
        yield handed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _work(desk: Desk, agent: AgentId, region_id: int, seen: str, handed: list[Dispatch]) -> None:
    while True:
        due = await claim_dispatches(desk.database, desk.served.deps.sealer, agent_id=agent, region_id=region_id)
        for item in due.items:
            handed.append(item)
            result = CheckResult(
                monitor_id=item.id,
                check_version=1,
                slot=item.slot,
                dns=1.2,
                connect=8.4,
                total=60.2,
                detail=Detail(message=f"it was {seen}"),
                **SEEN[seen],
            )
            await store_tests(desk.database, [TestOutcome(item.id, result)], region_id=region_id)
        await asyncio.sleep(0.02)
