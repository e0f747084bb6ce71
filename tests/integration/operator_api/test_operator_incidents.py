"""/operator/channels, /operator/incidents and /operator/fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.receiver import Receiver, a_receiver, answer
from tests.support.serving import ControlPlane, control_plane, settings_with

OPERATOR_TENANT = "00000000-0000-0000-0000-000000000000"
GONE = "UPDATE agents SET lease_until = now() - interval '31 seconds' WHERE id = $1"
WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""
NOWHERE = "0197a2f0-0000-7000-8000-000000000000"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as receiver:
        yield receiver


@pytest.fixture
async def near(database: Database) -> AsyncIterator[ControlPlane]:
    """A control plane whose webhooks may go to loopback."""
    async with control_plane(database, settings_with(delivery={"allow_cidrs": ("127.0.0.0/8",)})) as running:
        yield running


async def an_outage(database: Database) -> str:
    async with database.app_transaction() as conn:
        agent_id, _ = await seed.an_agent(conn, await seed.a_region(conn, "eu"))
        await seed.an_agent(conn, await seed.a_region(conn, "us"))
        await conn.execute(GONE, agent_id)
        await conn.execute(WATCHED)
    await watch_fleet(database, release="0.0.1")
    return str(agent_id)


async def make(client: httpx.AsyncClient, receiver: Receiver, **over: Any) -> httpx.Response:
    body = {"name": "On call", "config": {"type": "webhook", "url": receiver.url()}, **over}
    return await client.post("/operator/channels", json=body)


async def test_a_channel_is_made_tested_changed_and_deleted(near: ControlPlane, receiver: Receiver) -> None:
    async with near.operator() as client:
        made = await make(client, receiver)
        assert made.status_code == 201, made.text
        assert made.json()["config"]["secret"].startswith("whsec_")
        path = made.headers["Location"]
        shown = (await client.get(path)).json()
        assert (shown["config"]["secret"], shown["config"]["url"]) == ("***", "***")
        assert (await client.get("/operator/channels")).json()["total"] == 1

        tested = await client.post(f"{path}/test")
        assert tested.json()["delivered"] is True
        assert len(await receiver.wait_for(1)) == 1
        receiver.otherwise = answer(500)
        failed = await client.post(f"{path}/test")
        assert (failed.status_code, failed.json()["error"]["code"]) == (422, "CHANNEL_TEST_FAILED")

        changed = await client.patch(path, json={"enabled": False})
        assert changed.json()["enabled"] is False
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404


async def test_the_operators_channels_are_no_tenants_and_the_other_way_round(
    near: ControlPlane, receiver: Receiver
) -> None:
    async with near.operator() as client, near.tenant() as tenant:
        channel = (await make(client, receiver)).json()
        assert (await tenant.get(f"/api/v1/channels/{channel['id']}")).status_code == 404
        body = {"name": "Mine", "config": {"type": "webhook", "url": receiver.url()}}
        mine = (await tenant.post("/api/v1/channels", json=body)).json()
        assert (await client.get(f"/operator/channels/{mine['id']}")).status_code == 404


async def test_the_operators_own_tenant_is_behind_no_door(near: ControlPlane, receiver: Receiver) -> None:
    async with near.operator() as client:
        assert (await make(client, receiver)).status_code == 201
        listed = (await client.get("/operator/tenants")).json()
        assert OPERATOR_TENANT not in [tenant["id"] for tenant in listed["items"]]
        assert listed["total"] == len(listed["items"])
        path = f"/operator/tenants/{OPERATOR_TENANT}"
        region = {"id": "trap", "name": "Trap", "tenant_id": OPERATOR_TENANT}
        refused = [
            await client.get(path),
            await client.patch(path, json={"name": "Mine now"}),
            await client.get(f"{path}/keys"),
            await client.post(f"{path}/keys", json={"label": "a way in"}),
            await client.post("/operator/regions", json=region),
        ]
    assert {(each.status_code, each.json()["error"]["code"]) for each in refused} == {(404, "TENANT_NOT_FOUND")}


async def test_an_incident_is_listed_read_and_acknowledged(served: ControlPlane, database: Database) -> None:
    agent_id = await an_outage(database)
    async with served.operator() as client:
        (incident,) = (await client.get("/operator/incidents?state=open")).json()["items"]
        assert (incident["kind"], incident["agent_id"], incident["region"]) == ("agent_offline", agent_id, "eu")
        path = f"/operator/incidents/{incident['id']}"
        acknowledged = (await client.post(f"{path}/acknowledge")).json()
        assert acknowledged["state"] == "acknowledged"
        again = (await client.post(f"{path}/acknowledge")).json()
        assert again["acknowledged_at"] == acknowledged["acknowledged_at"]
        assert (await client.get(path)).json() == again

        for query, total in (("state=triggered", 0), ("state=open", 1), ("kind=agent_skewed", 0), ("", 1)):
            assert (await client.get(f"/operator/incidents?{query}")).json()["total"] == total

        await client.delete(f"/operator/agents/{agent_id}")
        await watch_fleet(database, release="0.0.1")
        resolved = (await client.get(path)).json()
        assert (resolved["state"], resolved["resolution"], resolved["agent_name"]) == ("resolved", "removed", None)
        late = await client.post(f"{path}/acknowledge")
        assert (late.status_code, late.json()["error"]["code"]) == (409, "INCIDENT_RESOLVED")


async def test_an_incident_that_there_is_not_is_not_found(served: ControlPlane) -> None:
    async with served.operator() as client:
        path = f"/operator/incidents/{NOWHERE}"
        answers = [await client.get(path), await client.post(f"{path}/acknowledge")]
        bad = await client.get("/operator/incidents?state=nonsense")
    assert {(each.status_code, each.json()["error"]["code"]) for each in answers} == {(404, "INCIDENT_NOT_FOUND")}
    assert bad.status_code == 400


async def test_the_fleet_shows_how_every_agent_is(served: ControlPlane, database: Database) -> None:
    lost = await an_outage(database)
    async with served.operator() as client:
        fleet = (await client.get("/operator/fleet")).json()
        states = {agent["region"]: (agent["state"], agent["alerts"]) for agent in fleet["items"]}
        assert states == {"eu": ("offline", ["agent_offline"]), "us": ("ok", [])}
        troubled = (await client.get("/operator/fleet?troubled=true")).json()
        assert [agent["id"] for agent in troubled["items"]] == [lost]
        assert troubled["total"] == 1
        assert (await client.get("/operator/fleet?region=us")).json()["total"] == 1


@pytest.mark.parametrize("path", ["/operator/channels", "/operator/incidents", "/operator/fleet"])
async def test_without_the_operators_secret_there_is_nothing(served: ControlPlane, path: str) -> None:
    async with served.client() as stranger, served.tenant() as tenant:
        assert [(await who.get(path)).status_code for who in (stranger, tenant)] == [404, 404]
