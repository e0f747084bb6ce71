"""Who changed what: every change of a person or a program leaves its row, with the change or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from control_plane.domain.tenants.actor import Actor
from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.acting import acting
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.serving import ControlPlane, control_plane

SECRET = "a-credential-that-nobody-may-read"
SOMEBODY = Actor(kind="key", id=None, label="somebody", source="api", operation="a_test")
RENAME = "UPDATE tenants SET name = $2, revision = revision + 1 WHERE id = $1"


@pytest.fixture
async def plane(database: Database) -> AsyncIterator[ControlPlane]:
    regions = (RegionDefinition("eu", "Europe", ()),)
    async with control_plane(database, regions=regions) as running:
        yield running


@pytest.fixture
async def http(plane: ControlPlane) -> AsyncIterator[httpx.AsyncClient]:
    async with plane.tenant() as client:
        yield client


async def said(http: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    reply = await http.get("/api/v1/audit", params=query)
    assert reply.status_code == 200, reply.text
    entries: list[dict[str, Any]] = reply.json()["items"]
    return entries


async def done(http: httpx.AsyncClient, method: str, path: str, body: object = None) -> Any:
    reply = await http.request(method, path, json=body)
    assert reply.status_code < 300, f"{method} {path}: {reply.text}"
    return reply.json() if reply.content else None


async def test_the_life_of_a_monitor_is_told_in_order(http: httpx.AsyncClient) -> None:
    check = {"type": "http", "url": "https://a.example.com/", "bearer_token": SECRET}
    monitor = await done(http, "POST", "/api/v1/monitors", {"name": "API", "check": check})
    path = f"/api/v1/monitors/{monitor['id']}"
    await done(http, "PATCH", path, {"interval": 30, "name": "The API"})
    await done(http, "PATCH", path, {"interval": 30})  # changes nothing
    await done(http, "POST", f"{path}/pause")
    await done(http, "DELETE", path)
    entries = list(reversed(await said(http, object_kind="monitor", object_id=monitor["id"])))
    assert [(each["operation"], each["action"]) for each in entries] == [
        ("create_monitor", "created"),
        ("change_monitor", "updated"),
        ("pause_monitor", "updated"),
        ("delete_monitor", "deleted"),
    ]
    assert entries[1]["changes"] == {"interval_s": [60, 30], "name": ["API", "The API"]}
    assert entries[2]["changes"] == {"enabled": [True, False]}
    assert {(each["actor_kind"], each["source"], each["address"]) for each in entries} == {("key", "api", "127.0.0.1")}
    assert [each["object_name"] for each in entries] == ["API", "The API", "The API", "The API"]


async def test_a_changed_secret_is_told_without_it(http: httpx.AsyncClient) -> None:
    check = {"type": "http", "url": "https://a.example.com/", "bearer_token": "an-older-one"}
    monitor = await done(http, "POST", "/api/v1/monitors", {"name": "API", "check": check})
    await done(http, "PATCH", f"/api/v1/monitors/{monitor['id']}", {"check": {"bearer_token": SECRET}})
    reply = await http.get("/api/v1/audit")
    assert SECRET not in reply.text
    assert "an-older-one" not in reply.text
    assert reply.json()["items"][0]["changes"] == {"sealed": "***"}


async def test_an_entry_leads_to_the_request(http: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    made = await http.post("/api/v1/maintenance", json=_WINDOW, headers=headers)
    assert made.status_code == 201, made.text
    (entry,) = await said(http, object_kind="maintenance")
    assert (entry["trace_id"], entry["operation"], entry["object_name"]) == (trace, "create_maintenance", "Upkeep")


_WINDOW = {"title": "Upkeep", "all": True, "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T01:00:00Z"}


async def test_what_people_say_in_an_incident_is_told(http: httpx.AsyncClient) -> None:
    body = {"title": "Slow logins", "severity": "minor"}
    incident = await done(http, "POST", "/api/v1/incidents", body)
    path = f"/api/v1/incidents/{incident['id']}"
    await done(http, "POST", f"{path}/acknowledge")
    await done(http, "POST", f"{path}/notes", {"text": "The cache is cold"})
    await done(http, "POST", f"{path}/resolve")
    actions = [(each["operation"], each["action"]) for each in reversed(await said(http, object_kind="incident"))]
    assert actions == [
        ("declare_incident", "created"),
        ("acknowledge_incident", "updated"),
        ("add_incident_note", "note"),
        ("resolve_incident", "updated"),
    ]


async def test_keys_are_told_without_their_digests(http: httpx.AsyncClient) -> None:
    key = await done(http, "POST", "/api/v1/keys", {"label": "deploys", "scopes": ["monitors:read"]})
    await done(http, "POST", f"/api/v1/keys/{key['id']}/rotate")
    reply = await http.get("/api/v1/audit", params={"object_kind": "key"})
    assert {each["operation"] for each in reply.json()["items"]} == {"create_key", "rotate_key"}
    assert key["key"] not in reply.text
    assert "digest" not in reply.text.replace('"digest":"***"', "")


async def test_the_operators_changes_are_the_tenants_or_the_operators(
    plane: ControlPlane, http: httpx.AsyncClient
) -> None:
    async with plane.operator() as operator:
        await done(operator, "POST", "/operator/regions", {"id": "us", "name": "America"})
        agent = await done(operator, "POST", "/operator/agents", {"region": "us", "name": "first"})
        await done(operator, "PATCH", f"/operator/tenants/{plane.home.tenant_id}", {"name": "Renamed"})
        everything = (await done(operator, "GET", "/operator/audit"))["items"]
        nobodys = (await done(operator, "GET", f"/operator/audit?tenant_id={UUID(int=0)}"))["items"]
    assert [each["object_kind"] for each in everything] == ["tenant", "agent", "region"]
    assert [each["object_kind"] for each in nobodys] == ["agent", "region"]
    assert nobodys[0]["object_id"] == agent["id"]
    (own,) = await said(http)
    assert (own["actor_kind"], own["actor"], own["object_kind"]) == ("operator", "operator", "tenant")


async def test_pages_follow_one_another_by_cursor(http: httpx.AsyncClient) -> None:
    for name in "abcde":
        await done(http, "POST", "/api/v1/monitors", {"name": name, "check": "https://a.example.com/"})
    seen, path = [], "/api/v1/audit?limit=2&action=created&object_kind=monitor"
    while path:
        reply = await http.get(path)
        seen += [each["object_name"] for each in reply.json()["items"]]
        path = reply.links["next"]["url"] if "next" in reply.links else ""
    assert seen == list("edcba")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=nonsense", "INVALID_CURSOR"),
        ("from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", "BAD_TIME_RANGE"),
        ("actor_kind=ghost", "INVALID_ACTOR_KIND"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(http: httpx.AsyncClient, query: str, code: str) -> None:
    reply = await http.get(f"/api/v1/audit?{query}")
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == code


async def test_a_change_that_is_rolled_back_leaves_no_row(database: Database) -> None:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
    with acting(SOMEBODY), pytest.raises(ZeroDivisionError):
        await _rename_and_fail(database, tenant_id)
    assert await _count(database) == 0


async def _rename_and_fail(database: Database, tenant_id: TenantId) -> None:
    async with database.app_transaction() as conn:
        await conn.execute(RENAME, tenant_id, "Other")
        raise ZeroDivisionError


async def test_farwatchs_own_work_is_not_told(database: Database) -> None:
    with acting(SOMEBODY):
        async with database.app_transaction() as conn:
            tenant_id = await seed.a_tenant(conn)
    assert await _count(database) == 1
    async with database.app_transaction() as conn:
        await conn.execute(RENAME, tenant_id, "By itself")
    async with database.tenant_transaction(tenant_id) as conn:
        await conn.execute("UPDATE tenants SET name = 'By itself again' WHERE id = $1", tenant_id)
    assert await _count(database) == 1


async def test_nobody_rewrites_what_was_done(database: Database) -> None:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
    for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'another'", _FORGED):
        for checkout in (database.app, lambda: database.tenant(tenant_id)):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with checkout() as conn:
                    await conn.execute(statement)


_FORGED = """
INSERT INTO audit (tenant_id, id, at, actor_kind, actor, source, operation, action, object_kind, object_id)
VALUES (gen_random_uuid(), gen_random_uuid(), now(), 'key', 'x', 'api', 'x', 'x', 'x', 'x')
"""


async def test_a_tenant_sees_its_own_rows_alone(database: Database) -> None:
    with acting(SOMEBODY):
        async with database.app_transaction() as conn:
            first, second = await seed.a_tenant(conn), await seed.a_tenant(conn, "Other")
    async with database.tenant(TenantId(second)) as conn:
        rows = await conn.fetch("SELECT tenant_id FROM audit")
    assert [row["tenant_id"] for row in rows] == [second]
    assert first != second


async def _count(database: Database) -> int:
    async with database.app() as conn:
        count: int = await conn.fetchval("SELECT count(*) FROM audit")
    return count
