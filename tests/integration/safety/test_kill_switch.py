"""The kill switch: nothing for agents, 503 for whoever asks, one incident for the operator and none for tenants."""

from __future__ import annotations

import msgspec

from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.store.pool import Database
from shared.protocol import Assignments
from tests.support.serving import ControlPlane

STALE_VOTES = """
INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms, newest_slot, vote)
SELECT a.monitor_id, a.region_id, a.tenant_id, a.check_version, a.window_ms,
    (extract(epoch FROM now()) * 1000)::bigint - a.window_ms - 600000, 'up' FROM assignments a
"""


async def poll(served: ControlPlane, key: str) -> Assignments:
    async with served.client(key) as agent:
        answer = await agent.get("/api/agent/v1/assignments", params={"cursor": ""})
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Assignments)


async def test_the_switch_empties_assignments_and_refuses_what_is_asked_for(
    served: ControlPlane, database: Database, eu_key: str
) -> None:
    async with served.tenant() as http, served.operator() as operator:
        body = {"name": "API", "check": "https://a.test.org/", "regions": ["eu"]}
        made = (await http.post("/api/v1/monitors", json=body)).json()
        before = await poll(served, eu_key)
        nameless = await operator.put("/operator/kill-switch", json={"on": True})
        on = await operator.put("/operator/kill-switch", json={"on": True, "reason": "A call"})
        again = await operator.put("/operator/kill-switch", json={"on": True, "reason": "Two calls"})
        during = await poll(served, eu_key)
        answers = [
            await http.post(f"/api/v1/monitors/{made['id']}/check-now"),
            await http.post("/api/v1/monitors/test", json={"check": "https://a.test.org/", "regions": ["eu"]}),
        ]
        async with database.app() as conn:
            await conn.execute(STALE_VOTES)
        assert await watch_fleet(database, release="0") == []
        incidents = (await operator.get("/operator/incidents", params={"state": "open"})).json()["items"]
        off = await operator.put("/operator/kill-switch", json={"on": False})
        assert await watch_fleet(database, release="0") == []
        after = await poll(served, eu_key)
        closed = (await operator.get("/operator/incidents")).json()["items"]
        tenants = (await http.get("/api/v1/incidents")).json()["total"]
        shown = (await operator.get("/operator/kill-switch")).json()
    assert (nameless.status_code, nameless.json()["error"]["code"]) == (400, "MISSING_FIELD")
    assert (on.json()["since"], again.json()["reason"]) == (again.json()["since"], "Two calls")
    assert (during.paused, during.upserts, during.snapshot) == ("Two calls", (), True)
    assert [(a.status_code, a.json()["error"]["code"]) for a in answers] == [(503, "KILL_SWITCH_ACTIVE")] * 2
    assert [(one["kind"], one["reason"]) for one in incidents] == [("kill_switch", "Two calls")]
    assert off.json() == {"on": False, "reason": None, "since": None} == shown
    assert after.paused is None
    assert [one.phase for one in after.upserts] == [one.phase for one in before.upserts]
    assert [(one["kind"], one["state"]) for one in closed] == [("kill_switch", "resolved")]
    assert tenants == 0


async def test_settings_have_defaults_and_are_changed_one_by_one(served: ControlPlane) -> None:
    async with served.operator() as http:
        first = (await http.get("/operator/settings")).json()
        changed = (await http.patch("/operator/settings", json={"scan_ports_per_host": 5})).json()
        back = (await http.patch("/operator/settings", json={"scan_ports_per_host": None})).json()
        wrong = await http.patch("/operator/settings", json={"scan_ports_per_host": -1})
    assert changed == {**first, "scan_ports_per_host": 5}
    assert back == first
    assert wrong.status_code == 400
