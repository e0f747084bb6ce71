"""A monitor of each kind: created, read, changed, tested and refused over HTTP; and the profile of TCP ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.pool import Database
from shared.checks import CHECKS
from shared.protocol import Assignments, Welcome
from tests.support.serving import ControlPlane, control_plane, settings_with
from tests.support.tenant_world import World

OF_KIND: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "http": ("https://a.example.com/", {"url": "https://a.example.com/"}, {"method": "HEAD"}),
    "tcp": ("tcp://db.example.com:5432", {"host": "db.example.com", "port": 5432}, {"send": "x", "expect": "y"}),
    "dns": (
        "dns://example.com?type=MX",
        {"name": "example.com", "record_type": "MX"},
        {"expected": ["10 mx.example.com"]},
    ),
    "ping": ("ping://example.com", {"host": "example.com"}, {"count": 5, "max_loss_pct": 20}),
    "tls_cert": ("tls://example.com", {"host": "example.com", "port": 443}, {"server_name": "www.example.com"}),
    "domain_expiry": ("domain://example.com", {"domain": "example.com"}, {"warn_days": 60, "critical_days": 20}),
}
RARE = {"tls_cert", "domain_expiry"}


def test_every_kind_is_tried() -> None:
    assert set(OF_KIND) == set(CHECKS)


@pytest.mark.parametrize("kind", sorted(OF_KIND))
async def test_a_monitor_of_each_kind_is_created_read_changed_and_cleared(world: World, kind: str) -> None:
    text, members, change = OF_KIND[kind]
    made = await world.monitor(check=text)
    assert made["check"] == {**made["check"], "type": kind, **members}
    assert set(made["check"]) == {"type", *CHECKS[kind].__struct_fields__}
    assert (made["interval"], made["alert_on"]) == ((86_400, "degraded") if kind in RARE else (60, "down"))

    path = f"/api/v1/monitors/{made['id']}"
    changed = await world.http.patch(path, json={"check": {"type": kind, **change}, "alert_on": "down"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["check"] == {**made["check"], **change}
    assert (await world.get(f"/monitors/{made['id']}"))["check"] == {**made["check"], **change}

    cleared = await world.http.patch(path, json={"check": dict.fromkeys(change), "alert_on": None, "interval": None})
    assert cleared.status_code == 200, cleared.text
    assert cleared.json()["check"] == made["check"]
    assert (cleared.json()["interval"], cleared.json()["alert_on"]) == (made["interval"], made["alert_on"])


@pytest.mark.parametrize("kind", sorted(OF_KIND))
async def test_no_kind_becomes_another_and_none_is_checked_too_often(world: World, kind: str) -> None:
    made = await world.monitor(check=OF_KIND[kind][0])
    path = f"/api/v1/monitors/{made['id']}"
    other = next(text for name, (text, _, _) in OF_KIND.items() if name != kind)
    for check in (other, {"type": "nope"}):
        reply = await world.http.patch(path, json={"check": check})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "CHECK_KIND_IMMUTABLE")
    reply = await world.http.patch(path, json={"interval": 3599 if kind in RARE else 9})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "MIN_CHECK_INTERVAL")
    assert reply.json()["error"]["details"]["minimum"] == (3600 if kind in RARE else 10)


async def test_monitors_are_found_by_what_they_watch_and_by_kind(world: World) -> None:
    for kind, (text, _, _) in OF_KIND.items():
        await world.monitor(name=kind, check=text)
    assert [m["name"] for m in (await world.get("/monitors?q=db.example"))["items"]] == ["tcp"]
    assert [m["name"] for m in (await world.get("/monitors?kind=dns"))["items"]] == ["dns"]
    found = [m["name"] for m in (await world.get("/monitors?q=EXAMPLE.com"))["items"]]
    assert found == list(OF_KIND)


@pytest.mark.parametrize("kind", sorted(OF_KIND))
async def test_a_twin_of_any_kind_is_worth_a_warning(world: World, kind: str) -> None:
    text, _, change = OF_KIND[kind]
    await world.monitor(name="First", check=text)
    twin = await world.monitor(name="Second", check={"type": kind, **OF_KIND[kind][1]})
    assert "DUPLICATE_URL" in [warning["code"] for warning in twin["warnings"]]
    assert "First" in str(twin["warnings"])
    if kind == "tls_cert":
        named = await world.monitor(name="Third", check={"type": kind, **OF_KIND[kind][1], **change})
        assert "DUPLICATE_URL" not in [warning["code"] for warning in named["warnings"]]


@pytest.fixture
async def strict(database: Database) -> AsyncIterator[ControlPlane]:
    regions = (RegionDefinition("eu", "Europe"),)
    async with control_plane(database, settings_with(security={"tcp_ports": "strict"}), regions=regions) as served:
        async with database.app_transaction() as conn:
            await conn.execute("UPDATE regions SET tenant_id = NULL, slug = 'shared'")
        yield served


def _refused_port(reply: httpx.Response) -> None:
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "PORT_BLOCKED"), reply.text
    assert "8443" in reply.json()["error"]["message"]


async def test_under_the_strict_profile_every_way_in_refuses_other_ports(strict: ControlPlane) -> None:
    body = {"name": "DB", "check": "tcp://db.example.com:5432"}
    async with strict.tenant() as http:
        _refused_port(await http.post("/api/v1/monitors", json=body))
        _refused_port(await http.post("/api/v1/monitors/test", json={"check": body["check"]}))
        made = await http.post("/api/v1/monitors", json={"name": "Web", "check": "tcp://db.example.com:8443"})
        assert made.status_code == 201, made.text
        path = f"/api/v1/monitors/{made.json()['id']}"
        _refused_port(await http.patch(path, json={"check": {"port": 5432}}))
        _refused_port(await http.post(f"{path}/clone", json={"check": {"port": 5432}}))
        paused = await http.post(f"{path}/pause")
        assert paused.status_code == 200, paused.text


async def test_agents_learn_the_profile_with_their_grant(strict: ControlPlane) -> None:
    (probe_key,) = strict.home.probe_keys.values()
    async with strict.client(probe_key) as agent:
        hello = {"version": "0.1.0", "protocols": [1], "boot_id": "0197a2f0-0000-7000-8000-000000000001"}
        welcome = await agent.post("/api/agent/v1/hello", json=hello)
        assert welcome.status_code == 200, welcome.text
        assert msgspec.json.decode(welcome.content, type=Welcome).region.ports == "strict"
        told = msgspec.json.decode((await agent.get("/api/agent/v1/assignments")).content, type=Assignments)
        assert told.region is not None
        assert told.region.ports == "strict"
