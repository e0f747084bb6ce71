"""The page of a monitor says whether anybody would hear, by bindings and routes."""

from __future__ import annotations

from control_plane.store.pool import Database
from tests.support.dashboard import a_desk

HOOK = {"type": "ntfy", "topic": "ops"}


async def test_a_monitor_that_only_a_route_leads_from_is_not_called_silent(database: Database) -> None:
    async with a_desk(database) as desk, desk.served.tenant() as http:
        monitor_id = await desk.monitor(tags=["prod"])
        async with desk.signed_in() as browser:
            before = (await browser.get(f"/app/monitors/{monitor_id}")).text
            channel = (await http.post("/api/v1/channels", json={"name": "Ops", "config": HOOK})).json()
            body = {"name": "Prod", "match": {"tags": ["prod"]}, "channel_ids": [channel["id"]]}
            assert (await http.post("/api/v1/routes", json=body)).status_code == 201
            after = (await browser.get(f"/app/monitors/{monitor_id}")).text
    assert "Nobody is told" in before
    assert "Nobody is told" not in after
    assert "1 channel" in after
