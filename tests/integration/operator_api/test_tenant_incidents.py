"""The operator hears of tenants that are suspended, and of those that have used up a quota."""

from __future__ import annotations

import asyncio

from control_plane.services.tenants.watch_tenants import watch_tenants
from control_plane.store.pool import Database
from tests.support.serving import ControlPlane, control_plane


async def _tenant(served: ControlPlane, **change: object) -> None:
    async with served.operator() as operator:
        done = await operator.patch(f"/operator/tenants/{served.home.tenant_id}", json=change)
        assert done.status_code == 200, done.text


async def test_a_suspension_is_one_incident_until_the_release(database: Database) -> None:
    async with control_plane(database) as served:
        await _tenant(served, suspended=True)
        opened = await watch_tenants(database)
        assert await watch_tenants(database) == []
        await _tenant(served, suspended=False)
        ended = await watch_tenants(database)
    assert [(one.kind, one.severity, one.resolution) for one in opened] == [("tenant_suspended", "minor", None)]
    assert [(one.kind, one.resolution, one.reason) for one in ended] == [
        ("tenant_suspended", "recovered", "It is released")
    ]


async def test_a_full_quota_is_told_with_its_numbers_and_ends_when_there_is_room(database: Database) -> None:
    async with control_plane(database) as served, served.tenant() as http:
        for number in range(2):
            body = {"name": f"Hook {number}", "config": {"type": "webhook", "url": "https://hooks.example.com/"}}
            assert (await http.post("/api/v1/channels", json=body)).status_code == 201
        await _tenant(served, overrides={"quotas": {"channels": 3, "keys": 1}})
        assert await watch_tenants(database) == []
        await _tenant(served, overrides={"quotas": {"channels": 2}})
        (opened,) = await watch_tenants(database)
        await _tenant(served, overrides={"quotas": {"channels": 7}})
        (ended,) = await watch_tenants(database)
    assert opened.kind == "quota_reached"
    assert "channels (2 of 2)" in opened.reason
    assert (ended.id, ended.resolution) == (opened.id, "recovered")


async def test_two_processes_tell_once(database: Database) -> None:
    async with control_plane(database) as served:
        await _tenant(served, suspended=True)
        told = await asyncio.gather(*(watch_tenants(database) for _ in range(4)))
    assert sum(len(changes) for changes in told) == 1
