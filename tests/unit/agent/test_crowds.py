"""Fairness: of one tenant's checks at one target only so many at once; what is over that waits, is late, then a gap."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from agent.checks.check import Crowd
from agent.schedule.crowds import Crowds
from agent.schedule.jobs import Entry, Errand, Job
from agent.schedule.scheduler import Scheduler
from shared.checks import Check, HttpCheck
from shared.protocol import Assignment, Dispatch

ME = UUID(int=1)
T0 = 1_800_000_000_000
ACME, OTHER = UUID(int=10), UUID(int=11)


def crowd_of(check: Check) -> Crowd:
    assert isinstance(check, HttpCheck)
    return Crowd(check.url, per_tenant=not check.url.startswith("rdap:"))


class World:
    """A scheduler with two places per target, one per registry, and a clock that only we move."""

    def __init__(self) -> None:
        self.now: float = T0
        crowds: Crowds[Entry | Errand] = Crowds(crowd_of=crowd_of, per_target=2, per_registry=1)
        self.scheduler = Scheduler(me=ME, now_ms=lambda: self.now, crowds=crowds)

    def put(self, url: str, *, tenant_id: UUID = ACME, cadence: int = 10_000, phase: int = 0) -> Assignment:
        known = Assignment(uuid4(), tenant_id, 1, 1, HttpCheck(url=url), cadence, phase, 0)
        self.scheduler.put(known)
        return known

    def at(self, instant: float) -> list[Job]:
        self.now = instant
        self.scheduler.advance()
        return list(self.jobs())

    def jobs(self) -> Iterator[Job]:
        while (job := self.scheduler.take()) is not None:
            yield job

    def finish(self, *jobs: Job) -> list[Job]:
        for job in jobs:
            self.scheduler.finished(job)
        return list(self.jobs())


@pytest.fixture
async def world() -> World:
    world = World()
    await world.scheduler.share_among((ME,), ME)
    return world


def test_what_is_over_the_cap_waits_and_starts_when_a_place_is_free_and_says_how_late(world: World) -> None:
    for _ in range(5):
        world.put("shop:443")
    first = world.at(T0 + 10_000)
    assert len(first) == 2
    world.now += 3_000
    (third,) = world.finish(first[0])
    assert third.late_ms == 3_000
    assert world.scheduler.lag_ms == 0, "the agent itself was in time"
    assert world.scheduler.crowds.waiting == 2
    assert len(world.finish(first[1], third)) == 2
    assert world.scheduler.gaps == world.scheduler.crowded_gaps == 0


def test_a_full_target_holds_up_nobody_else(world: World) -> None:
    for _ in range(4):
        world.put("shop:443")
    elsewhere = world.put("blog:443")
    of_another_tenant = world.put("shop:443", tenant_id=OTHER)
    started = {job.monitor_id for job in world.at(T0 + 10_000)}
    assert {elsewhere.monitor_id, of_another_tenant.monitor_id} <= started
    assert len(started) == 4


def test_a_registry_counts_over_all_tenants(world: World) -> None:
    world.put("rdap:com")
    world.put("rdap:com", tenant_id=OTHER)
    (job,) = world.at(T0 + 10_000)
    assert len(world.finish(job)) == 1


def test_a_slot_whose_turn_does_not_come_within_its_interval_is_a_gap_of_the_crowd(world: World) -> None:
    for _ in range(3):
        world.put("shop:443")
    first = world.at(T0 + 10_000)
    assert world.at(T0 + 20_000) == []
    assert world.scheduler.crowded_gaps == 1
    assert world.scheduler.gaps == 0
    assert [job.slot for job in world.finish(*first)] == [T0 + 20_000, T0 + 20_000]


def test_who_waits_longest_is_called_first(world: World) -> None:
    early = [world.put("shop:443", phase=number * 100) for number in range(1, 7)]
    jobs = world.at(T0 + 10_600)
    order = [job.monitor_id for job in jobs]
    while jobs:
        jobs = [*jobs[1:], *(called := world.finish(jobs[0]))]
        order += [job.monitor_id for job in called]
    assert order == [known.monitor_id for known in early]


def test_a_place_is_not_lost_on_a_monitor_that_was_removed_while_it_waited(world: World) -> None:
    for _ in range(2):
        world.put("shop:443")
    first = world.at(T0 + 10_000)
    gone, kept = world.put("shop:443", phase=1), world.put("shop:443", phase=2)
    assert world.at(T0 + 10_010) == []
    world.scheduler.remove(gone.monitor_id)
    (job,) = world.finish(first[0])
    assert job.monitor_id == kept.monitor_id


def test_a_pause_forgets_nobody_who_waited(world: World) -> None:
    known = [world.put("shop:443", cadence=60_000) for _ in range(4)]
    first = world.at(T0 + 60_000)
    world.scheduler.paused = "kill switch"
    assert world.finish(*first) == []
    world.scheduler.paused = None
    assert {job.monitor_id for job in [*first, *world.jobs()]} == {each.monitor_id for each in known}


def test_a_test_and_a_recheck_wait_for_a_place_as_well(world: World) -> None:
    first = [world.put("shop:443") for _ in range(2)]
    jobs = world.at(T0 + 10_000)
    other = world.put("shop:443", phase=9_000)
    assert {job.monitor_id for job in jobs} == {known.monitor_id for known in first}
    world.scheduler.send(Dispatch(uuid4(), "test", T0 + 10_000, T0 + 15_000, ACME, check=HttpCheck(url="shop:443")))
    world.scheduler.send(Dispatch(uuid4(), "recheck", T0 + 10_000, T0 + 15_000, ACME, other.monitor_id, 1))
    assert world.at(T0 + 10_010) == []
    kinds = {job.dispatch.kind for job in world.finish(*jobs) if job.dispatch is not None}
    assert kinds == {"test", "recheck"}
