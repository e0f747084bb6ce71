"""Checks run in several processes: each result comes once, a worker that dies is replaced, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import psutil
import pytest

from agent.app import App
from agent.link.server_clock import ServerClock
from agent.settings import AgentSettings
from agent.tally import Tally
from agent.workers.crew import Crew
from shared.checks import HttpCheck
from shared.protocol import Assignment, Dispatch, RegionGrant
from shared.results import CheckResult, Outcome, Reason
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.targets import serving
from tests.support.waiting import until

ME = UUID(int=1)
LOOPBACK = RegionGrant("eu", "Europe", private=True, allow_cidrs=("127.0.0.0/8",))


class Ledger:
    """What the crew delivered."""

    def __init__(self) -> None:
        self.results: list[CheckResult] = []
        self.tests: list[tuple[Dispatch, CheckResult]] = []
        self.tally = Tally()

    def deliver(self, items: Iterable[bytes], _urgent: bool) -> None:
        self.results += [msgspec.json.decode(item, type=CheckResult) for item in items]

    def monitors(self) -> set[UUID]:
        return {result.monitor_id for result in self.results}


@asynccontextmanager
async def crew(*, workers: int = 2, grant: RegionGrant = LOOPBACK) -> AsyncIterator[tuple[Crew, Ledger]]:
    ledger = Ledger()
    made = Crew(
        settings=AgentSettings(workers=workers, resolvers=("127.0.0.1:9",), url="http://127.0.0.1:9"),
        me=ME,
        grant=grant,
        clock=ServerClock(),
        tally=ledger.tally,
        deliver=ledger.deliver,
        report_test=lambda dispatch, result: ledger.tests.append((dispatch, result)),
        on_health=lambda: None,
    )
    await made.start()
    await made.share_among((ME,), ME)
    try:
        yield made, ledger
    finally:
        await made.stop()
        assert worker_pids() == []


def worker_pids() -> list[int]:
    mine = psutil.Process().children(recursive=True)
    return [child.pid for child in mine if "agent.workers.process" in " ".join(child.cmdline())]


def assignment(port: int, *, host: str = "127.0.0.1", version: int = 1) -> Assignment:
    check = HttpCheck(url=f"http://{host}:{port}/", timeout=1000)
    return Assignment(uuid4(), uuid4(), version, version, check, 1000, 0, int(time.time() * 1000))


async def test_all_monitors_are_checked_by_all_workers_and_each_slot_once() -> None:
    async with serving(targets.ok()) as port, crew() as (made, ledger):
        known = [assignment(port) for _ in range(20)]
        await made.replace(known)
        await until(lambda: len(ledger.results) >= 60, "three rounds are done", timeout=30)
        assert ledger.monitors() == {each.monitor_id for each in known}
        assert {held.worker for held in made._entries.values()} == {0, 1}
        slots = Counter((result.monitor_id, result.slot) for result in ledger.results)
        assert set(slots.values()) == {1}
        assert {result.outcome for result in ledger.results} == {Outcome.UP}
        await until(lambda: ledger.tally.checks[Outcome.UP, Reason.NONE] >= 60, "they are counted", timeout=10)


async def test_monitors_of_one_crowd_are_one_workers() -> None:
    async with crew() as (made, _):
        tenant = uuid4()
        for _ in range(20):
            made.put(msgspec.structs.replace(assignment(9), tenant_id=tenant))
        assert len({held.worker for held in made._entries.values()}) == 1


async def test_a_monitor_that_is_removed_or_moves_to_another_target_is_run_by_nobody_else() -> None:
    async with serving(targets.ok()) as one, serving(targets.ok()) as other, crew() as (made, ledger):
        gone, moving = assignment(one), assignment(one)
        await made.replace([gone, moving])
        await until(lambda: ledger.monitors() == {gone.monitor_id, moving.monitor_id}, "both ran", timeout=30)
        for port in (other, one, other):
            moving = msgspec.structs.replace(moving, revision=moving.revision + 1, check=assignment(port).check)
            made.put(moving)
        made.remove(gone.monitor_id)
        ledger.results.clear()
        await until(lambda: len(ledger.results) >= 4, "it goes on", timeout=30)
        slots = Counter((result.monitor_id, result.slot) for result in ledger.results[1:])
        assert set(slots.values()) == {1}
        later = [result for result in ledger.results[2:] if result.monitor_id == gone.monitor_id]
        assert later == []


async def test_a_worker_that_is_killed_is_replaced_and_goes_on() -> None:
    async with serving(targets.ok()) as port, crew() as (made, ledger):
        await made.replace([assignment(port) for _ in range(12)])
        await until(lambda: len(ledger.monitors()) == 12, "all ran once", timeout=30)
        for pid in worker_pids():
            os.kill(pid, signal.SIGKILL)
        ledger.results.clear()
        await until(lambda: len(ledger.monitors()) == 12, "all run again", timeout=30)


async def test_a_worker_that_hangs_is_ended_replaced_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(targets.ok()) as port, crew() as (made, ledger):
        await made.replace([assignment(port) for _ in range(12)])
        await until(lambda: len(ledger.monitors()) == 12, "all ran once", timeout=30)
        stuck = worker_pids()
        for pid in stuck:
            os.kill(pid, signal.SIGSTOP)
        with monkeypatch.context() as patch:  # not for the new ones, which may be slow to start
            patch.setattr("agent.workers.member._SILENT_S", 3)
            await until(lambda: not any(map(psutil.pid_exists, stuck)), "those that hang are gone", timeout=60)
        ledger.results.clear()
        await until(lambda: len(ledger.monitors()) == 12, "all run again", timeout=60)


async def test_a_test_is_reported_and_a_pause_stops_everything() -> None:
    async with serving(targets.ok()) as port, crew() as (made, ledger):
        now = int(time.time() * 1000)
        check = HttpCheck(url=f"http://127.0.0.1:{port}/", timeout=1000)
        dispatch = Dispatch(uuid4(), "test", now, now + 20_000, uuid4(), check=check)
        made.send(dispatch)
        await until(lambda: bool(ledger.tests), "the test is reported", timeout=30)
        assert ledger.tests[0][0].id == dispatch.id
        assert ledger.tests[0][1].outcome is Outcome.UP
        made.paused = "kill switch"
        await made.replace([assignment(port)])
        made.send(msgspec.structs.replace(dispatch, id=uuid4()))
        made.paused = None
        await until(lambda: len(ledger.results) >= 2, "it goes on", timeout=30)


async def test_what_a_region_may_reach_changes_for_all_workers() -> None:
    async with serving(targets.ok()) as port, crew() as (made, ledger):
        await made.replace([assignment(port) for _ in range(6)])
        await until(lambda: len(ledger.monitors()) == 6, "all ran", timeout=30)
        made.take_grant(RegionGrant("eu", "Europe"))
        await until(lambda: ledger.results[-1].reason is Reason.BLOCKED, "the guard has closed", timeout=30)


async def test_a_drain_lets_what_is_under_way_end_and_starts_nothing_more() -> None:
    async with serving(targets.slow(0.5)) as port, crew() as (made, ledger):
        await made.replace([assignment(port) for _ in range(8)])
        await until(lambda: made.look().running > 0 or bool(ledger.results), "some are under way", timeout=30)
        await asyncio.wait_for(made.drain(10), 20)
        count = len(ledger.results)
        assert {result.outcome for result in ledger.results} == {Outcome.UP}
        await asyncio.sleep(1.5)
        assert len(ledger.results) == count


async def test_a_whole_agent_with_two_workers_reports_what_they_saw_and_leaves_nothing_behind(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        for _ in range(10):
            plane.assign(assignment(port))
        settings = AgentSettings(url=url, key=KEY, state_dir=str(tmp_path), resolvers=("127.0.0.1:9",), workers=2)
        app = App(settings)
        task = asyncio.create_task(app.run())
        await until(lambda: len({monitor_id for monitor_id, _ in plane.stored}) == 10, "all have results", timeout=30)
        await until(lambda: any(said.saturation is not None for said in plane.observations), "it says how it is")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert worker_pids() == []
