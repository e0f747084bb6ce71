"""GET /api/v1/metrics and /api/v1/sd/prometheus: what a tenant's Prometheus is told."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from control_plane.store.pool import Database
from shared.results import Detail
from tests.bench.blackbox import PROGRAM
from tests.bench.programs import find, free_port, listening, program
from tests.support.dashboard import Desk, a_desk
from tests.support.door import an_api_key
from tests.support.promtool import needs_prometheus, promtool
from tests.support.tenant_world import World, a_world

SEEN = Detail(address="10.0.0.1", http_version="HTTP/1.1", tls_version="TLSv1.3", cert_expires_at=1_900_000_000)
SILENCE = "UPDATE votes SET window_ms = 1"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database) as made:
        yield made


async def asked(http: httpx.AsyncClient, path: str = "/metrics", **headers: str) -> str:
    reply = await http.get(f"/api/v1{path}", headers=headers)
    assert reply.status_code == 200, reply.text
    return reply.text


def series(text: str, name: str) -> dict[tuple[str, str], float]:
    """The values of a name by monitor and region."""
    return {
        (sample.labels["monitor"], sample.labels.get("region", "")): sample.value
        for family in read_text(text)
        for sample in family.samples
        if sample.name == name
    }


@needs_prometheus
async def test_each_region_is_a_series_of_what_it_saw_last(desk: Desk) -> None:
    monitor = await desk.monitor(tags=["prod"], group="web")
    await desk.all_up(monitor)
    await desk.report(monitor, "eu", "down", seconds_ago=5)
    await desk.report(monitor, "us", "up", seconds_ago=5, detail=SEEN)
    async with desk.served.tenant() as http:
        text = await asked(http)
    assert series(text, "probe_success") == {("API", "eu"): 0, ("API", "us"): 1, ("API", "ap"): 1}
    assert series(text, "probe_ssl_earliest_cert_expiry") == {("API", "us"): 1_900_000_000}
    assert series(text, "probe_duration_seconds")["API", "us"] == 0.0812
    assert series(text, "farwatch_monitor_incident_open") == {("API", ""): 0}
    assert 'kind="http",group="web",region="us"' in text
    promtool("check", "metrics", text=text.encode())


async def test_an_outage_shows_in_verdict_and_incident(desk: Desk) -> None:
    monitor = await desk.monitor()
    await desk.all_up(monitor)
    await desk.down(monitor, *desk.regions)
    async with desk.served.tenant() as http:
        text = await asked(http)
    assert 'verdict="down"} 1.0' in text
    assert series(text, "farwatch_monitor_incident_open") == {("API", ""): 1}


async def test_what_a_silent_region_saw_once_is_told_no_more(desk: Desk) -> None:
    monitor = await desk.monitor()
    await desk.all_up(monitor)
    async with desk.database.app() as conn:
        await conn.execute(SILENCE)
    async with desk.served.tenant() as http:
        text = await asked(http)
    assert series(text, "probe_success") == {}
    assert series(text, "farwatch_monitor_paused") == {("API", ""): 0}


async def test_a_paused_monitor_has_no_probes_and_is_not_discovered(desk: Desk) -> None:
    monitor = await desk.monitor()
    await desk.all_up(monitor)
    async with desk.served.tenant() as http:
        assert len(json.loads(await asked(http, "/sd/prometheus"))) == 1
        assert (await http.post(f"/api/v1/monitors/{monitor}/pause")).status_code == 200
        text = await asked(http)
        assert json.loads(await asked(http, "/sd/prometheus")) == []
    assert series(text, "probe_success") == {}
    assert series(text, "farwatch_monitor_paused") == {("API", ""): 1}


async def test_openmetrics_is_spoken_where_it_is_asked_for(desk: Desk) -> None:
    await desk.monitor()
    wanted = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    async with desk.served.tenant() as http:
        reply = await http.get("/api/v1/metrics", headers={"Accept": wanted})
        assert reply.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert list(read_openmetrics(reply.text))  # type: ignore[no-untyped-call]
        for plain in ("*/*", "text/plain", "application/openmetrics-text;q=0"):
            reply = await http.get("/api/v1/metrics", headers={"Accept": plain})
            assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_it_is_packed_only_for_who_can_unpack_it(desk: Desk) -> None:
    await desk.monitor()
    async with desk.served.tenant() as http:
        async with http.stream("GET", "/api/v1/metrics", headers={"Accept-Encoding": "gzip"}) as reply:
            assert reply.headers["Content-Encoding"] == "gzip"
            packed = b"".join([part async for part in reply.aiter_raw()])
        reply = await http.get("/api/v1/metrics", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in reply.headers
    assert gzip.decompress(packed) == reply.content


@pytest.mark.parametrize(("query", "names"), [("tag=a", {"one"}), ("group=web", {"two"}), ("kind=tcp", {"three"})])
async def test_monitors_are_chosen_by_tag_group_and_kind(desk: Desk, query: str, names: set[str]) -> None:
    for monitor in (await desk.monitor("one", tags=["a"]), await desk.monitor("two", group="web")):
        await desk.all_up(monitor)
    await desk.monitor("three", check="tcp://127.0.0.1:5432")
    async with desk.served.tenant() as http:
        text = await asked(http, f"/metrics?{query}")
        found = json.loads(await asked(http, f"/sd/prometheus?{query}"))
    assert {monitor for monitor, _ in series(text, "farwatch_monitor_paused")} == names
    assert {monitor for monitor, _ in series(text, "probe_success")} == names - {"three"}
    assert {one["labels"]["__meta_farwatch_monitor"] for one in found} == names


async def test_discovery_tells_targets_with_labels_for_relabelling(desk: Desk) -> None:
    monitor = await desk.monitor(tags=["a", "b"], group="web", owner="ops")
    async with desk.served.tenant() as http:
        heartbeat = {"name": "Backup", "check": {"type": "heartbeat", "period": 3600}}
        assert (await http.post("/api/v1/monitors", json=heartbeat)).status_code == 201
        found = json.loads(await asked(http, "/sd/prometheus"))
    labels = {
        "id": str(monitor),
        "number": "1",
        "monitor": "API",
        "kind": "http",
        "group": "web",
        "tags": ",a,b,",
        "regions": ",eu,us,ap,",
        "severity": "major",
        "owner": "ops",
        "interval_seconds": "60",
    }
    prefixed = {f"__meta_farwatch_{name}": value for name, value in labels.items()}
    assert found == [{"targets": ["http://127.0.0.1:8080/health"], "labels": prefixed}]


@pytest.mark.parametrize("path", ["/api/v1/metrics", "/api/v1/sd/prometheus"])
async def test_it_takes_its_own_scope_and_shows_a_tenants_own_monitors_alone(database: Database, path: str) -> None:
    async with a_world(database) as world:
        await world.monitor(name="mine")
        assert (await world.http.get(path)).json()["error"]["code"] == "MISSING_SCOPE"
        async with await _key_of(world, mine=True) as http, await _key_of(world, mine=False) as stranger:
            assert "mine" in (await http.get(path)).text
            refused = await http.get("/api/v1/monitors")
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "MISSING_SCOPE")
            reply = await stranger.get(path)
            assert (reply.status_code, reply.text.strip("[]")) == (200, "")
        async with httpx.AsyncClient(base_url=world.door.url) as nobody:
            assert (await nobody.get(path)).status_code == 401


async def _key_of(world: World, *, mine: bool) -> httpx.AsyncClient:
    async with world.database.app_transaction() as conn:
        tenant_id = world.tenant_id if mine else world.stranger_id
        return world.door.client(await an_api_key(conn, tenant_id, "metrics:read", number=2))


@pytest.mark.parametrize("query", ["tag=", "color=red", "group=a&group=b", "kind=" + "x" * 201])
async def test_a_filter_that_is_none_is_refused(desk: Desk, query: str) -> None:
    async with desk.served.tenant() as http:
        for path in ("/api/v1/metrics", "/api/v1/sd/prometheus"):
            assert (await http.get(f"{path}?{query}")).status_code == 400


CAN_COMPARE = find(PROGRAM) is not None or os.environ.get("TEST_FARWATCH_PEERS") == "required"
MODULES = {
    "http": {"prober": "http", "http": {"preferred_ip_protocol": "ip4", "fail_if_body_not_matches_regexp": ["OK"]}},
    "tcp": {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}},
}


@pytest.mark.skipif(not CAN_COMPARE, reason=f"{PROGRAM} is not installed: Debian has a package of that name")
@pytest.mark.parametrize("kind", sorted(MODULES))
async def test_our_names_are_those_of_blackbox_exporter(desk: Desk, tmp_path: Path, kind: str) -> None:
    """Name by name: the type and the labels that it gives one, ours beyond monitor and region are the same."""
    check = {"http": "http://127.0.0.1:8080/", "tcp": "tcp://127.0.0.1:8080"}[kind]
    await desk.all_up(await desk.monitor(check=check))
    async with desk.served.tenant() as http:
        ours = shapes(await asked(http))
    theirs = shapes(await their_answer(tmp_path, kind))
    assert {"probe_success", "probe_duration_seconds", "probe_dns_lookup_time_seconds"} <= ours.keys() & theirs.keys()
    assert {name: shape for name, shape in ours.items() if theirs.get(name) != shape} == {}


def shapes(text: str) -> dict[str, tuple[str, frozenset[tuple[str, str]]]]:
    """Of each name of probes its type, and its phases."""
    return {
        family.name: (
            family.type,
            frozenset(("phase", s.labels["phase"]) for s in family.samples if "phase" in s.labels),
        )
        for family in read_text(text)
        if family.name.startswith("probe_")
    }


async def their_answer(directory: Path, kind: str) -> str:
    (directory / "blackbox.yml").write_text(json.dumps({"modules": MODULES}))
    port, target = free_port(), free_port()
    command = (PROGRAM, f"--config.file={directory / 'blackbox.yml'}", f"--web.listen-address=127.0.0.1:{port}")
    server = ("python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(directory), str(target))
    async with program(*server, log=directory / "http.log"), program(*command, log=directory / "blackbox.log"):
        await listening(target)
        await listening(port)
        address = f"http://127.0.0.1:{target}/" if kind == "http" else f"127.0.0.1:{target}"
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            reply = await client.get(f"http://127.0.0.1:{port}/probe", params={"module": kind, "target": address})
    assert reply.status_code == 200
    return reply.text


BULK = """
WITH made AS (
    INSERT INTO monitors (tenant_id, id, number, name, kind, "check", first_slot, interval_s, regions, write_source)
    SELECT $1, gen_random_uuid(), 1000 + n, 'monitor ' || n, 'http',
           '{"type": "http", "url": "https://a.example/"}'::jsonb, 0, 60, $2::int[], 'api'
    FROM generate_series(1, 10000) n RETURNING id
), states AS (INSERT INTO monitor_states (tenant_id, monitor_id, verdict) SELECT $1, id, 'up' FROM made
), said AS (
    INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms, newest_slot, vote)
    SELECT id, region, $1, 1, 600000, $3, 'up' FROM made, unnest($2::int[]) AS region
)
INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason, total_us)
SELECT id, $3, region, 1, $1, 1, 0, 0, 81200 FROM made, unnest($2::int[]) AS region
"""


async def test_ten_thousand_monitors_are_told_at_once_from_their_newest_rows(desk: Desk) -> None:
    """By key: a page of an index or two for each, however many older results there are."""
    async with desk.database.owner() as conn:
        tenant_id = await conn.fetchval("SELECT id FROM tenants LIMIT 1")
        now_ms = await conn.fetchval("SELECT (extract(epoch FROM now()) * 1000)::bigint")
        await conn.execute(BULK, tenant_id, list(desk.regions.values()), now_ms)
    async with desk.served.tenant() as http:
        text = await asked(http)
    assert text.count("\nprobe_success{") == 30_000
    assert text.count("\nfarwatch_monitor_paused{") == 10_000
