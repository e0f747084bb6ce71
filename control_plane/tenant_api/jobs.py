"""/api/v1/jobs: work that was ordered with `Prefer: respond-async`; how far it is, what came of it, and stopping it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Struct

from control_plane.errors import Conflict, Forbidden, NotFound
from control_plane.notify.report_page import CONTENT_SECURITY_POLICY
from control_plane.services.jobs.order_job import SCOPES, enqueue_job, job_context
from control_plane.store import jobs
from control_plane.store.jobs import JobView
from control_plane.web.actor import actor_of
from control_plane.web.call import Call, Reply
from control_plane.web.dispatch import READ
from control_plane.web.hub import JOBS, Subscription
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from control_plane.web.sse import COMMENT_S, begin, encode_frame, new_stream

ONE = "/api/v1/jobs/{job_id}"
SCOPE = "jobs:read"
ASYNC_ERRORS = ("TOO_MANY_JOBS",)

_ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?=$|[,;\s])", re.IGNORECASE)
_WRITE_TIMEOUT_S = 10.0

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobJson(Struct, frozen=True, kw_only=True):
    """`done` of `total` items are done, `failed` of which were refused: the first thousand are in `failures`.

    `state` succeeded: every item was tried. failed: the work as a whole was refused, `error` says why.
    """

    id: UUID
    number: int
    kind: str
    state: str
    total: int
    done: int
    succeeded: int
    failed: int
    failures: Sequence[Mapping[str, Any]]
    result: Any
    error: Mapping[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobsQuery(PageQuery, frozen=True):
    """All filters that are given must hold."""

    kind: str | None = None
    state: JobState | None = None


def wants_async(call: Call) -> bool:
    """Whether the caller prefers a job (RFC 7240 section 4.1)."""
    return _ASYNC.search(", ".join(call.request.headers.getall("Prefer", []))) is not None


async def ordered(call: Call, *, kind: str, request: bytes, total: int) -> Reply:
    """Queue a job of this kind for the caller and answer 202 with it. Raises Refused TOO_MANY_JOBS."""
    tenant_id, job_id = call.tenant().tenant_id, call.deps.new_id()
    actor = actor_of(call.tenant(), call.request, call.deps)
    sealed = await asyncio.to_thread(partial(call.deps.sealer.seal, request, context=job_context(tenant_id, job_id)))
    async with call.deps.database.tenant_transaction(tenant_id) as conn:
        await enqueue_job(
            conn,
            tenant_id=tenant_id,
            job_id=job_id,
            kind=kind,
            request=sealed,
            total=total,
            actor=actor,
        )
    headers = {"Location": f"/api/v1/jobs/{job_id}", "Preference-Applied": "respond-async"}
    return Reply(job_json(await _read(call, job_id)), status=202, headers=headers)


def job_json(view: JobView) -> JobJson:
    """A job as callers see it."""
    return JobJson(
        id=view.id,
        number=view.number,
        kind=view.kind,
        state=view.state,
        total=view.total,
        done=view.done,
        succeeded=view.done - view.failed,
        failed=view.failed,
        failures=view.failures,
        result=view.result,
        error=view.error,
        created_at=view.created_at,
        started_at=view.started_at,
        finished_at=view.finished_at,
    )


async def list_jobs(call: Call) -> Reply:
    query: JobsQuery = call.query
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found, total = await jobs.list_jobs(
            conn,
            tenant_id=tenant_id,
            kind=query.kind,
            state=query.state,
            limit=capped(query.limit),
            offset=query.offset,
        )
    return page_reply(call, [job_json(view) for view in found], total=total)


async def get(call: Call) -> Reply:
    return Reply(job_json(await _read(call, call.uuid("job_id"))))


async def cancel(call: Call) -> Reply:
    tenant_id, job_id = call.tenant().tenant_id, call.uuid("job_id")
    await _read(call, job_id, scope="jobs:write")
    async with call.deps.database.tenant_transaction(tenant_id) as conn:
        cancelled = await jobs.cancel_job(conn, tenant_id=tenant_id, job_id=job_id)
    view = await _read(call, job_id, scope="jobs:write")
    if not cancelled:
        raise Conflict(f"The job is over already: it {view.state}", code="JOB_OVER")
    return Reply(job_json(view))


async def result(call: Call) -> web.Response:
    """What the job made, as it was asked for."""
    job_id = call.uuid("job_id")
    view = await _read(call, job_id)
    if view.finished_at is None:
        raise Conflict(f"The job is not over yet: it is {view.state}", code="JOB_NOT_OVER")
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        output = await jobs.read_output(conn, tenant_id=tenant_id, job_id=job_id)
    if output is None:
        message = f"The job made nothing to fetch: it is a job of the kind {view.kind}, and it {view.state}"
        raise NotFound(message, code="JOB_HAS_NO_RESULT")
    return file_reply(output, content_type=view.result["content_type"], filename=view.result["filename"])


def file_reply(content: bytes, *, content_type: str, filename: str | None) -> web.Response:
    """Text in UTF-8, to be kept under `filename`, or to be shown."""
    headers = {"Cache-Control": READ, "X-Content-Type-Options": "nosniff"}
    if filename is not None:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    elif content_type == "text/html":
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    charset = None if content_type == "application/json" else "utf-8"
    return web.Response(body=content, content_type=content_type, charset=charset, headers=headers)


async def stream(call: Call) -> web.StreamResponse:
    """Its state now, and again each time that it goes on; the stream ends with the job."""
    job_id = call.uuid("job_id")
    with call.deps.hub.subscribe(f"{JOBS}:{job_id}") as hints:
        view = await _read(call, job_id)
        response = new_stream(call.request)
        try:
            await begin(call.request, response, b"")
            await _write(response, _frame(view))
            while view.finished_at is None and not hints.closed and await _may_go_on(call, hints, view):
                view = await _read(call, job_id)
                await _write(response, _frame(view))
            await response.write_eof()
        except (ConnectionError, TimeoutError):
            pass  # the reader went away, or reads no more
    return response


async def _may_go_on(call: Call, hints: Subscription, view: JobView) -> bool:
    """Wait for a hint; without one for a while, whether the caller may still look."""
    if await hints.get(COMMENT_S) is not None or hints.closed:
        return True
    scope = SCOPE if SCOPE in call.tenant().scopes else SCOPES[view.kind]
    return await call.deps.authenticator.still_admits(call.request, scope=scope)


def _frame(view: JobView) -> bytes:
    """`progress` while it goes on, `over` at the end; neither carries the failed items."""
    told = msgspec.structs.replace(job_json(view), failures=(), result=None)
    event = "progress" if view.finished_at is None else "over"
    return encode_frame(event=event, data=msgspec.json.encode(told).decode()).data


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(_WRITE_TIMEOUT_S):
        await response.write(data)


async def _read(call: Call, job_id: UUID, *, scope: str = SCOPE) -> JobView:
    """Raises Forbidden MISSING_SCOPE for who lacks the scope and did not order the job, NotFound JOB_NOT_FOUND."""
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        view = await jobs.get_job(conn, tenant_id=tenant_id, job_id=job_id)
    caller = call.tenant()
    if scope not in caller.scopes and (view is None or view.ordered_by != caller.id):
        message = f"This key lacks the scope {scope}, and did not order this job: make one that has it"
        raise Forbidden(message, code="MISSING_SCOPE", details={"scope": scope})
    if view is None:
        raise NotFound("There is no such job; those that are over are kept for 7 days", code="JOB_NOT_FOUND")
    return view


_route = partial(Route, door=Door.TENANT, tag="jobs")
_ERRORS = ("JOB_NOT_FOUND", "INVALID_ID")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/jobs",
        handler=list_jobs,
        operation="list_jobs",
        summary="List jobs, newest first",
        scope=SCOPE,
        query=JobsQuery,
        reply=Page[JobJson],
    ),
    _route(
        method="GET",
        path=ONE,
        handler=get,
        operation="get_job",
        summary="Read a job: how far it is, and what failed",
        scope=SCOPE,
        reply=JobJson,
        errors=_ERRORS,
        own=True,
        description="Whoever ordered the job may read it without the scope.",
    ),
    _route(
        method="GET",
        path=f"{ONE}/events",
        handler=stream,
        operation="stream_job",
        summary="Follow a job until it is over",
        description="text/event-stream: `progress` with the job each time that it goes on, `over` at its end.",
        scope=SCOPE,
        head=False,
        errors=_ERRORS,
        own=True,
    ),
    _route(
        method="GET",
        path=f"{ONE}/result",
        handler=result,
        operation="get_job_result",
        summary="Fetch what a job made, such as a report",
        description="In the form that was asked for. Jobs whose items are their result have none.",
        scope=SCOPE,
        own=True,
        reply=Any,
        also=("text/csv", "text/html"),
        errors=(*_ERRORS, "JOB_NOT_OVER", "JOB_HAS_NO_RESULT"),
    ),
    _route(
        method="POST",
        path=f"{ONE}/cancel",
        handler=cancel,
        operation="cancel_job",
        summary="Cancel a job: what is done stays, the rest is not done",
        scope="jobs:write",
        own=True,
        description="Whoever ordered the job may cancel it without the scope.",
        reply=JobJson,
        errors=(*_ERRORS, "JOB_OVER"),
    ),
)
