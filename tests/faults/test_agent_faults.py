"""Real agents under faults: killed, stopped, without disk, descriptors, resolver or canary. Nothing acknowledged or
written is lost, and no trouble of an agent's own is told as a target's.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

import pytest

from agent.health.lag import LagMeter
from shared.checks.http import HttpCheck
from shared.protocol import Assignment
from shared.results import CheckResult, Detail, Outcome, Reason
from tests.support import targets
from tests.support.agent_process import an_agent, kill, spooled, stall
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.farm import free_port
from tests.support.scripted_dns import serving_dns
from tests.support.small_disk import a_small_disk
from tests.support.targets import serving
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("TEST_FARWATCH_AGENT_KILLS", "2"))
STALLS = int(os.environ.get("TEST_FARWATCH_AGENT_STALLS", "1"))
SLOW = 60.0
"""Patience: the machine may be busy."""

ME = "127.0.0.1"


def watch(
    plane: FakeControlPlane, port: int, *, count: int = 1, cadence: int = 1000, timeout: int = 5000, host: str = ME
) -> None:
    """Give the plane monitors of different tenants, spread over the cadence."""
    for number in range(count):
        check = HttpCheck(url=f"http://{host}:{port}/", timeout=timeout)
        phase = number * cadence // count
        plane.assign(Assignment(uuid4(), uuid4(), 1, 1, check, cadence, phase, phase))


def results(plane: FakeControlPlane, *, since: int = 0) -> list[CheckResult]:
    """In the order of their slots."""
    return [result for (_, slot), result in sorted(plane.stored.items(), key=lambda each: each[0][1]) if slot >= since]


def outcomes(plane: FakeControlPlane, *, since: int = 0) -> Counter[tuple[Outcome, Reason]]:
    return Counter((each.outcome, each.reason) for each in results(plane, since=since))


def count_of(plane: FakeControlPlane, outcome: Outcome, *, since: int = 0) -> int:
    return sum(each.outcome is outcome for each in results(plane, since=since))


# -- killed


async def test_what_a_killed_agent_had_written_arrives_after_its_restart(tmp_path: Path) -> None:
    plane, state = FakeControlPlane(), tmp_path / "home" / "state"
    written: set[tuple[UUID, int]] = set()
    async with serving(targets.ok()) as port, plane.serving() as url:
        watch(plane, port, count=40)
        for number in range(KILLS):
            plane.fail_with, plane.swallow_receipts = None, number % 2
            async with an_agent(url, state) as child:
                known = len(plane.acknowledged)
                await until(lambda known=known: len(plane.acknowledged) > known + 40, "it ships", timeout=SLOW)  # type: ignore[misc]
                plane.fail_with = 503 if number % 3 else None  # the first is killed in the middle of shipping
                seen = len(plane.requests)
                await until(lambda seen=seen: plane.requests[seen:].count("POST /api/agent/v1/results") >= 3, "more")  # type: ignore[misc]
                await kill(child)
            written |= spooled(state)
        plane.fail_with = None
        async with an_agent(url, state):
            await until(lambda: written <= plane.stored.keys(), "all that was written is there", timeout=SLOW)
    assert written
    assert plane.acknowledged <= plane.stored.keys()
    assert set(outcomes(plane)) == {(Outcome.UP, Reason.NONE)}


# -- a full disk


async def test_an_agent_goes_on_over_a_full_disk_and_recovers_when_there_is_space(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    with a_small_disk(tmp_path / "disk", size="3m") as disk:
        state = disk.path / "state"
        async with serving(targets.ok()) as port, plane.serving() as url:
            watch(plane, port, count=40)
            async with an_agent(url, state) as child:
                await until(lambda: len(plane.stored) >= 40, "it works", timeout=SLOW)
                disk.fill(leave=16_384)
                plane.fail_with = 503
                await until(lambda: _refusals(child.log), "the disk refuses", timeout=SLOW)
                plane.fail_with = None
                known = len(plane.stored)
                await until(lambda: len(plane.stored) >= known + 200, "it goes on from memory", timeout=SLOW)
                assert _gaps(plane) == 0
                plane.fail_with = 503
                known = len(plane.requests)
                await until(lambda: len(plane.requests) > known + 5, "it tries")
                await kill(child)
            kept = spooled(state)
            plane.fail_with = None
            async with an_agent(url, state) as child:
                await until(lambda: kept <= plane.stored.keys(), "what was on disk arrives", timeout=SLOW)
                disk.clear()
                known = len(plane.stored)
                await until(lambda: len(plane.stored) >= known + 80, "it goes on", timeout=SLOW)
                plane.fail_with = 503
                known = len(plane.requests)
                await until(lambda: len(plane.requests) > known + 5, "results wait", timeout=SLOW)
                await kill(child)
            assert spooled(state), "they are on disk again"
    assert set(outcomes(plane)) == {(Outcome.UP, Reason.NONE)}


def _refusals(log: Path) -> int:
    return log.read_text().count("cannot be written to the spool")


def _gaps(plane: FakeControlPlane) -> int:
    """Slots missing between the first and the last but one of each monitor (the newest may still be under way)."""
    slots: dict[UUID, list[int]] = {}
    for monitor_id, slot in sorted(plane.stored):
        slots.setdefault(monitor_id, []).append(slot)
    return sum((seen[-1] - seen[0]) // 1000 + 1 - len(seen) for seen in slots.values())


# -- stopped


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_agent_that_was_stopped_for_a_while_says_so_instead_of_down(tmp_path: Path, workers: int) -> None:
    plane = FakeControlPlane()
    async with serving(targets.slow(0.7)) as port, plane.serving() as url:
        watch(plane, port, count=30, cadence=2000, timeout=3000)
        async with an_agent(url, tmp_path / "home" / "state", workers=str(workers)) as child:
            await until(lambda: len(plane.stored) >= 30, "it works", timeout=SLOW)
            for _ in range(STALLS):
                known = outcomes(plane)[Outcome.ERROR, Reason.UNHEALTHY]
                since = plane.now_ms()
                await stall(child, 4.0)  # longer than the time-out of what is under way
                await until(
                    lambda known=known: outcomes(plane)[Outcome.ERROR, Reason.UNHEALTHY] > known,  # type: ignore[misc]
                    "what was under way is not judged",
                    timeout=SLOW,
                )
                await until(
                    lambda since=since: count_of(plane, Outcome.UP, since=since + 4000) >= 30,  # type: ignore[misc]
                    "it goes on",
                    timeout=SLOW,
                )
    assert {outcome for outcome, _ in outcomes(plane)} == {Outcome.UP, Outcome.ERROR}
    confessed = [_detail(each).message or "" for each in results(plane) if each.reason is Reason.UNHEALTHY]
    assert all("late itself" in message or "overloaded" in message for message in confessed)


async def test_a_time_out_that_a_shorter_stall_used_up_is_not_the_targets(tmp_path: Path) -> None:
    plane, ours = FakeControlPlane(), LagMeter()
    ours.start()
    async with serving(targets.slow(0.3)) as port, plane.serving() as url:
        watch(plane, port, count=60, cadence=2000, timeout=1000)
        async with an_agent(url, tmp_path / "home" / "state") as child:
            await until(lambda: len(plane.stored) >= 60, "it works", timeout=SLOW)
            for _ in range(20):
                since, started = plane.now_ms(), perf_counter()
                await stall(child, 0.9)  # too little to be called overloaded, too much for what is under way
                await until(lambda since=since: len(results(plane, since=since)) >= 60, "it goes on", timeout=SLOW)  # type: ignore[misc]
                found = outcomes(plane, since=since - 2000)
                if ours.worst_since(started - 3.0) > 250:
                    continue  # the targets are here: they were late themselves
                assert {outcome for outcome, _ in found} <= {Outcome.UP, Outcome.ERROR}
                if found[Outcome.ERROR, Reason.UNHEALTHY]:
                    break
            else:
                pytest.fail("no stall met a check under way on a machine that was quiet enough")
    ours.stop()


def _detail(result: CheckResult) -> Detail:
    assert isinstance(result.detail, Detail)
    return result.detail


# -- without what it needs


async def test_without_descriptors_no_target_is_down(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.slow(0.7)) as port, plane.serving() as url:
        watch(plane, port, count=100, cadence=2000, timeout=8000)
        async with an_agent(url, tmp_path / "home" / "state", files=48) as child:
            await until(lambda: outcomes(plane)[Outcome.ERROR, Reason.INTERNAL] >= 20, "it has none", timeout=SLOW)
            await until(lambda: count_of(plane, Outcome.UP) >= 50, "it still does what it can", timeout=SLOW)
            assert child.process.returncode is None
    assert set(outcomes(plane)) <= {(Outcome.UP, Reason.NONE), (Outcome.ERROR, Reason.INTERNAL)}


async def test_while_its_resolver_is_silent_an_agent_calls_nothing_down(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    nobody = free_port()
    async with serving_dns({"site.example": ["A 127.0.0.1"]}) as (script, server), plane.serving() as url:
        watch(plane, nobody, count=5, host="site.example")
        watch(plane, nobody, count=5)
        async with an_agent(url, tmp_path / "home" / "state", resolvers=f"{server[0]}:{server[1]}"):
            await until(lambda: count_of(plane, Outcome.DOWN) >= 30, "they are down", timeout=SLOW)
            script.silent = True
            await _errs_from_now_on(plane)
            script.silent = False
            await _judges_again(plane)


async def test_while_its_canary_is_gone_an_agent_calls_nothing_down_and_says_why(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    nobody, canary = free_port(), free_port()
    async with plane.serving() as url:
        watch(plane, nobody, count=10)
        state, name = tmp_path / "home" / "state", f"{ME}:{canary}"
        async with AsyncExitStack() as canaries, an_agent(url, state, canaries=name):
            await canaries.enter_async_context(_listening(canary))
            await until(lambda: count_of(plane, Outcome.DOWN) >= 30, "they are down", timeout=SLOW)
            await canaries.aclose()
            await _errs_from_now_on(plane)
            await until(lambda: not plane.observations[-1].healthy, "it says that it is not well", timeout=SLOW)
            assert "canary" in (plane.observations[-1].reason or "")
            async with _listening(canary):
                await _judges_again(plane)
                await until(lambda: plane.observations[-1].healthy, "it says that it is well", timeout=SLOW)


async def _errs_from_now_on(plane: FakeControlPlane) -> None:
    """From its first confession on, for some slots of every monitor."""
    await until(lambda: outcomes(plane)[Outcome.ERROR, Reason.UNHEALTHY], "it cannot judge", timeout=SLOW)
    since = plane.now_ms()
    enough = 3 * len(plane.assignments)
    await until(lambda: len(results(plane, since=since)) >= enough, "it goes on", timeout=SLOW)
    assert set(outcomes(plane, since=since)) == {(Outcome.ERROR, Reason.UNHEALTHY)}


async def _judges_again(plane: FakeControlPlane) -> None:
    since = plane.now_ms()
    await until(lambda: count_of(plane, Outcome.DOWN, since=since) >= 10, "it judges again", timeout=SLOW)


@asynccontextmanager
async def _listening(port: int) -> AsyncIterator[None]:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), ME, port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def test_a_control_plane_that_is_being_restarted_leaves_its_agents_able_to_judge(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    port = free_port()
    async with AsyncExitStack() as planes, serving(targets.hang_up) as target:
        url = await planes.enter_async_context(plane.serving(port))
        watch(plane, target, count=10)
        async with an_agent(url, tmp_path / "home" / "state"):
            await until(lambda: count_of(plane, Outcome.DOWN) >= 20, "they are down", timeout=SLOW)
            await planes.aclose()
            since = plane.now_ms()
            await asyncio.sleep(5.0)  # what is shown is what it says of this time
            until_ms = plane.now_ms()
            async with plane.serving(port):
                await until(lambda: results(plane, since=until_ms), "it ships again", timeout=SLOW)
                await until(lambda: count_of(plane, Outcome.DOWN, since=since) >= 40, "also the rest", timeout=SLOW)
    assert set(outcomes(plane)) == {(Outcome.DOWN, Reason.PROTOCOL)}


async def test_a_saturated_agent_says_so_and_invents_nothing(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.slow(1.0)) as port, plane.serving() as url:
        watch(plane, port, count=50, cadence=3000, timeout=15_000)
        async with an_agent(url, tmp_path / "home" / "state", concurrency="5"):
            await until(lambda: len(plane.stored) >= 20, "it works", timeout=SLOW)
            await until(lambda: len({each.gaps for each in plane.observations}) >= 3, "gaps grow", timeout=SLOW)
            last = plane.observations[-1]
    assert last.saturation == 1.0
    assert (last.gaps or 0) > 20
    assert (last.lag or 0.0) > 1000.0
    assert last.crowded_gaps == 0
    assert last.healthy
    assert last.clock_offset is not None
    assert abs(last.clock_offset) < 1000.0
    assert set(outcomes(plane)) == {(Outcome.UP, Reason.NONE)}
    late = [each for each in results(plane) if isinstance(each.detail, Detail) and each.detail.late_ms]
    assert len(late) > 10, "what came late says so"
