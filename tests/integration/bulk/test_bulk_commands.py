"""`farwatch import`, `monitors tag|disable` and `jobs` against a served control plane whose jobs are done."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from control_plane.services.jobs.run_job import JobContext, run_next_job
from tests.support.door import an_api_key
from tests.support.tenant_world import SCOPES, World

Run = Callable[..., Awaitable[str]]


@pytest.fixture
async def run(world: World) -> AsyncIterator[Run]:
    """Runs `farwatch …` with a key of the tenant, while jobs are done; returns what it says."""
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, *SCOPES, "jobs:read", "jobs:write", number=7)
    env = {**os.environ, "FARWATCH_CLI__URL": world.door.url, "FARWATCH_CLI__KEY": key}
    deps = world.door.deps
    context = JobContext(database=world.database, sealer=deps.sealer, new_id=deps.new_id, ports="any")

    async def work() -> None:
        while True:
            await run_next_job(context)
            await asyncio.sleep(0.05)

    async def command(*words: str, ends: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", *words,
            env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == ends, (out + err).decode()
        return (out + err).decode()

    worker = asyncio.create_task(work())
    yield command
    worker.cancel()
    await asyncio.wait([worker])


async def test_a_file_is_imported_once_however_often_it_is_sent(world: World, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "monitors.csv"
    file.write_text("name,check,tags\nA,https://a.example.com/,old\nB,https://b.example.com/,old\n")
    assert "2 of 2 items done" in await run("import", str(file))
    await run("monitors", "bulk", str(file))
    assert (await world.get("/monitors"))["total"] == 2
    assert "2 of 2" in await run("jobs", "ls")
    await run("monitors", "tag", "new", "--filter", "tag=old")
    assert "nothing was done" in await run("monitors", "disable", "--filter", "tag=new", "--dry-run")
    assert (await world.get("/monitors?enabled=true"))["total"] == 2
    await run("monitors", "disable", "--filter", "tag=new")
    assert (await world.get("/monitors?enabled=false"))["total"] == 2
    await run("monitors", "delete", ends=2)


async def test_what_a_job_made_is_fetched(world: World, run: Run, tmp_path: Path) -> None:
    reply = await world.http.get("/api/v1/reports/2026-05?format=csv", headers={"Prefer": "respond-async"})
    assert reply.status_code == 202, reply.text
    job, file = reply.json()["id"], tmp_path / "report.csv"
    await run("jobs", "wait", job)
    told = await run("jobs", "result", job)
    assert "bytes" in await run("jobs", "result", job, "--out", str(file))
    assert file.read_text().startswith("number,")
    assert file.read_text().split() == told.split()


async def test_what_failed_is_told_and_ends_with_1(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "monitors.json"
    file.write_text(json.dumps({"monitors": [{"name": "A", "check": "https://a.example.com/"}, {"name": "B"}]}))
    said = await run("import", str(file), ends=1)
    assert "Item 2, B: MISSING_FIELD" in said
    assert "1 of 2 items done, 1 failed" in said.replace("succeeded: ", "")
