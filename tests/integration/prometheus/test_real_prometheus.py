"""Debian's Prometheus, configured as deploy/control/prometheus shows, finds and scrapes what Farwatch tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import yaml

from control_plane.store.pool import Database
from tests.bench.programs import free_port, listening, program
from tests.support.dashboard import Desk, a_desk
from tests.support.promtool import PROMETHEUS, needs_prometheus
from tests.support.waiting import until_async

SHIPPED = Path(__file__).parents[3] / "deploy" / "control" / "prometheus" / "prometheus.yml"


@needs_prometheus
async def test_a_prometheus_scrapes_a_tenants_monitors_and_discovers_what_they_look_at(
    database: Database, tmp_path: Path
) -> None:
    assert PROMETHEUS is not None
    port = free_port()
    async with a_desk(database) as desk:
        await desk.all_up(await desk.monitor('the "API"', group="web"))
        (tmp_path / "prometheus.yml").write_text(_configuration(desk, tmp_path / "key"))
        (tmp_path / "key").write_text(desk.key)
        options = (
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        async with program(PROMETHEUS, *options, log=tmp_path / "prometheus.log"):
            await listening(port)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
                await _sees(client)


async def _sees(client: httpx.AsyncClient) -> None:
    async def up_in_three_regions() -> bool:
        return len(await _asked(client, 'probe_success{monitor="the \\"API\\"",group="web"} == 1')) == 3

    await until_async(up_in_three_regions, "three regions are scraped", timeout=60)
    assert len(await _asked(client, 'farwatch_monitor_verdict{verdict="up"} == 1')) == 1

    async def discovered() -> list[dict[str, Any]]:
        answer = (await client.get("/api/v1/targets")).json()["data"]["activeTargets"]
        return [each for each in answer if each["scrapePool"] == "farwatch-targets"]

    await until_async(discovered, "the target is discovered", timeout=60)
    (found,) = await discovered()
    assert found["labels"]["instance"] == "http://127.0.0.1:8080/health"
    assert found["labels"]["monitor"] == 'the "API"'
    assert found["discoveredLabels"]["__meta_farwatch_group"] == "web"


async def _asked(client: httpx.AsyncClient, query: str) -> list[Any]:
    reply = await client.get("/api/v1/query", params={"query": query})
    found: list[Any] = reply.json()["data"]["result"]
    return found


def _configuration(desk: Desk, key: Path) -> str:
    """The shipped example, for this control plane, in a hurry; without the operator's jobs and the rules."""
    shipped = SHIPPED.read_text(encoding="utf-8").replace("/etc/prometheus/farwatch.key", str(key))
    document = yaml.safe_load(shipped.replace("127.0.0.1:8080", f"{desk.served.host}:{desk.served.port}"))
    del document["rule_files"]
    document["scrape_configs"] = [job for job in document["scrape_configs"] if "credentials_file" in str(job)]
    for job in document["scrape_configs"]:
        job |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        for discovery in job.get("http_sd_configs", ()):
            discovery["refresh_interval"] = "1s"
    text: str = yaml.safe_dump(document)
    return text
