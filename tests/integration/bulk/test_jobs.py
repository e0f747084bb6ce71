"""Jobs: ordered with Prefer: respond-async, done by whichever process is there, never twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane import jobs
from control_plane.services.installation.forget_old_rows import forget_old_rows
from control_plane.services.jobs.run_job import JobContext, run_next_job
from control_plane.services.monitors import bulk_monitors
from control_plane.settings import RetentionSettings
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.door import an_api_key
from tests.support.tenant_world import World
from tests.support.waiting import until, until_async

BULK = "/api/v1/monitors/bulk"
ASYNC = {"Prefer": "respond-async"}
ROOT = Path(__file__).parents[3]


def bodies(count: int) -> list[dict[str, Any]]:
    return [{"name": f"Site {n}", "check": f"https://s{n}.example.com/"} for n in range(count)]


def context(world: World) -> JobContext:
    deps = world.door.deps
    return JobContext(database=world.database, sealer=deps.sealer, new_id=deps.new_id, ports="any")


async def order(http: httpx.AsyncClient, monitors: list[Any], **body: Any) -> str:
    reply = await http.post(BULK, json={"monitors": monitors, **body}, headers=ASYNC)
    assert reply.status_code == 202, reply.text
    assert reply.headers["Preference-Applied"] == "respond-async"
    assert reply.json()["state"] in ("queued", "running")  # whoever does jobs may have it already
    return reply.headers["Location"]


async def test_a_job_is_ordered_done_and_tells_what_failed(world: World, http: httpx.AsyncClient) -> None:
    where = await order(http, [*bodies(3), {"name": "bad"}])
    assert await run_next_job(context(world))
    job = (await http.get(where)).json()
    assert (job["state"], job["done"], job["succeeded"], job["failed"]) == ("succeeded", 4, 3, 1)
    assert [(one["index"], one["name"]) for one in job["failures"]] == [(3, "bad")]
    assert (await world.get("/monitors"))["total"] == 3
    kept = await world.rows("SELECT request FROM jobs WHERE tenant_id = $1", world.tenant_id)
    assert kept == [{"request": None}], "what was asked for is gone once it is done"
    assert not await run_next_job(context(world))
    assert (await http.get("/api/v1/jobs", params={"state": "succeeded"})).json()["total"] == 1
    assert (await http.get("/api/v1/jobs", params={"state": "queued"})).json()["total"] == 0
    assert (await http.get("/api/v1/jobs", params={"kind": "act_on_monitors"})).json()["total"] == 0


async def test_what_a_job_was_asked_for_is_sealed_and_its_deeds_are_the_callers(
    world: World, http: httpx.AsyncClient
) -> None:
    secret = "s3cret-and-long-enough"
    check = {"type": "http", "url": "https://a.example.com/", "auth": {"bearer_token": secret}}
    await order(http, [{"name": "API", "check": check}])
    row = (await world.rows("SELECT request FROM jobs"))[0]
    assert secret.encode() not in row["request"]
    assert await run_next_job(context(world))
    await order(http, bodies(1))
    assert await run_next_job(context(world))
    audited = await world.rows("SELECT operation, actor_kind FROM audit WHERE object_kind = 'monitor'")
    assert {"operation": "create_monitors", "actor_kind": "key"} in audited


async def test_a_cancelled_job_is_not_done(world: World, http: httpx.AsyncClient) -> None:
    where = await order(http, bodies(2))
    assert (await http.post(f"{where}/cancel")).json()["state"] == "cancelled"
    assert not await run_next_job(context(world))
    again = await http.post(f"{where}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "JOB_OVER")
    assert (await world.get("/monitors"))["total"] == 0


async def test_an_atomic_job_with_a_bad_item_fails_as_a_whole(world: World, http: httpx.AsyncClient) -> None:
    where = await order(http, [*bodies(2), {}], atomic=True)
    assert await run_next_job(context(world))
    job = (await http.get(where)).json()
    assert (job["state"], job["done"], job["error"]["code"]) == ("failed", 0, "BULK_REFUSED")
    assert (await world.get("/monitors"))["total"] == 0


async def test_a_job_is_its_tenants_alone(world: World, http: httpx.AsyncClient) -> None:
    where = await order(http, bodies(1))
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.stranger_id, "jobs:read", "jobs:write", number=8)
    async with world.door.client(key) as other:
        for method, path in (("GET", where), ("GET", f"{where}/events"), ("POST", f"{where}/cancel")):
            reply = await other.request(method, path)
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "JOB_NOT_FOUND")
        assert (await other.get("/api/v1/jobs")).json()["total"] == 0
    assert (await http.get(where)).json()["state"] == "queued"


async def test_who_ordered_a_job_follows_and_cancels_it_without_another_scope_and_others_do_not(
    world: World, http: httpx.AsyncClient
) -> None:
    own, others = await order(world.http, bodies(1)), await order(http, bodies(1))
    assert (await world.http.get(own)).json()["state"] == "queued"
    assert (await world.http.post(f"{own}/cancel")).json()["state"] == "cancelled"
    async with world.http.stream("GET", f"{own}/events") as reply:
        assert "event: over" in [line async for line in reply.aiter_lines()]
    nobodys = others.replace(others[-12:], "0" * 12)
    for method, path in (("GET", others), ("GET", f"{others}/events"), ("POST", f"{others}/cancel"), ("GET", nobodys)):
        reply = await world.http.request(method, path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "MISSING_SCOPE"), path


LOSSES = {
    "TENANT_SUSPENDED": "UPDATE tenants SET suspended_at = now() WHERE id = $1",
    "UNAUTHENTICATED": "DELETE FROM api_keys WHERE tenant_id = $1 AND number = 9",
    "MISSING_SCOPE": "UPDATE api_keys SET scopes = '{jobs:read}' WHERE tenant_id = $1 AND number = 9",
}


@pytest.mark.parametrize("code", LOSSES)
async def test_a_job_stops_when_the_right_to_do_it_is_lost_and_what_is_done_stays(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    where = await order(http, bodies(6))
    monkeypatch.setattr(bulk_monitors, "CHUNK", 2)
    read: list[UUID] = []

    def new_id() -> UUID:
        read.append(seed.new_id())
        return read[-1]

    deps = world.door.deps
    work = JobContext(database=world.database, sealer=deps.sealer, new_id=new_id, ports="any")
    async with world.database.app_transaction() as conn:
        await conn.execute("SELECT FROM tenant_counters WHERE tenant_id = $1 FOR UPDATE", world.tenant_id)
        running = asyncio.create_task(run_next_job(work))
        await until(lambda: len(read) == 2, "the first transaction waits for the counters")
        await conn.execute(LOSSES[code], world.tenant_id)
    assert await running
    row = (await world.rows("SELECT id, state, done, request, error FROM jobs"))[0]
    assert where.endswith(str(row["id"]))
    assert (row["state"], row["done"], row["request"], row["error"]["code"]) == ("cancelled", 2, None, code)
    assert await world.rows("SELECT count(*) AS n FROM monitors") == [{"n": 2}]


@pytest.mark.parametrize(("form", "kind"), [("json", "application/json"), ("csv", "text/csv"), ("html", "text/html")])
async def test_a_report_as_a_job_is_the_report(world: World, http: httpx.AsyncClient, form: str, kind: str) -> None:
    await world.monitor(name="=Sum")
    path = f"/api/v1/reports/{datetime.now(UTC):%Y-%m}?format={form}&tz=Europe/Berlin"
    reply = await world.http.get(path, headers=ASYNC)
    assert (reply.status_code, reply.json()["kind"], reply.json()["total"]) == (202, "report", 1), reply.text
    where = reply.headers["Location"]
    early = await world.http.get(f"{where}/result")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "JOB_NOT_OVER")
    assert await run_next_job(context(world))
    job = (await world.http.get(where)).json()
    assert (job["state"], job["done"], job["result"]["content_type"]) == ("succeeded", 1, kind)
    at_once, later = await world.http.get(path), await world.http.get(f"{where}/result")
    assert later.status_code == 200
    assert len(later.content) == job["result"]["bytes"]
    for header in ("Content-Type", "Content-Disposition", "Content-Security-Policy"):
        assert later.headers.get(header) == at_once.headers.get(header), header
    if form == "json":
        assert {**later.json(), "made_at": 0, "to": 0, "monitors": 0} == {
            **at_once.json(), "made_at": 0, "to": 0, "monitors": 0
        }  # fmt: skip
        assert [one["name"] for one in later.json()["monitors"]] == ["=Sum"]
    else:
        assert "=Sum" in later.text
    asked = (await world.rows("SELECT request, octet_length(output) AS kept FROM jobs"))[0]
    assert asked == {"request": None, "kept": len(later.content)}


async def test_a_report_that_cannot_be_is_refused_before_it_is_a_job(world: World) -> None:
    for path, code in (("never", "INVALID_MONTH"), ("2026-01?tz=Moon", "INVALID_TIMEZONE")):
        reply = await world.http.get(f"/api/v1/reports/{path}", headers=ASYNC)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert await world.rows("SELECT id FROM jobs") == []


async def test_a_job_whose_items_are_its_result_has_none_to_fetch(world: World, http: httpx.AsyncClient) -> None:
    where = await order(http, bodies(1))
    assert await run_next_job(context(world))
    reply = await http.get(f"{where}/result")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "JOB_HAS_NO_RESULT")


async def test_a_job_of_somebody_who_is_gone_is_not_begun(world: World, http: httpx.AsyncClient) -> None:
    await order(http, bodies(2))
    await world.rows(LOSSES["UNAUTHENTICATED"], world.tenant_id)
    assert await run_next_job(context(world))
    assert await world.rows("SELECT state, done FROM jobs") == [{"state": "cancelled", "done": 0}]


async def test_jobs_that_are_over_are_forgotten_after_a_week(world: World, http: httpx.AsyncClient) -> None:
    old, fresh = await order(http, bodies(1)), await order(http, bodies(1))
    while await run_next_job(context(world)):
        pass
    await world.rows("UPDATE jobs SET finished_at = now() - interval '8 days' WHERE id = $1", UUID(old[-36:]))
    await forget_old_rows(world.database, settings=RetentionSettings(), now=datetime.now(UTC))
    assert (await http.get(old)).status_code == 404
    assert (await http.get(fresh)).status_code == 200


async def test_ordering_wakes_whoever_does_jobs(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "JOBS_EVERY_S", 600)
    worker = asyncio.create_task(jobs.work(world.door.deps))
    for _ in range(3):
        where = await order(http, bodies(1))

        async def over(where: str = where) -> bool:
            return bool((await http.get(where)).json()["state"] == "succeeded")

        await until_async(over, "the job is done, long before anybody looks by itself", timeout=60)
    worker.cancel()
    await asyncio.wait([worker], timeout=30)


async def test_its_stream_tells_progress_and_ends_with_it(world: World, http: httpx.AsyncClient) -> None:
    where = await order(http, bodies(3))
    seen: list[str] = []

    async def follow() -> None:
        async with http.stream("GET", f"{where}/events") as reply:
            assert reply.headers["Content-Type"] == "text/event-stream"
            async for line in reply.aiter_lines():
                seen.append(line)  # noqa: PERF401  # another task looks meanwhile

    reader = asyncio.create_task(follow())
    await until(lambda: "event: progress" in seen, "the first event came")
    assert await run_next_job(context(world))
    await asyncio.wait_for(reader, 30)
    assert "event: over" in seen


WORKER = """
import asyncio, sys
from control_plane.sealing import Sealer
from control_plane import jobs
from control_plane.services.monitors import bulk_monitors
from control_plane.services.installation.forget_old_rows import forget_old_rows
from control_plane.services.jobs.run_job import JobContext, run_next_job
from control_plane.settings import RetentionSettings
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.door import an_api_key
from tests.support.seed import new_id

async def main():
    bulk_monitors.CHUNK = 5
    database = await Database.connect(sys.argv[1])
    await run_next_job(JobContext(
        database=database, sealer=Sealer({"k1": b"k" * 32}), new_id=new_id, ports="any"))

asyncio.run(main())
"""


async def test_a_process_that_is_killed_in_the_middle_leaves_the_rest_to_another_and_nothing_is_done_twice(
    world: World, http: httpx.AsyncClient, dsn: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = await order(http, bodies(2000))
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, dsn, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        async with asyncio.timeout(60):
            while (await http.get(where)).json()["done"] == 0:
                assert worker.returncode is None, "the worker must live until it is killed"
    finally:
        if worker.returncode is None:
            worker.send_signal(signal.SIGKILL)
        await worker.wait()
    job = (await http.get(where)).json()
    assert 0 < job["done"] < 2000, job
    assert not await run_next_job(context(world)), "the lease of the dead one holds for a while"
    async with world.database.app() as conn:
        await conn.execute("UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second'")
    monkeypatch.setattr(bulk_monitors, "CHUNK", 400)
    assert await run_next_job(context(world))
    job = (await http.get(where)).json()
    assert (job["state"], job["done"], job["failed"]) == ("succeeded", 2000, 0)
    names = await world.rows("SELECT name FROM monitors WHERE tenant_id = $1", world.tenant_id)
    assert sorted(row["name"] for row in names) == sorted(body["name"] for body in bodies(2000))
