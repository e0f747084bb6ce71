"""Badges over HTTP: who is shown one, in which form, and that it says what the API says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from control_plane.store.pool import Database
from shared.ids import TenantId
from shared.results import Detail
from tests.support.dashboard import Desk
from tests.support.pages import a_component, a_page

KINDS = ("status", "uptime", "latency", "certificate")
SVG = "{http://www.w3.org/2000/svg}"
HIDE = "UPDATE status_pages SET state = $1, password_digest = $2"
SUSPEND = "UPDATE tenants SET suspended_at = now()"
DAY_OF_OUTAGE = """
INSERT INTO transitions (tenant_id, monitor_id, number, at, previous, verdict, reason)
SELECT tenant_id, monitor_id, 100000 + n, now() - make_interval(days => 2, secs => -n), 'up',
    CASE n WHEN 0 THEN 'up' WHEN 1 THEN 'down' ELSE 'up' END, ''
FROM monitor_states CROSS JOIN generate_series(0, 2) AS n WHERE monitor_id = $1
"""
AGED = "UPDATE monitors SET created_at = now() - interval '60 days'"


async def publish(database: Database, desk: Desk, monitor_id: UUID, *, name: str = "Checkout") -> None:
    tenant_id = TenantId(desk.served.home.tenant_id)
    async with database.app() as conn:
        page_id = await a_page(conn, tenant_id, "acme", state="published")
        await a_component(conn, tenant_id, page_id, monitor_id, name=name)


async def share(desk: Desk, monitor_id: UUID, **body: Any) -> dict[str, Any]:
    async with desk.served.tenant() as http:
        reply = await http.post(f"/api/v1/monitors/{monitor_id}/shares", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def badge(http: httpx.AsyncClient, monitor_id: object, kind: str, **query: str) -> httpx.Response:
    return await http.get(f"/api/v1/monitors/{monitor_id}/badge/{kind}", params=query)


async def test_a_monitor_that_is_neither_published_nor_shared_is_not_there(desk: Desk) -> None:
    monitor_id = await desk.monitor()
    other = await share(desk, await desk.monitor("Other"))
    async with desk.browser() as http:
        for kind in KINDS:
            unknown = await badge(http, uuid4(), kind)
            answers = [
                await badge(http, monitor_id, kind),
                await badge(http, monitor_id, kind, token="x"),
                await badge(http, monitor_id, kind, token=other["token"]),
                await badge(http, "no-uuid", kind),
            ]
            assert {answer.status_code for answer in (unknown, *answers)} == {404}
            assert {answer.json()["error"]["message"] for answer in (unknown, *answers)} == {"There is no such monitor"}


async def test_a_page_open_to_all_shows_the_badge_by_the_name_that_it_gives(database: Database, desk: Desk) -> None:
    monitor_id = await desk.monitor("internal-api-7")
    await publish(database, desk, monitor_id)
    async with desk.browser() as http:
        shown = await badge(http, monitor_id, "status")
        assert shown.status_code == 200
        assert "Checkout: no data." in shown.text
        assert "internal-api-7" not in shown.text
        for state, password in (("draft", None), ("published", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA")):
            async with database.owner() as conn:
                await conn.execute(HIDE, state, password)
            assert (await badge(http, monitor_id, "status")).status_code == 404


async def test_nothing_is_shown_of_a_suspended_tenant(database: Database, desk: Desk) -> None:
    monitor_id = await desk.monitor()
    made = await share(desk, monitor_id)
    await publish(database, desk, monitor_id)
    async with database.owner() as conn:
        await conn.execute(SUSPEND)
    async with desk.browser() as http:
        assert (await badge(http, monitor_id, "status")).status_code == 404
        assert (await badge(http, monitor_id, "status", token=made["token"])).status_code == 404
        assert (await http.get(f"/m/{made['token']}")).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_every_badge_is_a_picture_and_what_shields_takes(desk: Desk, kind: str) -> None:
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)
    token = (await share(desk, monitor_id))["token"]
    async with desk.browser() as http:
        drawn = await badge(http, monitor_id, kind, token=token, style="plastic", label="<b>&")
        assert drawn.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
        assert drawn.headers["Cache-Control"].startswith("public, max-age=")
        root = ET.fromstring(drawn.text)
        assert (root.findtext(f"{SVG}title") or "").startswith("<b>&: ")
        told = await badge(http, monitor_id, f"{kind}.json", token=token)
        assert sorted(told.json()) == ["color", "label", "message", "schemaVersion"]
        path = f"/api/v1/monitors/{monitor_id}/badge/{kind}"
        asked = await http.get(path, params={"token": token}, headers={"Accept": "application/json"})
        assert asked.json() == told.json()
        again = await http.get(path, params={"token": token}, headers={"If-None-Match": "*"})
        assert (again.status_code, again.content) == (304, b"")
        assert (await badge(http, monitor_id, f"{kind}.png", token=token)).status_code == 404


async def test_the_badge_follows_what_the_monitor_is_shown_as(desk: Desk) -> None:
    messages = []
    async with desk.browser() as http:
        for state in ("unknown", "up", "down", "paused"):
            monitor_id = await desk.monitor(f"In state {state}")
            token = (await share(desk, monitor_id))["token"]
            if state != "unknown":
                await desk.all_up(monitor_id)
            if state == "down":
                await desk.down(monitor_id, *desk.regions)
            if state == "paused":
                async with desk.served.tenant() as tenant:
                    assert (await tenant.post(f"/api/v1/monitors/{monitor_id}/pause")).status_code == 200
            messages.append((await badge(http, monitor_id, "status.json", token=token)).json()["message"])
    assert messages == ["no data", "up", "down", "paused"]


async def test_uptime_says_what_the_api_says_and_never_all_of_it_after_an_outage(
    database: Database, desk: Desk
) -> None:
    monitor_id = await desk.monitor()
    token = (await share(desk, monitor_id))["token"]
    async with database.owner() as conn:
        await conn.execute(AGED)
        await conn.execute(DAY_OF_OUTAGE, monitor_id)
    async with desk.browser() as http, desk.served.tenant() as tenant:
        told = (await badge(http, monitor_id, "uptime.json", token=token, period="7d")).json()
        assert told["label"] == "uptime 7d"
        assert told["message"] == "99.99%"
        day = (await badge(http, monitor_id, "uptime.json", token=token, period="24h")).json()["message"]
        api = (await tenant.get(f"/api/v1/monitors/{monitor_id}/uptime")).json()["uptime_pct"]
        assert (day, api) == ("100%", 100.0)


async def test_a_certificate_is_counted_to_its_earliest_end(desk: Desk) -> None:
    monitor_id = await desk.monitor()
    token = (await share(desk, monitor_id))["token"]
    for days, region in enumerate(desk.regions, start=20):
        end = int(desk.served.deps.now().timestamp()) + days * 86_400 + 3600
        await desk.report(monitor_id, region, "up", detail=Detail(cert_expires_at=end))
    async with desk.browser() as http:
        assert (await badge(http, monitor_id, "certificate.json", token=token)).json()["message"] == "20 days"


async def test_what_is_asked_wrongly_is_named(desk: Desk) -> None:
    monitor_id = await desk.monitor()
    async with desk.browser() as http:
        for query, code in (
            ({"period": "1y"}, "INVALID_PERIOD"),
            ({"style": "social"}, "INVALID_STYLE"),
            ({"label": "x" * 201}, "INVALID_LABEL"),
            ({"colour": "red"}, "UNKNOWN_PARAMETER"),
        ):
            reply = await badge(http, monitor_id, "status", **query)
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
