"""Removing an agent or a region while the watch over the fleet is at its incidents: neither waits in a circle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from control_plane.services.fleet.change_region import remove_region
from control_plane.services.fleet.issue_probe_key import remove_agent
from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.services.fleet.write_operator_incidents import Change, Place, write_operator_incidents
from control_plane.services.installation.identity import new_id
from control_plane.store import operator_incidents
from control_plane.store.pool import Database
from shared.ids import AgentId
from tests.support import seed
from tests.support.waiting import until_async

WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""
GONE = "UPDATE agents SET lease_until = now() - interval '31 seconds' WHERE id = $1"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
INCIDENTS = "SELECT kind, agent_id, region_id FROM operator_incidents ORDER BY number"


def skewed(agent_id: AgentId, region_id: int) -> Change:
    return Change(
        id=new_id(),
        kind="agent_skewed",
        subject=str(agent_id),
        severity="major",
        place=Place(agent_id=agent_id, agent="a1", region_id=region_id, region="eu", region_name="EU"),
        cause="Agent a1 of region eu is skewed.",
        reason="Its clock is 40 s ahead of the server's clock",
        details={},
    )


async def _remove_agent(database: Database, agent_id: AgentId) -> None:
    await remove_agent(database, agent_id)


async def _remove_region(database: Database, _agent_id: AgentId) -> None:
    await remove_region(database, "eu")


@pytest.mark.parametrize("remove", [_remove_agent, _remove_region])
async def test_both_go_through(database: Database, remove: Callable[[Database, AgentId], Awaitable[None]]) -> None:
    async with database.app_transaction() as conn:
        region_id = await seed.a_region(conn, "eu")
        agent_id, _ = await seed.an_agent(conn, region_id)
        await conn.execute(WATCHED)
        await conn.execute(GONE, agent_id)
    await watch_fleet(database, release="1.0.0")

    async with asyncio.TaskGroup() as tasks, database.app_transaction() as watch:
        assert len(await operator_incidents.hold_open(watch, kinds=["agent_offline"])) == 1
        tasks.create_task(_awaited(remove(database, agent_id)))
        await until_async(lambda: _is_waiting(database), "the removal waits for the watch")
        await write_operator_incidents(watch, [skewed(agent_id, region_id)], now=datetime.now(UTC))

    async with database.app() as conn:
        left = [tuple(row) for row in await conn.fetch(INCIDENTS)]
        assert await conn.fetchval("SELECT count(*) FROM agents") == 0
    kept = None if remove is _remove_region else region_id
    assert left == [("agent_offline", None, kept), ("agent_skewed", None, kept)]


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def _is_waiting(database: Database) -> bool:
    async with database.app() as conn:
        count: int = await conn.fetchval(WAITING)
    return count > 0
