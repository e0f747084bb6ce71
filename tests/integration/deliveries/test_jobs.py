"""Jobs: woken by hints, kept apart, cancelled cleanly."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from control_plane import jobs
from control_plane.jobs.loop import Job, run_jobs
from control_plane.metrics import RETENTION_FAILURES
from control_plane.services.installation.forget_old_rows import forget_old_rows
from control_plane.services.installation.make_partitions import make_partitions
from control_plane.settings import RetentionSettings
from control_plane.store.pool import Database
from control_plane.web.call import Deps
from tests.support.door import serving
from tests.support.outbox import SETTINGS, Outbox
from tests.support.receiver import Receiver

END_LONG_AGO = """
UPDATE deliveries
SET state = 'delivered', finished_at = now() - interval '91 days', created_at = now() - interval '91 days'
WHERE id = $1
"""


@pytest.fixture
async def deps(database: Database) -> AsyncIterator[Deps]:
    async with serving(database, (), delivery=SETTINGS) as served:
        yield served.deps


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task], timeout=15)
    assert task.cancelled()


async def test_an_owed_notice_is_sent_at_once_because_of_the_hint(
    deps: Deps, outbox: Outbox, receiver: Receiver
) -> None:
    channel_id = await outbox.channel(receiver.url(), sealer=deps.sealer)
    task = asyncio.create_task(run_jobs(deps, [Job("deliver", timedelta(seconds=1), jobs.deliver)]))
    took = []
    for count in range(1, 31):
        incident_id = await outbox.incident()
        started = time.monotonic()
        await outbox.owe(channel_id, incident_id)
        await receiver.wait_for(count)
        took.append(time.monotonic() - started)
    await outbox.emptied()
    await stopped(task)
    assert statistics.median(took) < 0.25, "far less than the two seconds of looking by itself"


async def test_a_job_that_fails_is_run_again_and_does_not_end_the_others(deps: Deps) -> None:
    ran = {"bad": 0, "good": 0}
    enough = asyncio.Event()

    async def bad(_deps: Deps) -> None:
        ran["bad"] += 1
        raise RuntimeError("broken on purpose")

    async def good(_deps: Deps) -> None:
        ran["good"] += 1
        if min(ran.values()) >= 3:
            enough.set()

    soon = timedelta(milliseconds=1)
    task = asyncio.create_task(run_jobs(deps, [Job("bad", soon, bad), Job("good", soon, good)]))
    async with asyncio.timeout(10):
        await enough.wait()
    await stopped(task)


async def test_every_job_of_the_table_runs_through(deps: Deps) -> None:
    for job in jobs.JOBS:
        if job.name not in ("deliver", "judge_due", "work", "events"):  # these run until the process stops
            await job.run(deps)
    assert len({job.name for job in jobs.JOBS}) == len(jobs.JOBS)


async def test_what_is_past_its_time_is_forgotten_and_the_rest_stays(outbox: Outbox, receiver: Receiver) -> None:
    channel_id = await outbox.channel(receiver.url())
    old = await outbox.owe(channel_id, await outbox.incident())
    await outbox.owe(channel_id, await outbox.incident())
    await outbox.execute(END_LONG_AGO, old)
    now = datetime.now(UTC)
    await make_partitions(outbox.database, now=now)
    assert await forget_old_rows(outbox.database, settings=RetentionSettings(), now=now) >= 1
    assert await outbox.value("SELECT count(*) FROM deliveries") == 1


async def test_a_partition_that_is_being_read_keeps_nothing_else_from_being_forgotten(
    outbox: Outbox, receiver: Receiver
) -> None:
    channel_id = await outbox.channel(receiver.url())
    await outbox.execute(END_LONG_AGO, await outbox.owe(channel_id, await outbox.incident()))
    now = datetime.now(UTC)
    await make_partitions(outbox.database, now=now)
    before = RETENTION_FAILURES.labels("results")._value.get()
    async with outbox.database.app_transaction() as reading:
        await reading.fetch("SELECT FROM results")
        later = now + timedelta(days=60)
        assert await forget_old_rows(outbox.database, settings=RetentionSettings(), now=later) == 1
    assert RETENTION_FAILURES.labels("results")._value.get() == before + 1
