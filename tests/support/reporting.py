"""Agents of a world's regions that report what a test says they saw."""

from __future__ import annotations

import time
from uuid import UUID

from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from shared.results import CheckResult, Detail, Evidence, Outcome, Reason
from tests.support import seed
from tests.support.tenant_world import World


def now_ms() -> int:
    """This machine's clock, which is also the test database's."""
    return time.time_ns() // 1_000_000


async def reporters(world: World) -> dict[str, Reporter]:
    """A live agent in each region."""
    made = {}
    async with world.database.app() as conn:
        for slug, region_id in world.regions.items():
            agent_id, _ = await seed.an_agent(conn, region_id)
            number = await conn.fetchval("SELECT number FROM agents WHERE id = $1", agent_id)
            made[slug] = Reporter(agent_id, number, region_id)
    return made


async def report(
    world: World, reporter: Reporter, monitor_id: str, outcome: str, *, slot: int, check_version: int = 1
) -> str:
    """One result through the ingest; returns what became of it."""
    result = CheckResult(
        monitor_id=UUID(monitor_id),
        check_version=check_version,
        slot=slot,
        outcome=Outcome(outcome),
        reason=Reason.CONNECT if outcome == "down" else Reason.NONE,
        dns=1.5,
        connect=2.25,
        total=12.5,
        detail=Detail(message="connection refused", address="192.0.2.1", evidence=Evidence(status_line="HTTP/1.1 500")),
    )
    taken = await ingest_results(world.database, reporter, sent_at=now_ms(), items=[result])
    return taken.statuses[0]


async def outage(world: World, monitor_id: str) -> dict[str, Reporter]:
    """Up everywhere, then down everywhere, twice: an incident opens."""
    agents = await reporters(world)
    begun = now_ms()
    for at, outcome in enumerate(("up", "down", "down")):
        for reporter in agents.values():
            await report(world, reporter, monitor_id, outcome, slot=begun + at)
    return agents
