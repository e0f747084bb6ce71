"""A tenant that names port after port is refused, and the operator hears of it."""

from __future__ import annotations

import pytest

from control_plane.services.safety.watch_scans import watch_scans
from control_plane.store.pool import Database
from tests.support.serving import ControlPlane

AN_HOUR_AGO = "UPDATE port_touches SET at = at - interval '61 minutes'"

pytestmark = pytest.mark.usefixtures("eu_key")


async def test_one_port_too_many_of_a_host_is_refused_until_an_hour_has_passed(
    served: ControlPlane, database: Database
) -> None:
    async with served.tenant() as http, served.operator() as operator:
        await operator.patch("/operator/settings", json={"scan_ports_per_host": 3})

        async def monitor(check: str, region: str = "eu") -> tuple[int, str | None]:
            body = {"name": check, "check": check, "regions": [region]}
            reply = await http.post("/api/v1/monitors", json=body)
            return reply.status_code, reply.json().get("error", {}).get("code")

        begun = [await monitor(f"tcp://db.example.com:{port}") for port in (1000, 1001, 1001, 1002)]
        beyond = await monitor("tcp://db.example.com:1003")
        tested = await http.post(
            "/api/v1/monitors/test", json={"check": "https://db.example.com:1004", "regions": ["eu"]}
        )
        others = [
            await monitor("tcp://other.example.com:1003"),
            await monitor("https://db.example.com/"),
            await monitor("tcp://db.example.com:1003", "home"),
        ]
        opened = await watch_scans(database)
        assert await watch_scans(database) == []
        async with database.app() as conn:
            await conn.execute(AN_HOUR_AGO)
        ended = await watch_scans(database)
        later = await monitor("tcp://db.example.com:1003")
    assert begun == [(201, None)] * 4
    assert beyond == (422, "PORT_SCAN_SUSPECTED")
    assert (tested.status_code, tested.json()["error"]["code"]) == (422, "PORT_SCAN_SUSPECTED")
    assert others == [(201, None)] * 3
    assert [(one.kind, one.resolution) for one in opened] == [("port_scan", None)]
    assert (opened[0].details["host"], opened[0].details["ports"]) == ("db.example.com", 3)
    assert str(served.home.tenant_id) == opened[0].details["tenant_id"]
    assert [(one.kind, one.resolution) for one in ended] == [("port_scan", "recovered")]
    assert later == (201, None)
