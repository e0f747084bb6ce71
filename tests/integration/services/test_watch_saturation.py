"""When half of the fleet has more to do than it can, the operator hears of the fleet."""

from __future__ import annotations

from control_plane.services.fleet.observe_agent import observe_agent
from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.store.pool import Database
from shared.ids import AgentId
from shared.protocol import Observations
from tests.support import seed
from tests.support.reporting import now_ms

WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""
LASTING = "UPDATE agents SET strained_since = strained_since - interval '2 minutes'"
OPEN = "SELECT kind FROM operator_incidents WHERE state <> 'resolved' ORDER BY kind"


async def _busy(database: Database, agents: list[AgentId], busy: int) -> list[str]:
    for number, agent_id in enumerate(agents):
        said = Observations(sent_at=now_ms(), healthy=True, saturation=1.0 if number < busy else 0.0)
        await observe_agent(database, agent_id=agent_id, said=said)
    async with database.app() as conn:
        await conn.execute(LASTING)
    await watch_fleet(database, release="1.0.0")
    async with database.app() as conn:
        return [row["kind"] for row in await conn.fetch(OPEN)]


async def test_one_busy_agent_is_itself_and_two_of_four_are_the_fleet(database: Database) -> None:
    async with database.app_transaction() as conn:
        await conn.execute(WATCHED)
        regions = [await seed.a_region(conn, slug) for slug in ("eu", "us", "ap", "sa")]
        agents = [(await seed.an_agent(conn, region))[0] for region in regions]
    assert await _busy(database, agents, 1) == ["agent_saturated"]
    assert await _busy(database, agents, 2) == ["agent_saturated", "agent_saturated", "fleet_saturated"]
    assert await _busy(database, agents, 1) == ["agent_saturated"]
    assert await _busy(database, agents, 0) == []
