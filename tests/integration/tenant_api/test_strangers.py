"""Another tenant's object does not exist, for any verb; and a key does no more than its scopes say."""

from __future__ import annotations

from uuid import UUID

import pytest

from control_plane.tenant_api import (
    dependencies,
    incident_actions,
    incident_declaring,
    incident_stats,
    incidents,
    monitor_actions,
    monitor_reads,
    monitors,
    on_demand,
    results,
)
from control_plane.web.routes import Route
from tests.support import seed
from tests.support.door import an_api_key
from tests.support.tenant_world import World

RESOURCES = (
    monitors,
    monitor_actions,
    monitor_reads,
    dependencies,
    results,
    on_demand,
    incidents,
    incident_declaring,
    incident_actions,
    incident_stats,
)
OURS: tuple[Route, ...] = tuple(route for resource in RESOURCES for route in resource.ROUTES)
ON_ONE = [route for route in OURS if "{" in route.path]
BODIES = {
    "set_monitor_regions": {"regions": ["eu"]},
    "set_monitor_dependencies": {"depends_on": []},
    "change_monitor": {"name": "mine now"},
    "add_incident_note": {"text": "hello"},
    "add_incident_update": {"text": "hello"},
    "narrate_incident": {"severity": "minor"},
}


async def an_incident(world: World, monitor_id: str) -> str:
    incident_id = seed.new_id()
    await world.rows(
        "INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, cause, started_at, opened_at)"
        " VALUES ($1, $2, 1, $3, 'major', 'Down', now(), now())",
        world.tenant_id,
        incident_id,
        UUID(monitor_id),
    )
    return str(incident_id)


@pytest.mark.parametrize("route", ON_ONE, ids=lambda route: str(route.operation))
async def test_another_tenants_object_is_not_there(world: World, route: Route) -> None:
    made = await world.monitor()
    incident_id = await an_incident(world, made["id"])
    path = route.path.format(monitor_id=made["id"], incident_id=incident_id, region="eu")
    before = await world.fingerprint()
    reply = await world.stranger.request(
        route.method, path, json=BODIES.get(route.operation, {}) if route.body else None
    )
    code = "INCIDENT_NOT_FOUND" if "incident_id" in route.path else "MONITOR_NOT_FOUND"
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, code)
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", ON_ONE, ids=lambda route: str(route.operation))
@pytest.mark.parametrize("bad", ["abc", "1 OR 1=1", "0" * 32])
async def test_an_id_that_is_none_is_refused(world: World, route: Route, bad: str) -> None:
    path = route.path.replace("{monitor_id}", bad).replace("{incident_id}", bad).replace("{region}", "eu")
    reply = await world.http.request(route.method, path, json=BODIES.get(route.operation, {}) if route.body else None)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_ID")
    assert reply.json()["error"]["field"].endswith("_id")


@pytest.mark.parametrize("route", OURS, ids=lambda route: str(route.operation))
async def test_a_key_without_the_scope_is_told_which_is_missing(world: World, route: Route) -> None:
    made = await world.monitor()
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, "keys:read", number=2)
    path = route.path.format(monitor_id=made["id"], incident_id=made["id"], region="eu")
    async with world.door.client(key) as http:
        reply = await http.request(route.method, path, json={} if route.body else None)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "MISSING_SCOPE")
    assert reply.json()["error"]["details"] == {"scope": route.scope}


async def test_the_nil_id_names_nothing(world: World) -> None:
    reply = await world.http.get("/api/v1/monitors/00000000-0000-0000-0000-000000000000")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "MONITOR_NOT_FOUND")


async def test_lists_show_only_ones_own(world: World) -> None:
    made = await world.monitor()
    await an_incident(world, made["id"])
    for path in ("/api/v1/monitors", "/api/v1/incidents"):
        assert (await world.http.get(path)).json()["total"] == 1
        assert (await world.stranger.get(path)).json()["total"] == 0
    reply = await world.stranger.get(f"/api/v1/incidents?monitor_id={made['id']}")
    assert reply.json()["items"] == []
