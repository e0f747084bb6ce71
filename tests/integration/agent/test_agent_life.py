"""A whole agent against a control plane that misbehaves: nothing acknowledged is lost, and it goes on by itself."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from agent.app import App
from agent.link.client import Refused
from agent.session import Session
from agent.settings import AgentSettings
from shared.checks.http import HttpCheck
from shared.protocol import Assignment, Dispatch
from shared.results import CheckResult, Detail, Outcome, Reason
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.targets import serving
from tests.support.waiting import until

HOUR = 3_600_000


@asynccontextmanager
async def agent(url: str, directory: Path, *, key: str = KEY) -> AsyncIterator[App]:
    settings = AgentSettings(url=url, key=key, state_dir=str(directory), resolvers=("127.0.0.1:9",))
    app = App(settings, retry_refused_s=0.1)
    task = asyncio.create_task(app.run())
    try:
        yield app
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def working(app: App) -> Session:
    assert app.session is not None
    return app.session


def detail_of(result: CheckResult) -> Detail:
    assert isinstance(result.detail, Detail)
    return result.detail


def assignment(port: int, *, cadence: int = 1000, first_slot: int | None = None, **check: object) -> Assignment:
    return Assignment(
        monitor_id=uuid4(),
        tenant_id=uuid4(),
        revision=1,
        check_version=1,
        check=HttpCheck(url=f"http://127.0.0.1:{port}/", timeout=1000, **check),  # type: ignore[arg-type]
        cadence=cadence,
        phase=0,
        first_slot=int(time.time() * 1000) if first_slot is None else first_slot,
    )


async def test_a_new_monitor_has_its_first_result_within_two_seconds(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url, agent(url, tmp_path):
        await until(lambda: plane.hellos and plane.requests, "the agent has said hello")
        new = assignment(port, cadence=60_000)
        before = time.monotonic()
        plane.assign(new)
        await until(lambda: (new.monitor_id, new.first_slot) in plane.stored, "its first slot is stored")
        assert time.monotonic() - before < 2
    assert plane.stored[new.monitor_id, new.first_slot].outcome is Outcome.UP


async def test_slots_are_those_of_the_assignment_and_none_is_sent_twice(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = assignment(port, cadence=1000, first_slot=1000)
        plane.assign(known)
        async with agent(url, tmp_path):
            await until(lambda: len(plane.acknowledged) >= 3, "three slots are stored")
            assert plane.duplicates == 0  # asked before the stop, which may send again what was on its way
    slots = sorted(slot for _, slot in plane.stored)
    assert all(slot % 1000 == 0 for slot in slots)
    assert slots[-1] - slots[0] == (len(slots) - 1) * 1000


OURS = [(status, False) for status in (500, 503, 429, 404, 408)]
A_PROXYS = [(status, True) for status in (301, 400, 401, 404, 405, 413, 422, 429)]


@pytest.mark.parametrize(("status", "is_proxy"), [*OURS, *A_PROXYS])
async def test_results_wait_while_the_control_plane_fails_and_none_is_lost(
    tmp_path: Path, status: Any, is_proxy: bool
) -> None:
    plane = FakeControlPlane()
    plane.fails_as_proxy = is_proxy
    async with serving(targets.ok()) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path) as app:
            await until(lambda: plane.stored, "a first result is stored")
            plane.fail_with = status
            await until(lambda: app.tally.checks.total() >= 4 and app.tally.send_failures, "results wait")
            plane.fail_with = None
            await until(lambda: working(app).shipper.pending == 0 and len(plane.stored) >= 4, "all are stored")
        assert app.tally.given_up == 0
    slots = sorted(slot for _, slot in plane.stored)
    assert slots[-1] - slots[0] == (len(slots) - 1) * 1000


async def test_only_the_item_that_the_control_plane_itself_refuses_is_given_up(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = [assignment(port, cadence=HOUR) for _ in range(8)]
        for each in known:
            plane.assign(each)
        plane.spoiled = {known[3].monitor_id}
        async with agent(url, tmp_path) as app:
            await until(lambda: len(plane.stored) == 7 and app.tally.given_up == 1, "all but one are stored")
            await until(lambda: working(app).shipper.pending == 0, "nothing is left")


async def test_an_answer_429_is_respected_for_as_long_as_it_asks(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    plane.fail_headers = {"Retry-After": "3"}
    async with serving(targets.ok()) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=HOUR))
        async with agent(url, tmp_path) as app:
            await until(lambda: plane.stored, "a first result is stored")
            plane.fail_with = 429
            result = next(iter(plane.stored.values()))
            working(app).shipper.put(result, urgent=True)
            await until(lambda: app.tally.send_failures == 1, "it was told to come back later")
            told_at = time.monotonic()
            plane.fail_with = None
            await until(lambda: plane.duplicates, "it comes back")
            assert time.monotonic() - told_at >= 2.9


async def test_a_swallowed_acknowledgement_is_followed_by_the_same_results(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    plane.swallow_receipts = 2
    async with serving(targets.ok()) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path):
            await until(lambda: plane.duplicates and len(plane.acknowledged) >= 3, "they are sent again")
            await until(lambda: plane.acknowledged == plane.stored.keys(), "all are acknowledged")


async def test_results_of_an_agent_that_stopped_are_sent_at_its_next_start(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.slow(0.0)) as port, plane.serving() as url:
        known = assignment(port, cadence=1000, first_slot=1000)
        plane.assign(known)
        async with agent(url, tmp_path) as app:
            await until(lambda: plane.stored, "a first result is stored")
            plane.fail_with = 503
            await until(lambda: app.tally.send_failures and working(app).shipper.pending >= 2, "results wait")
        checks = app.tally.checks.total()
        plane.fail_with = None
        plane.unassign(known.monitor_id)
        async with agent(url, tmp_path):
            await until(lambda: len(plane.stored) == checks, "the waiting results are stored")


async def test_an_agent_checks_from_its_disk_before_the_control_plane_answers(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port:
        async with plane.serving() as url:
            plane.assign(assignment(port, cadence=1000, first_slot=1000))
            async with agent(url, tmp_path):
                await until(lambda: plane.stored, "the agent works")
        state = tmp_path / "assignments.jsonl"
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        before = len(plane.stored)
        async with agent(url, tmp_path) as again:  # nobody is at that address now
            await until(lambda: again.tally.checks.total() >= 2, "it checks all the same")
            async with plane.serving(int(url.rpartition(":")[2])):
                await until(lambda: len(plane.stored) >= before + 2, "it delivers once somebody is there")


async def test_a_refused_key_ends_the_work_and_an_accepted_one_resumes_it(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path) as app:
            await until(lambda: plane.stored, "the agent works")
            plane.key = "another"
            await until(lambda: working(app).refusal is not None, "it knows that it is refused")
            checks = app.tally.checks.total()
            hellos = len(plane.requests)
            await until(lambda: len(plane.requests) > hellos + 3, "it asks again now and then")
            assert app.tally.checks.total() <= checks + 1
            plane.key = KEY
            await until(
                lambda: working(app).refusal is None and app.tally.checks.total() > checks + 1, "it works again"
            )


async def test_an_agent_whose_key_is_unknown_at_its_start_ends(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url:
        app = App(AgentSettings(url=url, key="wrong", state_dir=str(tmp_path), resolvers=("127.0.0.1:9",)))
        with pytest.raises(Refused, match="401"):
            await app.run()


async def test_a_wrong_digest_leads_to_a_fresh_snapshot(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    plane.page = 2
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = [assignment(port, cadence=HOUR) for _ in range(5)]
        for each in known:
            plane.assign(each)
        async with agent(url, tmp_path) as app:
            await until(lambda: len(plane.stored) == 5, "all pages have arrived")
            plane.wrong_digests = 1
            plane.unassign(known[0].monitor_id)
            await until(lambda: len(working(app).work.entries) == 4, "the removal has arrived")
            await until(
                lambda: plane.wrong_digests == 0 and working(app).keeper.cursor.startswith("s."), "it is right again"
            )
            await until(lambda: plane.unchanged > 0, "an unchanged poll has no body")


async def test_a_server_clock_set_back_by_half_a_minute_does_not_stop_the_checks(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path) as app:
            await until(lambda: len(plane.stored) >= 2, "the agent works")
            checks = app.tally.checks.total()
            plane.clock_shift_ms = -30_000
            await until(lambda: app.tally.checks.total() >= checks + 6, "it goes on", timeout=12)


async def test_a_narrowed_grant_binds_the_very_next_checks(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path) as app:
            await until(lambda: plane.stored, "the region reaches loopback")
            session = working(app)
            plane.region = msgspec.structs.replace(plane.region, allow_cidrs=("::1/128",))
            await until(lambda: any(each.reason is Reason.BLOCKED for each in plane.stored.values()), "it does not now")
            assert working(app) is session
            assert app.tally.checks[Outcome.UP, Reason.NONE] > 0


async def test_a_pause_of_all_dispatch_stops_checks_until_it_ends(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    plane.paused = "kill switch"
    async with serving(targets.ok()) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path) as app:
            await until(lambda: app.session and working(app).work.paused == "kill switch", "it is paused")
            assert app.tally.checks.total() == 0
            plane.paused = None
            await until(lambda: plane.stored, "it works")


async def test_dispatches_run_at_once_and_a_test_is_reported_but_not_stored(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = assignment(port, cadence=HOUR)
        plane.assign(known)
        async with agent(url, tmp_path):
            await until(lambda: plane.stored, "the first slot has run")
            now = plane.now_ms()
            check_now = Dispatch(
                uuid4(), "check_now", now, now + 5000, known.tenant_id, monitor_id=known.monitor_id, check_version=1
            )
            test = Dispatch(uuid4(), "test", now, now + 5000, known.tenant_id, check=known.check)
            plane.dispatch(check_now)
            plane.dispatch(test)
            await until(lambda: (known.monitor_id, now) in plane.stored and plane.tests, "both are reported")
    assert plane.stored[known.monitor_id, now].dispatch_id == check_now.id
    assert plane.tests[0].monitor_id == test.id
    assert (test.id, now) not in plane.stored


async def test_a_claimed_dispatch_runs_although_assignments_cannot_be_polled(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = assignment(port, cadence=HOUR)
        plane.assign(known)
        async with agent(url, tmp_path):
            await until(lambda: plane.stored, "the first slot has run")
            plane.fails_only, plane.fail_with = "/assignments", 503
            now = plane.now_ms()
            unknown = Dispatch(uuid4(), "check_now", now, now + 5000, uuid4(), monitor_id=uuid4(), check_version=1)
            test = Dispatch(uuid4(), "test", now, now + 5000, known.tenant_id, check=known.check)
            plane.dispatch(unknown, test)
            await until(lambda: plane.tests, "the test that came along is reported")


async def test_an_agent_runs_only_its_share_and_takes_over_what_another_leaves(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    plane.others = (UUID(int=1), UUID(int=2))
    async with serving(targets.ok()) as port, plane.serving() as url:
        for _ in range(60):
            plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path) as app:
            await until(lambda: len({key for key, _ in plane.stored}) > 5, "it runs its share")
            share = {key for key, _ in plane.stored}
            assert len(share) < 40
            assert len(working(app).work.entries) == 60
            plane.others = ()
            await until(lambda: len({key for key, _ in plane.stored}) == 60, "it runs them all")


async def test_a_failure_is_down_only_after_a_self_test_and_else_says_that_we_cannot_judge(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.hang_up) as port, serving(targets.ok()) as canary, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        settings = AgentSettings(
            url=url, key=KEY, state_dir=str(tmp_path), resolvers=("127.0.0.1:9",), canaries=(f"127.0.0.1:{canary}",)
        )
        app = App(settings)
        task = asyncio.create_task(app.run())
        try:
            await until(lambda: plane.stored, "a result is stored")
            assert next(iter(plane.stored.values())).outcome is Outcome.DOWN
            (probe,) = app._self_test._groups["canary"]
            await until(lambda: probe.is_counted, "the canary counts")

            async def fail() -> None:
                raise OSError("no route")

            probe.attempt = fail
            await until(lambda: any(each.reason is Reason.UNHEALTHY for each in plane.stored.values()), "it says so")
            await until(lambda: any(not each.healthy for each in plane.observations), "the fleet hears of it")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    unhealthy = [each for each in plane.stored.values() if each.reason is Reason.UNHEALTHY]
    assert all(each.outcome is Outcome.ERROR for each in unhealthy)
    assert "no route" in (detail_of(unhealthy[0]).message or "")


async def test_evidence_goes_with_the_first_failure_of_a_run(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok(status="500 Oops")) as port, plane.serving() as url:
        plane.assign(assignment(port, cadence=1000, first_slot=1000))
        async with agent(url, tmp_path):
            await until(lambda: len(plane.stored) >= 3, "three failures are stored")
    with_evidence = [detail_of(each).evidence is not None for _, each in sorted(plane.stored.items())]
    assert with_evidence[0] is True
    assert not any(with_evidence[1:])


async def test_two_agents_do_not_share_a_state_directory(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url, agent(url, tmp_path) as app:
        await until(lambda: app.session, "the first one works")
        second = App(AgentSettings(url=url, key=KEY, state_dir=str(tmp_path), resolvers=("127.0.0.1:9",)))
        with pytest.raises(OSError, match="another agent is using"):
            await second.run()
