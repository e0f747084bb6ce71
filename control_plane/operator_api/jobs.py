"""/operator/jobs: what tenants ordered; /operator/background-jobs: what every process does by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from control_plane.domain.fleet.background_jobs import BackgroundJob, gathered
from control_plane.errors import Conflict, NotFound
from control_plane.store import fleet_jobs, jobs, processes
from control_plane.store.fleet_jobs import FleetJob
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class FleetJobsQuery(PageQuery, frozen=True):
    """All filters that are given must hold."""

    tenant_id: UUID | None = None
    kind: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    state: JobState | None = None


class Process(Struct, frozen=True):
    """A control plane that serves now."""

    id: UUID
    version: str | None
    started_at: datetime
    seen_at: datetime


class BackgroundJobs(Struct, frozen=True):
    """As the live processes told within the last seconds."""

    processes: Sequence[Process]
    jobs: Sequence[BackgroundJob]


async def list_jobs(call: Call) -> Reply:
    query: FleetJobsQuery = call.query
    async with call.deps.database.app() as conn:
        found, total = await fleet_jobs.list_of_all(
            conn,
            tenant_id=query.tenant_id,
            kind=query.kind,
            state=query.state,
            limit=capped(query.limit),
            offset=query.offset,
        )
    return page_reply(call, found, total=total)


async def get(call: Call) -> Reply:
    return Reply(await _found(call))


async def cancel(call: Call) -> Reply:
    job = await _found(call)
    async with call.deps.database.app_transaction() as conn:
        cancelled = await jobs.cancel_job(conn, tenant_id=job.tenant_id, job_id=job.id)
    job = await _found(call)
    if not cancelled:
        raise Conflict(f"The job is over already: it {job.state}", code="JOB_OVER")
    return Reply(job)


async def background(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        live = await processes.live_processes(conn)
    told = gathered((process.id, process.jobs) for process in live)
    return Reply(BackgroundJobs([Process(p.id, p.version, p.started_at, p.seen_at) for p in live], told))


async def _found(call: Call) -> FleetJob:
    async with call.deps.database.app() as conn:
        job = await fleet_jobs.find_job(conn, job_id=call.uuid("job_id"))
    if job is None:
        raise NotFound("There is no such job; those that are over are kept for 7 days", code="JOB_NOT_FOUND")
    return job


_route = partial(Route, door=Door.OPERATOR, tag="Jobs")
_ERRORS = ("JOB_NOT_FOUND", "INVALID_ID")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/background-jobs",
        handler=background,
        operation="get_background_jobs",
        summary="How the work of every live process goes: last run, last success, failures, next run",
        reply=BackgroundJobs,
    ),
    _route(
        method="GET",
        path="/operator/jobs",
        handler=list_jobs,
        operation="list_all_jobs",
        summary="What tenants ordered, newest first",
        query=FleetJobsQuery,
        reply=Page[FleetJob],
    ),
    _route(
        method="GET",
        path="/operator/jobs/{job_id}",
        handler=get,
        operation="get_any_job",
        summary="Read a tenant's job",
        reply=FleetJob,
        errors=_ERRORS,
    ),
    _route(
        method="POST",
        path="/operator/jobs/{job_id}/cancel",
        handler=cancel,
        operation="cancel_any_job",
        summary="Cancel a tenant's job: what is done stays, the rest is not done",
        reply=FleetJob,
        errors=(*_ERRORS, "JOB_OVER"),
    ),
)
