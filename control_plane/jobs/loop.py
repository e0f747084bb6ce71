"""Running jobs side by side: each repeats by itself, and a fault in one is logged, counted and tried again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from control_plane.metrics import JOB_LAST_SUCCESS, JOB_RUNS, JOB_SECONDS, LOOP_LAG_SECONDS
from control_plane.web.call import Deps

_log = structlog.get_logger("farwatch.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """Something that every process does again `interval` after it ended, plus up to a tenth."""

    name: str
    interval: timedelta
    run: Callable[[Deps], Awaitable[object]]


async def run_jobs(deps: Deps, jobs: Sequence[Job]) -> None:
    """Run all of them until cancelled."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_repeat(job, deps), name=f"job {job.name}")


async def _repeat(job: Job, deps: Deps) -> None:
    while True:
        wait_s = job.interval.total_seconds() * (1 + random.random() / 10)  # noqa: S311
        await _run_once(job, deps, wait=timedelta(seconds=wait_s))
        asked = time.monotonic()
        await asyncio.sleep(wait_s)
        LOOP_LAG_SECONDS.observe(max(0.0, time.monotonic() - asked - wait_s))


async def _run_once(job: Job, deps: Deps, *, wait: timedelta) -> None:
    started, error = time.monotonic(), None
    deps.processes.job_began(job.name, now=deps.now())
    try:
        await job.run(deps)
    except Exception as fault:  # noqa: BLE001  # a border: one job's fault must not end the others
        error = type(fault).__name__
        _log.exception("job failed", job=job.name)
        JOB_RUNS.labels(job.name, "failed").inc()
    else:
        JOB_RUNS.labels(job.name, "ended").inc()
        JOB_LAST_SUCCESS.labels(job.name).set_to_current_time()
    now = deps.now()
    deps.processes.job_ended(job.name, now=now, next_run_at=now + wait, error=error)
    JOB_SECONDS.labels(job.name).observe(time.monotonic() - started)
