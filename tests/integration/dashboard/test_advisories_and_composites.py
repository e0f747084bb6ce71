"""What pages say of a region that differs, of maintenance, and of a monitor that no region checks."""

from __future__ import annotations

import httpx

from tests.support.dashboard import Desk, post

LONG_AGO = "UPDATE monitor_states SET since = since - interval '1 hour' WHERE monitor_id = $1"
WINDOW = (
    "INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at, title)"
    " SELECT tenant_id, id, 'maintenance', now() - interval '1 hour', now() + interval '1 hour', 'Move'"
    " FROM monitors WHERE id = $1"
)


async def test_a_region_that_differs_is_marked_and_dropped_with_one_button(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor(interval=10)
    await desk.all_up(monitor_id, seconds_ago=50)
    region = next(iter(desk.regions))
    for seconds_ago in (40, 30, 20, 10, 0):
        await desk.report(monitor_id, region, "down", seconds_ago=seconds_ago)
    async with desk.database.app() as conn:
        await conn.execute(LONG_AGO, monitor_id)
    page = f"/app/monitors/{monitor_id}"
    assert f"{region} differs" in (await http.get("/app")).text
    assert f"Stop checking from {region}" in (await http.get(page)).text
    reply = await post(http, f"{page}/regions/{region}/drop", page=page)
    assert (reply.status_code, reply.headers["Location"]) == (303, f"{page}?said=dropped")
    after = (await http.get(reply.headers["Location"])).text
    assert "The region was taken out" in after
    assert "differs" not in after
    async with desk.served.tenant() as api:
        left = (await api.get(f"/api/v1/monitors/{monitor_id}")).json()["regions"]
    assert left == [slug for slug in desk.regions if slug != region]


async def test_a_region_is_dropped_only_by_a_form_of_ours(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    region = next(iter(desk.regions))
    reply = await http.post(f"/app/monitors/{monitor_id}/regions/{region}/drop", data={"form_token": "made up"})
    assert reply.status_code == 403
    async with desk.served.tenant() as api:
        assert region in (await api.get(f"/api/v1/monitors/{monitor_id}")).json()["regions"]


async def test_maintenance_is_a_calm_state_of_its_own(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    async with desk.database.app() as conn:
        await conn.execute(WINDOW, monitor_id)
    overview = (await http.get("/app")).text
    assert "1 monitor in maintenance" in overview
    assert 's-maintenance">Maintenance' in overview
    assert "Shop" in (await http.get("/app?state=maintenance")).text
    assert "nobody is alerted" in (await http.get(f"/app/monitors/{monitor_id}")).text


async def test_a_composite_has_a_page_without_regions(desk: Desk, http: httpx.AsyncClient) -> None:
    member = await desk.monitor("DB")
    async with desk.served.tenant() as api:
        check = {"type": "composite", "at_least": 1, "of": {"monitors": [str(member)]}}
        made = (await api.post("/api/v1/monitors", json={"name": "Everything", "check": check})).json()
    page = (await http.get(f"/app/monitors/{made['id']}")).text
    assert "Everything" in page
    assert "“DB” is unknown" in page
    assert "Check every" not in page
    assert "no region left" not in page
    assert "No agent is live" not in page
    assert "Everything" in (await http.get("/app")).text
