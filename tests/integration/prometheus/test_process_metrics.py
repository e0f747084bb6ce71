"""/metrics of a process: what it measures of itself and of the installation."""

from __future__ import annotations

import asyncio

import httpx
from prometheus_client import REGISTRY

from control_plane.app import all_routes, running
from control_plane.jobs import JOBS
from control_plane.services.installation.measure_installation import AGENT_STATES, VERDICTS, measure_installation
from control_plane.settings import Settings
from control_plane.store.pool import Database
from tests.support.dashboard import a_desk
from tests.support.promtool import needs_prometheus, promtool
from tests.support.serving import settings_with
from tests.support.waiting import until_async

OVERDUE = """
INSERT INTO deliveries (tenant_id, id, number, channel_name, channel_kind, event, notice, body, due_at)
SELECT id, gen_random_uuid(), 1, 'ops', 'webhook', 'incident.opened', 'opened', '{}', now() - interval '10 minutes'
FROM tenants LIMIT 1
"""


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_the_installation_is_measured(database: Database) -> None:
    async with a_desk(database) as desk:
        monitor = await desk.monitor()
        await desk.all_up(monitor)
        async with database.app() as conn:
            await conn.execute(OVERDUE)
        await measure_installation(database)
    assert {verdict: value("farwatch_monitors", verdict=verdict) for verdict in VERDICTS} == {
        **dict.fromkeys(VERDICTS, 0.0),
        "up": 1.0,
    }
    assert {state: value("farwatch_agents", state=state) for state in AGENT_STATES} == {
        **dict.fromkeys(AGENT_STATES, 0.0),
        "ok": 3.0,
    }
    assert value("farwatch_deliveries_pending") == 1
    assert 590 <= value("farwatch_delivery_overdue_seconds") < 3600
    assert value("farwatch_partitions_ahead") == 7
    assert value("farwatch_database_size_bytes") > 1_000_000


async def test_a_batch_counts_its_items_its_judgements_and_its_time(database: Database) -> None:
    names = ("farwatch_batch_results_sum", "farwatch_batch_duration_seconds_count", "farwatch_lane_wait_seconds_count")
    async with a_desk(database) as desk:
        monitor = await desk.monitor()
        before = [value(name) for name in names]
        judged, stored = value("farwatch_judgements_total"), value("farwatch_results_total", status="stored")
        await desk.report(monitor, "eu", "up")
        assert [value(name) for name in names] == [each + 1 for each in before]
        assert value("farwatch_judgements_total") == judged + 1
        assert value("farwatch_results_total", status="stored") == stored + 1


async def test_a_connection_in_use_is_counted_and_so_is_who_waits(dsn: str) -> None:
    database = await Database.connect(dsn, max_size=1)
    used, waited = "farwatch_database_connections_in_use", "farwatch_database_connections_waited_for"
    before = value(used, pool="app"), value(waited, pool="app")

    async def ask() -> None:
        async with database.app() as conn:
            await conn.fetchval("SELECT 1")

    try:
        async with database.app():
            other = asyncio.create_task(ask())

            async def both() -> bool:
                return (value(used, pool="app"), value(waited, pool="app")) == (before[0] + 1, before[1] + 1)

            await until_async(both, "one uses it and one waits")
        await other
        assert (value(used, pool="app"), value(waited, pool="app")) == before
        assert value("farwatch_database_connections_max", pool="app") == 1
    finally:
        await database.close()


@needs_prometheus
async def test_a_serving_process_tells_promtool_nothing_strange(dsn: str) -> None:
    async with running(_settings(dsn)) as where, httpx.AsyncClient(timeout=20) as client:
        assert (await client.get(f"{where.url}/readyz")).status_code == 200

        async def measured() -> bool:
            text = (await client.get(f"{where.metrics_url}/metrics")).text
            return 'farwatch_job_last_success_timestamp_seconds{job="measure"}' in text

        await until_async(measured, "the job has run", timeout=30)
        reply = await client.get(f"{where.metrics_url}/metrics")
        assert "farwatch_listener_up 1.0" in reply.text
        assert "farwatch_build_info{version=" in reply.text
        promtool("check", "metrics", text=reply.content)
        wanted = {"Accept": "application/openmetrics-text; version=1.0.0"}
        openmetrics = await client.get(f"{where.metrics_url}/metrics", headers=wanted)
        assert openmetrics.text.endswith("# EOF\n")


async def test_labels_hold_values_of_closed_sets_alone(dsn: str) -> None:
    operations = {route.operation for route in all_routes()} | {"unmatched"}
    before = _samples()
    async with running(_settings(dsn)) as where, httpx.AsyncClient(timeout=20, base_url=where.url) as client:
        for path in ("/readyz", "/nothing/of/the/kind", "/api/v1/monitors?q=x", "/operator/tenants", "/ping/none"):
            await client.get(path, headers={"Authorization": "Bearer fw_live_strange"})
        await client.request("STRANGE", "/readyz")

        async def worked() -> bool:
            return value("farwatch_job_runs_total", job="measure", outcome="ended") > 0

        await until_async(worked, "a job has run", timeout=30)
    changed = [
        (name, dict(labels)) for (name, labels), seen in _samples().items() if before.get((name, labels)) != seen
    ]
    closed = {"operation": operations, "job": {job.name for job in JOBS}, "status": {f"{n}xx" for n in range(1, 6)}}
    for name, labels in changed:
        for label in labels.keys() & closed.keys():
            assert labels[label] in closed[label], (name, labels)
    assert ("farwatch_http_requests_total", {"operation": "unmatched", "status": "4xx"}) in changed


def _samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        if family.name.startswith("farwatch_") and family.name != "farwatch_results"
        for sample in family.samples
    }


def _settings(dsn: str) -> Settings:
    return settings_with(
        database={"dsn": dsn, "pool_size": 3}, server={"port": 0, "metrics_port": 0, "shutdown_timeout_s": 5}
    )
