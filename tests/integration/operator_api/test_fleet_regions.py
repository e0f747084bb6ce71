"""The regions' health behind the operator's door, and the notice that everybody sees while many monitors are silent."""

from __future__ import annotations

from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.serving import ControlPlane

WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""


async def test_the_regions_health_is_for_the_operator_alone(served: ControlPlane, database: Database) -> None:
    async with database.app_transaction() as conn:
        region_id = await seed.a_region(conn, "far")
        await seed.an_agent(conn, region_id)
        await seed.a_monitor(conn, served.home.tenant_id, [region_id])
    async with served.operator() as client:
        reply = await client.get("/operator/fleet/regions", params={"limit": 100})
    assert reply.status_code == 200, reply.text
    (far,) = [item for item in reply.json()["items"] if item["region"] == "far"]
    assert (far["state"], far["agents"], far["live"], far["assignments"]) == ("ok", 1, 1, 1)
    assert (far["without_vote"], far["share_without_vote"], far["silent_since"]) == (1, 1.0, None)
    async with served.tenant() as client:
        assert (await client.get("/operator/fleet/regions")).status_code in (401, 404)


async def test_everybody_hears_of_a_silence_of_many_monitors_until_it_is_over(
    served: ControlPlane, database: Database
) -> None:
    async with database.app_transaction() as conn:
        regions = [await seed.a_region(conn, slug) for slug in ("near", "far")]
        for region_id in regions:
            await seed.an_agent(conn, region_id)
        await seed.a_monitor(conn, served.home.tenant_id, regions)
        await conn.execute(WATCHED)
    async with served.client() as client:
        assert (await client.get("/api/v1/meta")).json()["notice"] is None
        async with database.app() as conn:
            await conn.execute(
                "UPDATE agents SET lease_until = now() - interval '40 s' WHERE region_id = ANY($1)", regions
            )
        await watch_fleet(database, release="1.0.0")
        notice = (await client.get("/api/v1/meta")).json()["notice"]
        assert notice["kind"] == "monitors_silent"
        assert notice["message"].startswith("Many checks cannot run at the moment")
        async with database.app() as conn:
            await conn.execute("UPDATE operator_incidents SET state = 'resolved'")
        assert (await client.get("/api/v1/meta")).json()["notice"] is None
