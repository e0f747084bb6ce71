"""The main job with real processes: a local failure is outvoted, an outage is proven and told once, a recovery too."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.farm import SOURCES, Farm, a_farm
from tests.support.waiting import until_async

pytestmark = pytest.mark.slow


async def test_three_regions_outvote_a_local_failure_and_prove_an_outage(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        await farm.start_control_plane()
        for region in SOURCES:
            await farm.start_agent(region)
        await farm.wait_agents(3)
        async with farm.api() as api:
            monitor_id, secret = await _watch(farm, api)
            await _until_shown(api, monitor_id, "up")
            await _local_failure(farm, api, monitor_id)
            await _outage(farm, api, monitor_id, secret)
            await _recovery(farm, api, monitor_id)


async def _watch(farm: Farm, api: httpx.AsyncClient) -> tuple[str, str]:
    """A channel, and a monitor that is told of there. Returns the monitor's id and the channel's secret."""
    config = {"type": "webhook", "url": farm.receiver.url()}
    channel = (await api.post("/channels", json={"name": "ops", "config": config})).raise_for_status().json()
    body = {"name": "Shop", "check": farm.site.url(), "alerts": [{"channel_id": channel["id"]}]}
    response = await api.post("/monitors", json=body, headers={"Prefer": "wait=5"})
    assert response.status_code == 201, response.text
    monitor = response.json()
    assert monitor["state"]["last_result_at"] is not None, "the first result is there within the wait"
    return monitor["id"], channel["config"]["secret"]


async def _local_failure(farm: Farm, api: httpx.AsyncClient, monitor_id: str) -> None:
    farm.site.failing = {"ap"}
    await api.post(f"/monitors/{monitor_id}/check-now")
    state = await _until_shown(api, monitor_id, "degraded")
    assert "ap" in state["reason"]
    assert "500" in state["reason"]
    assert (await api.get("/incidents")).json()["items"] == []
    assert farm.receiver.received == []


async def _outage(farm: Farm, api: httpx.AsyncClient, monitor_id: str, secret: str) -> None:
    farm.site.failing = {"*"}
    await _until_shown(api, monitor_id, "down", timeout=60)
    (incident,) = (await api.get("/incidents")).json()["items"]
    assert incident["state"] == "triggered"
    assert set(incident["regions_down"]) >= {"ap"}
    assert len(incident["regions_down"]) >= 2
    full = (await api.get(f"/incidents/{incident['id']}")).json()
    accused = {vote["region"] for vote in full["evidence"] if vote["vote"] == "down"}
    # the evidence is that of the opening; a region that voted down after it has joined the incident's regions
    assert accused >= {"ap"}
    assert len(accused) >= 2
    assert accused <= set(full["regions_down"])
    # 60 s apart by its interval: only fast confirmation proves it sooner than the next regular slots
    assert _seconds(incident["started_at"], incident["opened_at"]) < 20
    (notice,) = await farm.receiver.wait_for(1)
    notice.verify(secret)


async def _recovery(farm: Farm, api: httpx.AsyncClient, monitor_id: str) -> None:
    farm.site.failing = set()
    await _until_shown(api, monitor_id, "up", timeout=90)
    (incident,) = (await api.get("/incidents")).json()["items"]
    assert incident["state"] == "resolved"
    opened, resolved = await farm.receiver.wait_for(2)
    assert opened.delivery_id != resolved.delivery_id
    assert len(farm.receiver.received) == 2


async def _until_shown(api: httpx.AsyncClient, monitor_id: str, shown: str, *, timeout: float = 30) -> dict[str, Any]:
    state: dict[str, Any] = {}

    async def there() -> bool:
        nonlocal state
        state = (await api.get(f"/monitors/{monitor_id}")).raise_for_status().json()["state"]
        return bool(state["shown"] == shown)

    await until_async(there, f"the monitor is {shown}", timeout=timeout)
    return state


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
