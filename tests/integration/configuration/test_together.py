"""Applying beside others: two at once, killed in the middle, as a job, and with other tenants about."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from control_plane.errors import FarwatchError
from control_plane.notify import transports
from control_plane.services.configuration import apply_configuration, write_planned
from control_plane.services.configuration.plan_steps import Means
from control_plane.services.jobs.run_job import JobContext, run_next_job
from control_plane.settings import Settings
from control_plane.store.pool import Database
from control_plane.tenant_api import configuration as routes
from control_plane.tenant_api import export
from tests.support.configuration import YAML, Keeper, actions, fields
from tests.support.waiting import until_async

ASYNC = {"Prefer": "respond-async"}
ROOT = Path(__file__).parents[3]


def a_file(word: str, count: int = 3) -> dict[str, Any]:
    monitors = [{"key": f"m{n}", "name": f"{word} {n}", "check": f"https://s{n}.example.com/"} for n in range(count)]
    window = {"key": "upkeep", "title": word, "all": True, "cron": "0 2 * * SUN", "duration": 7200}
    return {"version": 1, "monitors": monitors, "maintenance": [window]}


async def waiting_for_locks(database: Database, count: int) -> None:
    """Until so many transactions of this database wait for a lock."""

    async def blocked() -> bool:
        async with database.app() as conn:
            found: int = await conn.fetchval(
                "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                "WHERE datname = current_database() AND NOT granted"
            )
        return found >= count

    await until_async(blocked, f"{count} transactions wait for a lock", timeout=20)


@asynccontextmanager
async def held(database: Database, statement: str, *arguments: Any) -> AsyncIterator[None]:
    """A lock that this statement takes, for the time of the block."""
    async with database.app_transaction() as conn:
        await conn.execute(statement, *arguments)
        yield


@pytest.mark.parametrize("approved", [False, True])
async def test_of_two_applies_at_once_both_are_whole_or_the_second_is_told_that_its_plan_is_stale(
    keeper: Keeper, dsn: str, approved: bool
) -> None:
    await keeper.apply(a_file("old"))
    files = [a_file("one"), a_file("two")]
    digests = [(await keeper.plan(file))["digest"] if approved else None for file in files]
    processes = [await Database.connect(dsn) for _ in files]
    counters = "SELECT FROM tenant_counters WHERE tenant_id = $1 FOR UPDATE"
    try:
        async with held(keeper.database, counters, keeper.tenant_id):
            running = [
                asyncio.create_task(applied_by(process, keeper, file, digest))
                for process, file, digest in zip(processes, files, digests, strict=True)
            ]
            await waiting_for_locks(keeper.database, 2)
        codes = [await task for task in running]
    finally:
        for process in processes:
            await process.close()
    names = {row["name"].split()[0] for row in await keeper.rows("SELECT name FROM monitors")}
    titles = {row["title"] for row in await keeper.rows("SELECT title FROM maintenance_windows")}
    assert names == titles
    assert len(names) == 1
    assert sorted(codes) == (["", "PLAN_STALE"] if approved else ["", ""])
    if approved:
        assert names == {("one", "two")[codes.index("")]}


async def applied_by(process: Database, keeper: Keeper, file: dict[str, Any], digest: str | None) -> str:
    """Apply the file from another process; the code of a refusal, or nothing."""
    deps = keeper.door.deps
    means = Means(sealer=deps.sealer, transports=transports(Settings()), ports="any", new_id=deps.new_id)
    try:
        await apply_configuration.apply_configuration(
            process, tenant_id=keeper.tenant_id, document=file, means=means, allow=lambda _: None, digest=digest
        )
    except FarwatchError as refused:
        return refused.code
    return ""


def context(keeper: Keeper) -> JobContext:
    deps = keeper.door.deps
    return JobContext(
        database=keeper.database,
        sealer=deps.sealer,
        new_id=deps.new_id,
        ports="any",
        transports=transports(Settings()),
    )


async def ordered(keeper: Keeper, file: dict[str, Any], http: httpx.AsyncClient | None = None, **query: Any) -> str:
    reply = await (http or keeper.http).post("/api/v1/apply", json=file, params=query, headers=ASYNC)
    assert reply.status_code == 202, reply.text
    return f"SELECT state, done, result, error FROM jobs WHERE id = '{reply.json()['id']}'"


async def test_a_file_is_applied_as_a_job_in_one_transaction_with_it(keeper: Keeper) -> None:
    job = await ordered(keeper, a_file("job"))
    assert await keeper.rows("SELECT FROM monitors") == []
    assert await run_next_job(context(keeper))
    row = (await keeper.rows(job))[0]
    assert (row["state"], row["done"], row["error"]) == ("succeeded", 4, None)
    assert row["result"]["summary"] == {"create": 4}
    assert (await keeper.plan(a_file("job")))["drift"] is False
    audited = await keeper.rows("SELECT DISTINCT source, operation FROM audit WHERE object_kind = 'monitor'")
    assert audited == [{"source": "file", "operation": "apply_configuration"}]
    again = await ordered(keeper, a_file("job"))
    assert await run_next_job(context(keeper))
    row = (await keeper.rows(again))[0]
    assert (row["state"], row["done"], row["result"]["drift"]) == ("succeeded", 4, False)


async def test_a_job_that_is_refused_says_why_and_changes_nothing(keeper: Keeper) -> None:
    await keeper.apply(a_file("old"))
    hook = {"name": "Hook", "config": {"type": "webhook", "url": "https://ops.example.com/in"}}
    narrow = await keeper.key("config:write", number=5)
    async with keeper.door.client(narrow) as http:
        jobs = {
            "PLAN_STALE": await ordered(keeper, a_file("new"), plan_digest="0" * 64),
            "SECRET_MISSING": await ordered(keeper, {"version": 1, "channels": [hook]}),
            "MISSING_SCOPE": await ordered(keeper, a_file("new"), http),
            "INVALID_VERSION": await ordered(keeper, {"version": 2}),
        }
    before = await keeper.fingerprint()
    while await run_next_job(context(keeper)):
        pass
    for code, job in jobs.items():
        row = (await keeper.rows(job))[0]
        assert (row["state"], (row["error"] or {}).get("code")) == ("failed", code)
    assert await keeper.fingerprint() == before


WORKER = """
import asyncio, sys
from control_plane.sealing import Sealer
from control_plane.services.configuration.plan_steps import Means
from control_plane.services.jobs.run_job import JobContext, run_next_job
from control_plane.store.pool import Database
from tests.support.seed import new_id

async def main():
    database = await Database.connect(sys.argv[1])
    await run_next_job(JobContext(database=database, sealer=Sealer({"k1": b"k" * 32}), new_id=new_id, ports="any"))

asyncio.run(main())
"""


async def test_a_process_that_is_killed_in_the_middle_of_applying_leaves_nothing_of_it(
    keeper: Keeper, database: Database, dsn: str
) -> None:
    await keeper.apply({"version": 1, "monitors": a_file("old")["monitors"]})
    job = await ordered(keeper, a_file("new", 5))
    before = await keeper.fingerprint()
    # Windows are written after monitors: there it stands still.
    async with held(database, "LOCK TABLE maintenance_windows IN SHARE MODE"):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, dsn, cwd=ROOT)
        await waiting_for_locks(database, 1)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    await until_async(lambda: _is_free(database), "the server noticed", timeout=60)
    assert await keeper.fingerprint() == before
    assert (await keeper.rows(job))[0]["done"] == 0
    await keeper.rows("UPDATE jobs SET lease_until = now()")
    assert await run_next_job(context(keeper))
    assert (await keeper.rows(job))[0]["state"] == "succeeded"
    assert (await keeper.plan(a_file("new", 5)))["drift"] is False


async def _is_free(database: Database) -> bool:
    """Whether nobody holds a job's row any more."""
    async with database.app_transaction() as conn:
        return len(await conn.fetch("SELECT FROM jobs FOR UPDATE SKIP LOCKED")) == 1


BIG_PIECES: dict[str, tuple[ModuleType, str, str]] = {
    "reading the file": (routes, "read_yaml", "plan"),
    "planning": (routes, "plan_configuration", "plan"),
    "planning what is applied": (apply_configuration, "plan_configuration", "apply"),
    "sealing what is new": (write_planned, "seal_check", "apply"),
    "writing the file": (export, "export_configuration", "export"),
}


@pytest.mark.parametrize("piece", BIG_PIECES)
async def test_other_tenants_are_served_while_a_file_is_in_work(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    module, function, verb = BIG_PIECES[piece]
    begun, served, waited = asyncio.Event(), threading.Event(), list[bool]()
    loop, real = asyncio.get_running_loop(), getattr(module, function)

    def slow(*arguments: Any, **named: Any) -> Any:
        loop.call_soon_threadsafe(begun.set)
        waited.append(served.wait(30))
        return real(*arguments, **named)

    monkeypatch.setattr(module, function, slow)
    method, content = ("GET", None) if verb == "export" else ("POST", YAML_FILE)
    task = asyncio.create_task(keeper.http.request(method, f"/api/v1/{verb}", content=content, headers=YAML))
    await asyncio.wait_for(begun.wait(), 60)
    assert (await keeper.empty.get("/api/v1/monitors")).status_code == 200
    served.set()
    assert (await task).status_code == 200
    assert all(waited), "the other tenant had its answer while this was in work"


YAML_FILE = b"version: 1\nmonitors:\n- {key: api, name: API, check: https://api.example.com/}\n"


async def test_a_channel_whose_secret_alone_changes_is_sealed_anew(keeper: Keeper) -> None:
    def file(**secret: Any) -> dict[str, Any]:
        config = {"type": "webhook", "url": "https://ops.example.com/in", "secret": "a first secret of ours", **secret}
        return {"version": 1, "channels": [{"name": "Hook", "config": config}]}

    await keeper.apply(file())
    before = await keeper.rows("SELECT sealed, config FROM channels")
    changed = file(secret="another secret of ours")
    planned = await keeper.plan(changed)
    assert actions(planned) == {"Hook": "update"}
    assert fields(planned, "Hook") == {"/config/secret": ("***", "***")}
    reader = (await keeper.reader.post("/api/v1/plan", json=changed)).json()
    assert reader["drift"] is False, "whoever may only read must not find secrets by guessing"
    await keeper.apply(changed)
    after = await keeper.rows("SELECT sealed, config FROM channels")
    assert (after[0]["sealed"] != before[0]["sealed"], after[0]["config"]) == (True, before[0]["config"])
    assert (await keeper.plan(changed))["drift"] is False
