"""What tenants ordered, and what every process does by itself, as the operator sees it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from control_plane.jobs.loop import Job, run_jobs
from control_plane.services.installation.count_processes import Processes
from control_plane.store.pool import Database
from control_plane.web.call import Deps
from tests.support.serving import ControlPlane
from tests.support.waiting import until_async

LATER = {"monitors": [{"name": "Later", "check": "https://later.example.com/"}]}


async def ordered(served: ControlPlane) -> dict[str, Any]:
    async with served.tenant() as http:
        reply = await http.post("/api/v1/monitors/bulk", json=LATER, headers={"Prefer": "respond-async"})
    assert reply.status_code == 202, reply.text
    job: dict[str, Any] = reply.json()
    return job


async def test_a_tenants_job_is_listed_read_and_cancelled(served: ControlPlane, database: Database) -> None:
    job = await ordered(served)
    async with served.operator() as operator:
        listed = (await operator.get("/operator/jobs", params={"state": "queued"})).json()["items"]
        other = (await operator.get("/operator/jobs", params={"kind": "nothing"})).json()
        path = f"/operator/jobs/{job['id']}"
        cancelled = await operator.post(f"{path}/cancel")
        again = await operator.post(f"{path}/cancel")
        entries = (await operator.get("/operator/audit", params={"operation": "cancel_any_job"})).json()["items"]
    assert [one["id"] for one in listed] == [job["id"]]
    assert listed[0]["tenant_id"] == str(served.home.tenant_id)
    assert other["total"] == 0
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "JOB_OVER")
    (entry,) = entries
    assert (entry["object_kind"], entry["object_id"], entry["actor_kind"]) == ("job", job["id"], "operator")
    assert entry["tenant_id"] == str(served.home.tenant_id)
    assert entry["changes"].get("state") == ["queued", "cancelled"]
    assert "request" not in entry["changes"]
    async with database.app() as conn:
        assert await conn.fetchval("SELECT request FROM jobs") is None


async def test_background_jobs_are_told_by_every_live_process(served: ControlPlane, database: Database) -> None:
    deps, two = served.deps, Processes()
    pause = timedelta(milliseconds=50)
    running = asyncio.create_task(run_jobs(deps, [Job("steady", pause, _nothing), Job("broken", pause, _fail)]))

    async def told() -> dict[str, dict[str, Any]]:
        await deps.processes.mark(database)
        async with served.operator() as operator:
            found = (await operator.get("/operator/background-jobs")).json()
        return {job["name"]: job for job in found["jobs"]}

    async def have_run() -> bool:
        return {name: job["runs"] > 0 for name, job in (await told()).items()} == {"steady": True, "broken": True}

    try:
        await until_async(have_run, "both jobs have run")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    two.job_began("steady", now=deps.now())
    await two.mark(database)
    jobs = await told()
    assert jobs["broken"]["failures"] == jobs["broken"]["runs"]
    assert (jobs["broken"]["last_error"], jobs["broken"]["last_success_at"]) == ("ZeroDivisionError", None)
    assert jobs["steady"]["failures"] == 0
    assert jobs["steady"]["last_success_at"] is not None
    assert jobs["steady"]["is_running"] is True
    assert len(jobs["steady"]["processes"]) == 2
    await two.leave(database)
    assert len((await told())["steady"]["processes"]) == 1


async def _nothing(_deps: Deps) -> None:
    return None


async def _fail(_deps: Deps) -> None:
    raise ZeroDivisionError
