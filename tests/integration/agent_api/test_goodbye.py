"""POST /goodbye: the lease ends at once, the others are hinted at it, and the leaver hears when all have looked."""

from __future__ import annotations

from typing import Any

from control_plane.store.pool import Database
from tests.support.door import Served
from tests.support.seed import a_region, an_agent

GOODBYE = "/api/agent/v1/goodbye"
POLL = "/api/agent/v1/assignments?cursor="


async def test_a_goodbye_ends_the_lease_and_is_handed_over_once_the_others_have_polled(
    door: Served, database: Database
) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn)
        leaver, leaver_key = await an_agent(conn, region_id)
        stayer, stayer_key = await an_agent(conn, region_id)
    async with door.client(leaver_key) as leaving, door.client(stayer_key) as staying:
        assert set(_agents(await staying.get(POLL))) == {str(leaver), str(stayer)}
        assert set(_agents(await leaving.get(POLL))) == {str(leaver), str(stayer)}
        with door.deps.hub.subscribe(f"farwatch_assignments:{region_id}") as hints:
            first = await leaving.post(GOODBYE)
            assert await hints.get(10), "the region's other agents are hinted at the goodbye"
        assert (first.status_code, first.json()["handed_over"]) == (200, False)
        assert (await leaving.post(GOODBYE)).json()["handed_over"] is False

        assert _agents(await staying.get(POLL)) == [str(stayer)]
        assert (await leaving.post(GOODBYE)).json()["handed_over"] is True

        await leaving.get(POLL)
        assert str(leaver) in _agents(await staying.get(POLL)), "an agent that polls again is back"


async def test_a_lone_agent_has_nobody_to_wait_for(door: Served, database: Database) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn)
        _, key = await an_agent(conn, region_id)
        gone, _ = await an_agent(conn, region_id)
        await conn.execute("UPDATE agents SET lease_until = now() - interval '1 minute' WHERE id = $1", gone)
    async with door.client(key) as agent:
        answer = await agent.post(GOODBYE)
    assert answer.json()["handed_over"] is True


def _agents(answer: Any) -> list[str]:
    assert answer.status_code == 200
    agents: list[str] = answer.json()["agents"]
    return agents
