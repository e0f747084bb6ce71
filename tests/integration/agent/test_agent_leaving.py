"""How an agent ends, and how it takes up a changed key while it works."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from agent.app import App, run_until_signal
from agent.settings import AgentSettings
from shared.checks.http import HttpCheck
from shared.protocol import Assignment
from shared.results import Outcome
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.targets import Reader, Writer, serving
from tests.support.waiting import until

HOUR = 3_600_000


class Gate:
    """A page that answers only when it is told to."""

    def __init__(self) -> None:
        self.visits = 0
        self.open = asyncio.Event()
        self._answer = targets.ok()

    async def answer(self, reader: Reader, writer: Writer) -> None:
        self.visits += 1
        await self.open.wait()
        await self._answer(reader, writer)


def monitor(port: int, plane: FakeControlPlane, *, cadence: int = HOUR, timeout: int = 60_000) -> Assignment:
    check = HttpCheck(url=f"http://127.0.0.1:{port}/", timeout=timeout)
    return Assignment(uuid4(), uuid4(), 1, 1, check, cadence, 0, plane.now_ms())


def settings(url: str, directory: Path) -> AgentSettings:
    return AgentSettings(url=url, key=KEY, state_dir=str(directory), resolvers=("127.0.0.1:9",))


@asynccontextmanager
async def running(app: App) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run_until_signal(app))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_check_under_way_ends_and_is_sent_before_the_agent_does(tmp_path: Path) -> None:
    plane, gate = FakeControlPlane(), Gate()
    async with serving(gate.answer) as port, plane.serving() as url, running(App(settings(url, tmp_path))) as agent:
        plane.assign(monitor(port, plane))
        await until(lambda: gate.visits, "a check is under way")
        signal.raise_signal(signal.SIGTERM)
        await until(lambda: plane.goodbyes, "the agent says goodbye")
        assert not plane.stored
        gate.open.set()
        await asyncio.wait_for(agent, 30)
    assert [result.outcome for result in plane.stored.values()] == [Outcome.UP]


async def test_what_is_due_until_the_others_have_taken_over_is_still_run(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    plane.slow_handovers = 10
    async with serving(targets.ok()) as port, plane.serving() as url, running(App(settings(url, tmp_path))) as agent:
        plane.assign(monitor(port, plane, cadence=250))
        await until(lambda: plane.stored, "it works")
        signal.raise_signal(signal.SIGTERM)
        await until(lambda: plane.goodbyes, "the agent says goodbye")
        polls = plane.requests.count("GET /api/agent/v1/assignments")
        before = len(plane.stored)
        await until(lambda: len(plane.stored) > before + 1, "it goes on in the meantime")
        assert plane.goodbyes <= plane.slow_handovers
        await asyncio.wait_for(agent, 30)
        assert plane.requests.count("GET /api/agent/v1/assignments") == polls, (
            "no poll renews the lease after a goodbye"
        )


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    plane, gate = FakeControlPlane(), Gate()
    async with serving(gate.answer) as port, plane.serving() as url, running(App(settings(url, tmp_path))) as agent:
        plane.assign(monitor(port, plane))
        await until(lambda: gate.visits, "a check is under way")
        signal.raise_signal(signal.SIGINT)
        await until(lambda: plane.goodbyes, "the agent says goodbye")
        signal.raise_signal(signal.SIGINT)
        await asyncio.wait_for(agent, 8)  # a patient end would wait ten seconds for the check
    assert not plane.stored


async def test_an_agent_whose_control_plane_is_away_ends_all_the_same(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url, running(App(settings(url, tmp_path))) as agent:
        plane.assign(monitor(port, plane))
        await until(lambda: plane.stored, "it works")
        plane.fail_with = 503
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(agent, 30)


async def test_a_changed_key_is_noticed_by_looking_and_no_check_is_left_out(tmp_path: Path) -> None:
    plane, keys = FakeControlPlane(), [KEY]
    async with serving(targets.ok()) as port, plane.serving() as url:
        app = App(settings(url, tmp_path), reload_key=lambda: keys[-1], look_at_key_s=0.05)
        async with running(app):
            plane.assign(monitor(port, plane, cadence=250))
            await until(lambda: plane.stored, "it works")
            hellos = len(plane.hellos)
            plane.also_accepts = "fw_probe_next"
            keys.append("fw_probe_next")
            await until(lambda: len(plane.hellos) > hellos, "it greets with the new key")
            session = app.session
            plane.key = "fw_probe_next"
            before = len(plane.stored)
            await until(lambda: len(plane.stored) > before + 2, "it goes on with the new key")
            assert app.session is session
            assert session is not None
            assert session.refusal is None


async def test_a_new_key_that_is_refused_does_not_end_the_work_under_the_old_one(tmp_path: Path) -> None:
    plane, keys = FakeControlPlane(), [KEY]
    async with serving(targets.ok()) as port, plane.serving() as url:
        app = App(settings(url, tmp_path), reload_key=lambda: keys[-1], look_at_key_s=0.05)
        async with running(app):
            plane.assign(monitor(port, plane, cadence=250))
            await until(lambda: plane.stored, "it works")
            asked = plane.requests.count("POST /api/agent/v1/hello")
            keys.append("fw_probe_mistyped")
            await until(lambda: plane.requests.count("POST /api/agent/v1/hello") > asked, "it tries the key")
            before = len(plane.stored)
            await until(lambda: len(plane.stored) > before + 2, "it goes on with the old one")
            assert app.session is not None
            assert app.session.refusal is None
