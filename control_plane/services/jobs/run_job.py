"""Doing jobs: claim one, do what its kind says, and go on where a process that died left off.

Each transaction of the work holds the job's row under the lease's token and moves its position along with the effects:
so nothing is done twice, whoever else believes to have the job, and a cancelled one stops between two transactions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs

from control_plane.domain.tenants.actor import Actor
from control_plane.errors import FarwatchError, Unavailable
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.alerting.channel_config import Transports
from control_plane.services.configuration.apply_as_job import ApplyRequest, apply_as_job
from control_plane.services.configuration.plan_steps import Means as PlanMeans
from control_plane.services.jobs.order_job import LEASE, job_context, loss_of_right
from control_plane.services.monitors.bulk_monitors import Action, Means, act_in_bulk, create_in_bulk, refusal
from control_plane.services.monitors.create_monitors import Outcome
from control_plane.services.uptime.monthly_report import monthly_report
from control_plane.services.uptime.read_availability import Horizon
from control_plane.services.uptime.render_report import Format, rendered
from control_plane.store import jobs
from control_plane.store.acting import acting
from control_plane.store.jobs import ClaimedJob
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from shared.netpolicy import PortProfile

MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes of what a job makes."""
MAX_ATTEMPTS = 20
"""Processes that may take up one job: one whose work kills them is given up."""


class JobContext(Struct, frozen=True, kw_only=True):
    """What work is done with."""

    database: Database
    sealer: Sealer
    new_id: Callable[[], UUID]
    ports: PortProfile
    now: Callable[[], datetime] = partial(datetime.now, UTC)
    transports: Transports = {}


class LostJobError(Exception):
    """Cancelled, or done by another process by now."""


class _StoppedError(Exception):
    """Whoever ordered the job may not do it any more."""

    def __init__(self, reason: FarwatchError) -> None:
        super().__init__(reason.message)
        self.reason = reason


class CreateRequest(Struct, frozen=True, kw_only=True):
    """What POST /monitors/bulk asks for."""

    bodies: list[Any]
    atomic: bool
    write_source: str


class ActRequest(Struct, frozen=True, kw_only=True):
    """What POST /monitors/bulk-action asks for."""

    monitor_ids: list[UUID]
    action: Action
    atomic: bool
    write_source: str


class ReportRequest(Struct, frozen=True, kw_only=True):
    """What GET /reports/{month} asks for. `kept_days`: how far back uptime is kept."""

    month: str
    tz: str
    format: Format
    kept_days: int


class Made(Struct, frozen=True):
    """What came of a job: `told` in the job itself, `content` to be fetched."""

    told: Any
    content: bytes | None = None


class JobProgress:
    """Moves the job's position in the transactions of its work."""

    def __init__(self, job: ClaimedJob) -> None:
        self._job = job
        self.position = job.done

    async def begin(self, conn: Connection) -> None:
        """Hold the job. Raises LostJobError, and _StoppedError when the right to do it was lost."""
        job, ordered_by = self._job, (self._job.actor or {}).get("id")
        done = await jobs.hold_job(conn, tenant_id=job.tenant_id, job_id=job.id, token=job.token)
        if done is None:
            raise LostJobError
        reason = await loss_of_right(
            conn, tenant_id=job.tenant_id, kind=job.kind, ordered_by=None if ordered_by is None else UUID(ordered_by)
        )
        if reason is not None:
            raise _StoppedError(reason)
        self.position = done

    async def advance(self, conn: Connection, outcomes: Sequence[Outcome]) -> None:
        """Count what was done in this transaction, which begins at the job's position."""
        at = self.position
        bad = [structs.replace(one, index=at + place) for place, one in enumerate(outcomes) if one.error is not None]
        await jobs.advance_job(
            conn,
            tenant_id=self._job.tenant_id,
            job_id=self._job.id,
            token=self._job.token,
            items=len(outcomes),
            failures=[refusal(one) for one in bad],
            lease=LEASE,
        )

    async def end(self, conn: Connection, result: Any) -> None:
        """All of it was done in this transaction, and the job is over with it."""
        job = self._job
        left = job.total - self.position
        known: dict[str, Any] = {"tenant_id": job.tenant_id, "job_id": job.id, "token": job.token}
        await jobs.advance_job(conn, **known, items=left, failures=[], lease=LEASE)
        await jobs.finish_job(conn, **known, state="succeeded", result=result)


Work = Callable[[JobContext, ClaimedJob, bytes], Awaitable[Made | None]]
"""Does a job of one kind from its position; the bytes are the request as it was given. Returns what it made, if any."""


async def _create_monitors(context: JobContext, job: ClaimedJob, raw: bytes) -> None:
    asked = msgspec.json.decode(raw, type=CreateRequest)
    await create_in_bulk(
        context.database,
        context.sealer,
        means=_means(context, job, asked.write_source),
        bodies=asked.bodies[job.done :],
        atomic=asked.atomic,
        progress=JobProgress(job),
    )


async def _act_on_monitors(context: JobContext, job: ClaimedJob, raw: bytes) -> None:
    asked = msgspec.json.decode(raw, type=ActRequest)
    await act_in_bulk(
        context.database,
        context.sealer,
        means=_means(context, job, asked.write_source),
        monitor_ids=asked.monitor_ids[job.done :],
        action=asked.action,
        atomic=asked.atomic,
        progress=JobProgress(job),
    )


async def _report(context: JobContext, job: ClaimedJob, raw: bytes) -> Made:
    asked = msgspec.json.decode(raw, type=ReportRequest)
    horizon = Horizon(context.now(), timedelta(days=asked.kept_days))
    async with context.database.tenant(job.tenant_id) as conn:
        made = await monthly_report(
            conn, tenant_id=job.tenant_id, month=asked.month, zone=ZoneInfo(asked.tz), horizon=horizon
        )
    file = await asyncio.to_thread(rendered, made, asked.format)
    if len(file.content) > MAX_OUTPUT:
        message = f"The report has {len(file.content)} bytes, and {MAX_OUTPUT} are kept: ask without a job"
        raise _HopelessError(message, code="RESULT_TOO_LARGE")
    told = {"content_type": file.content_type, "filename": file.filename, "bytes": len(file.content)}
    return Made(told, file.content)


def _means(context: JobContext, job: ClaimedJob, write_source: str) -> Means:
    tenant_id = TenantId(job.tenant_id)
    return Means(tenant_id=tenant_id, new_id=context.new_id, write_source=write_source, ports=context.ports)


async def _apply_configuration(context: JobContext, job: ClaimedJob, raw: bytes) -> None:
    means = PlanMeans(sealer=context.sealer, transports=context.transports, ports=context.ports, new_id=context.new_id)
    asked = msgspec.json.decode(raw, type=ApplyRequest)
    tenant_id = TenantId(job.tenant_id)
    await apply_as_job(context.database, means, asked=asked, tenant_id=tenant_id, progress=JobProgress(job))


KINDS: Mapping[str, Work] = {
    "create_monitors": _create_monitors,
    "act_on_monitors": _act_on_monitors,
    "apply_configuration": _apply_configuration,
    "report": _report,
}


async def run_next_job(context: JobContext) -> bool:
    """Do the oldest job that waits, to its end; whether there was one. Raises Unavailable: another goes on."""
    async with context.database.app_transaction() as conn:
        job = await jobs.claim_job(conn, token=uuid4(), lease=LEASE)
    if job is None:
        return False
    actor = None if job.actor is None else msgspec.convert(job.actor, Actor)
    with acting(actor), suppress(LostJobError):
        await _run(context, job)
    return True


async def _run(context: JobContext, job: ClaimedJob) -> None:
    made: Made | None = None
    error: dict[str, Any] | None = None
    try:
        async with context.database.tenant_transaction(job.tenant_id) as conn:
            await JobProgress(job).begin(conn)
        async with _leased(context, job):
            made = await _work(context, job)
    except Unavailable:
        raise
    except _StoppedError as stopped:
        await _stop(context, job, stopped.reason)
        return
    except FarwatchError as refused:
        error = _told(refused)
    async with context.database.tenant_transaction(job.tenant_id) as conn:
        await jobs.finish_job(
            conn,
            tenant_id=job.tenant_id,
            job_id=job.id,
            token=job.token,
            state="succeeded" if error is None else "failed",
            result=None if made is None else made.told,
            output=None if made is None else made.content,
            error=error,
        )


async def _stop(context: JobContext, job: ClaimedJob, reason: FarwatchError) -> None:
    """Cancel it, as Farwatch and not as whoever ordered it."""
    with acting(None):
        async with context.database.tenant_transaction(job.tenant_id) as conn:
            await jobs.cancel_job(conn, tenant_id=job.tenant_id, job_id=job.id, reason=_told(reason))


async def _work(context: JobContext, job: ClaimedJob) -> Made | None:
    if job.attempts > MAX_ATTEMPTS:
        raise _HopelessError(f"It was begun {MAX_ATTEMPTS} times, and never ended", code="JOB_GIVEN_UP")
    work = KINDS.get(job.kind)
    if work is None:
        raise _HopelessError(f"This version knows no job of the kind {job.kind}: update it", code="JOB_KIND_UNKNOWN")
    try:
        raw = context.sealer.open(job.request, context=job_context(job.tenant_id, job.id))
    except UnsealError:
        message = "What was asked for cannot be opened any more, because its sealing key was taken away"
        raise _HopelessError(message, code="CREDENTIAL_UNAVAILABLE") from None
    return await work(context, job, raw)


@asynccontextmanager
async def _leased(context: JobContext, job: ClaimedJob) -> AsyncIterator[None]:
    """Keep the lease while something long is done between two moves of the position."""
    keeper = asyncio.create_task(_keep(context, job), name=f"lease of job {job.id}")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(context: JobContext, job: ClaimedJob) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        with suppress(Unavailable):
            async with context.database.tenant(job.tenant_id) as conn:
                await jobs.keep_lease(conn, tenant_id=job.tenant_id, job_id=job.id, token=job.token, lease=LEASE)


class _HopelessError(FarwatchError):
    """Told in the job, never in a response."""


def _told(error: FarwatchError) -> dict[str, Any]:
    details = error.details
    if details is not None and len(details.get("items", ())) > jobs.MAX_FAILURES:
        details = {**details, "items": details["items"][: jobs.MAX_FAILURES]}
    return {"code": error.code, "message": error.message, "field": error.field, "details": details}
