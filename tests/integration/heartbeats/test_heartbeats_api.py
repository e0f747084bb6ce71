"""/api/v1/heartbeats: what is shown of a heartbeat, and who may see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from tests.integration.heartbeats.conftest import Beating
from tests.support import seed
from tests.support.heartbeats import pinged


async def test_a_heartbeat_shows_where_to_ping_and_what_came(beating: Beating) -> None:
    before = await beating.get()
    assert before["ping_url"].endswith(f"/ping/{beating.ping_id}")
    assert (before["pings"], before["last_ping_at"], before["due_at"], before["running_since"]) == (0, None, None, None)

    assert (await beating.open_.get(before["ping_url"])).status_code == 200
    await beating.ping("/start")

    after = await beating.get()
    assert (after["pings"], after["last_ping_kind"]) == (2, "start")
    due, last = datetime.fromisoformat(after["due_at"]), datetime.fromisoformat(after["last_ping_at"])
    assert due - last == timedelta(seconds=3900)  # the run has as long as the next ping would have
    assert after["running_since"] == after["last_ping_at"]


async def test_the_list_has_every_heartbeat_of_the_tenant_and_no_other_monitor(beating: Beating) -> None:
    async with beating.database.app_transaction() as conn:
        await seed.a_monitor(conn, beating.tenant_id, [])
    listed = (await beating.http.get("/api/v1/heartbeats")).json()
    assert (listed["total"], [item["monitor_id"] for item in listed["items"]]) == (1, [str(beating.monitor_id)])
    assert (await beating.stranger.get("/api/v1/heartbeats")).json()["items"] == []


async def test_the_url_is_shown_to_who_may_ping_by_it(beating: Beating) -> None:
    shown = (await beating.reader.get(f"/api/v1/heartbeats/{beating.monitor_id}")).json()
    assert shown["ping_url"] is None
    assert str(beating.ping_id) not in (await beating.reader.get("/api/v1/heartbeats")).text


async def test_pings_are_paged_by_cursor_newest_first_without_a_gap(beating: Beating) -> None:
    for number in range(7):
        await beating.ping(f"/{number}", method="POST", content=b"n" * number)
    seen, url = [], f"/api/v1/heartbeats/{beating.monitor_id}/pings?limit=3"
    while url:
        page = await beating.http.get(url)
        assert page.status_code == 200, page.text
        seen += [(item["number"], item["exit_code"], item["size"]) for item in page.json()["items"]]
        url = page.links.get("next", {}).get("url", "")
    assert seen == [(number, number - 1, number - 1) for number in range(7, 0, -1)]
    assert [item["exit_code"] for item in (await beating.get("/pings?kind=success"))["items"]] == [0]


async def test_a_body_comes_back_as_bytes_that_no_browser_runs(beating: Beating) -> None:
    await beating.ping(method="POST", content=b"<script>\x00\xff")
    await beating.ping()
    url = f"/api/v1/heartbeats/{beating.monitor_id}/pings"
    body = await beating.http.get(f"{url}/1/body")
    assert body.content == b"<script>\x00\xff"
    assert (body.headers["Content-Type"], body.headers["X-Content-Type-Options"]) == (
        "application/octet-stream",
        "nosniff",
    )
    assert (await beating.http.get(f"{url}/2/body")).content == b""
    assert (await beating.http.get(f"{url}/3/body")).json()["error"]["code"] == "PING_NOT_FOUND"
    assert (await beating.http.get(f"{url}/x/body")).status_code == 400


async def test_runs_tell_how_long_they_took_and_how_they_ended(beating: Beating) -> None:
    rid = uuid4()
    await beating.ping(f"/start?rid={rid}")
    await beating.ping("/start")
    await beating.ping(f"/3?rid={rid}")
    newest, oldest = (await beating.get("/runs"))["items"]
    assert (newest["number"], newest["outcome"], newest["finished_at"]) == (2, "running", None)
    assert (oldest["number"], oldest["rid"], oldest["outcome"], oldest["exit_code"]) == (1, str(rid), "fail", 3)
    started, finished = (datetime.fromisoformat(oldest[name]) for name in ("started_at", "finished_at"))
    assert timedelta(milliseconds=oldest["duration_ms"]) == finished - started


async def test_a_run_past_its_limit_is_shown_overdue(beating: Beating) -> None:
    await beating.ping("/start")
    async with beating.database.app() as conn:
        await conn.execute("UPDATE heartbeat_runs SET started_at = started_at - interval '2 hours'")
    assert [run["outcome"] for run in (await beating.get("/runs"))["items"]] == ["overdue"]


async def test_another_url_counts_at_once_and_the_old_one_for_a_while(beating: Beating) -> None:
    rotated = await beating.http.post(f"/api/v1/heartbeats/{beating.monitor_id}/rotate", json={})
    assert rotated.status_code == 200, rotated.text
    assert str(beating.ping_id) not in rotated.json()["ping_url"]
    assert rotated.json()["previous_url_until"] is not None
    for url in (rotated.json()["ping_url"], f"/ping/{beating.ping_id}"):
        assert (await beating.open_.get(url)).status_code == 200
    assert len((await pinged(beating.database))[beating.monitor_id]) == 2

    async with beating.database.app() as conn:
        await conn.execute("UPDATE heartbeats SET previous_until = now()")
    assert (await beating.ping()).status_code == 404


async def test_a_leaked_url_ends_at_once(beating: Beating) -> None:
    rotated = await beating.http.post(f"/api/v1/heartbeats/{beating.monitor_id}/rotate", json={"overlap": 0})
    assert rotated.json()["previous_url_until"] is None
    assert (await beating.ping()).status_code == 404
    assert (await beating.open_.get(rotated.json()["ping_url"])).status_code == 200


@pytest.mark.parametrize("overlap", [-1, 604_801, "x", None, 1.5])
async def test_an_overlap_is_seconds_up_to_a_week(beating: Beating, overlap: object) -> None:
    url = f"/api/v1/heartbeats/{beating.monitor_id}/rotate"
    assert (await beating.http.post(url, json={"overlap": overlap})).status_code == 400
    assert (await beating.ping()).status_code == 200


async def test_nobody_else_reads_or_rotates_it(beating: Beating) -> None:
    await beating.ping()
    url = f"/api/v1/heartbeats/{beating.monitor_id}"
    for end in ("", "/pings", "/runs", "/pings/1/body"):
        assert (await beating.stranger.get(url + end)).status_code == 404
        assert (await beating.open_.get(url + end)).status_code == 401
    assert (await beating.stranger.post(f"{url}/rotate", json={})).status_code == 404
    assert (await beating.reader.post(f"{url}/rotate", json={})).status_code == 403
    assert (await beating.ping()).status_code == 200


async def test_a_deleted_monitor_takes_its_pings_along(beating: Beating) -> None:
    await beating.ping("/start")
    assert (await beating.http.delete(f"/api/v1/monitors/{beating.monitor_id}")).status_code == 204
    assert (await beating.ping()).status_code == 404
    assert await pinged(beating.database) == {}
