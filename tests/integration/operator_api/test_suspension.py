"""A suspended tenant is not checked: its monitors leave its agents, and come back with its release."""

from __future__ import annotations

from uuid import UUID

import httpx
import msgspec

from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.pool import Database
from shared.protocol import Assignments
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent
from tests.support.serving import ControlPlane, control_plane


async def poll(agent: httpx.AsyncClient, cursor: str = "") -> Assignments:
    answer = await agent.get("/api/agent/v1/assignments", params={"cursor": cursor})
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Assignments)


async def suspend(served: ControlPlane, tenant_id: UUID, *, suspended: bool) -> None:
    async with served.operator() as http:
        reply = await http.patch(f"/operator/tenants/{tenant_id}", json={"suspended": suspended})
    assert reply.status_code == 200, reply.text


async def test_a_suspension_takes_a_tenants_monitors_from_its_agents_until_it_ends(database: Database) -> None:
    async with control_plane(database, regions=(RegionDefinition("home", "Home"),)) as served:
        async with served.tenant() as http:
            reply = await http.post("/api/v1/monitors", json={"name": "API", "check": "http://127.0.0.1:8080/"})
        monitor_id = UUID(reply.json()["id"])
        async with served.client(served.home.probe_keys["home"]) as agent:
            begun = await poll(agent)
            await suspend(served, served.home.tenant_id, suspended=True)
            told, fresh = await poll(agent, begun.cursor), await poll(agent)
            await suspend(served, served.home.tenant_id, suspended=False)
            again, whole = await poll(agent, told.cursor), await poll(agent)
    assert [each.monitor_id for each in begun.upserts] == [monitor_id]
    assert (told.snapshot, told.upserts, told.removes) == (False, (), (monitor_id,))
    assert fresh.upserts == ()
    assert told.digest == fresh.digest == "0" * 16
    assert [each.monitor_id for each in again.upserts] == [monitor_id]
    assert [each.monitor_id for each in whole.upserts] == [monitor_id]
    assert again.digest == whole.digest


async def test_a_suspension_leaves_the_other_tenants_of_a_region_alone(database: Database) -> None:
    async with control_plane(database) as served:
        async with database.app() as conn:
            suspended, other, region_id = await a_tenant(conn), await a_tenant(conn, "Other"), await a_region(conn)
            _, key = await an_agent(conn, region_id)
            gone = await a_monitor(conn, suspended, [region_id])
            kept = await a_monitor(conn, other, [region_id])
        async with served.client(key) as agent:
            begun = await poll(agent)
            await suspend(served, suspended, suspended=True)
            told = await poll(agent, begun.cursor)
            fresh = await poll(agent)
    assert {each.monitor_id for each in begun.upserts} == {gone, kept}
    assert told.removes == (gone,)
    assert [each.monitor_id for each in fresh.upserts] == [kept]
