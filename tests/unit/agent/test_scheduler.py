"""When checks start, in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import UUID, uuid4

import msgspec
import pytest

from agent.checks import crowd_of
from agent.schedule.crowds import Crowds
from agent.schedule.jobs import Job
from agent.schedule.scheduler import Scheduler
from agent.schedule.slots import next_slot, slot_after, slot_until
from shared.checks.http import HttpCheck
from shared.protocol import Assignment, Dispatch

ME, OTHER = UUID(int=1), UUID(int=2)
T0 = 1_800_000_000_000
HOUR = 3_600_000
CHECK = HttpCheck(url="http://192.0.2.1/")


class World:
    """A scheduler and a clock that only we move."""

    def __init__(self, *, now: float = T0) -> None:
        self.now = now
        self.scheduler = Scheduler(me=ME, now_ms=lambda: self.now, crowds=Crowds(crowd_of=crowd_of))
        self.started: list[tuple[float, Job]] = []

    def until(self, instant: float, *, finish: bool = True) -> None:
        """Move on, waking the scheduler when it asks for it, and finishing each check at once."""
        while True:
            self.scheduler.advance()
            for job in self.jobs():
                self.started.append((self.now, job))
                if finish:
                    self.scheduler.finished(job)
            wake = self.scheduler.next_at()
            if wake is None or wake > instant:
                break
            self.now = max(wake, self.now)
        self.now = instant

    def jobs(self) -> Iterator[Job]:
        while (job := self.scheduler.take()) is not None:
            yield job

    def slots(self) -> list[int]:
        return [job.slot for _, job in self.started]


@pytest.fixture
async def world() -> World:
    world = World()
    await world.scheduler.share_among((ME,), ME)
    return world


def assignment(*, cadence: int = 60_000, phase: int = 7_000, first_slot: int = 0, version: int = 1) -> Assignment:
    return Assignment(
        monitor_id=uuid4(),
        tenant_id=uuid4(),
        revision=1,
        check_version=version,
        check=CHECK,
        cadence=cadence,
        phase=phase,
        first_slot=first_slot,
    )


def test_slots_are_the_first_one_and_then_multiples_of_the_cadence_plus_the_phase() -> None:
    known = assignment(cadence=60_000, phase=7_000, first_slot=T0 + 1234)
    assert slot_after(known, T0) == T0 + 1234
    assert slot_after(known, T0 + 1234) == T0 + 7_000
    assert slot_after(known, T0 + 7_000) == T0 + 67_000
    assert slot_until(known, T0 + 1233) is None
    assert slot_until(known, T0 + 6_999) == T0 + 1234
    assert slot_until(known, T0 + 67_000) == T0 + 67_000


def test_every_slot_starts_once_never_early_and_within_a_tick_without_drift(world: World) -> None:
    known = [assignment(cadence=10_000, phase=number * 37 % 10_000) for number in range(300)]
    for each in known:
        world.scheduler.put(each)
    world.until(T0 + 60_000)
    counts = Counter((job.monitor_id, job.slot) for _, job in world.started)
    assert set(counts.values()) == {1}
    assert len(counts) == 300 * 6
    assert all(0 <= at - job.slot <= 5 for at, job in world.started)
    assert world.scheduler.gaps == 0


def test_the_first_slot_of_a_new_check_runs_at_once(world: World) -> None:
    world.scheduler.put(assignment(first_slot=T0 - 1500))
    world.until(T0 + 5)
    assert world.slots() == [T0 - 1500]


def test_a_gained_monitor_waits_for_its_next_slot(world: World) -> None:
    world.scheduler.put(assignment(phase=7_000))
    world.until(T0 + 6_000)
    assert world.slots() == []
    world.until(T0 + 8_000)
    assert world.slots() == [T0 + 7_000]


@pytest.mark.parametrize(("age", "runs"), [(HOUR // 2 - 1000, True), (HOUR // 2 + 1000, False)])
def test_a_gained_monitor_of_a_long_cadence_runs_its_current_slot_if_not_half_over(
    world: World, age: int, runs: bool
) -> None:
    phase = (T0 - age) % HOUR
    world.scheduler.put(assignment(cadence=HOUR, phase=phase))
    world.until(T0 + 10)
    assert world.slots() == ([T0 - age] if runs else [])


def test_one_check_of_a_monitor_runs_at_a_time_and_the_next_slot_waits_for_it(world: World) -> None:
    world.scheduler.put(assignment(cadence=10_000, phase=0))
    world.until(T0 + 10_100, finish=False)
    world.until(T0 + 22_000, finish=False)
    (first,) = [job for _, job in world.started]
    assert list(world.jobs()) == []
    world.scheduler.finished(first)
    (second,) = list(world.jobs())
    assert second.slot == first.slot + 10_000
    assert world.scheduler.gaps == 0


def test_a_slot_that_cannot_start_within_its_interval_is_a_gap_and_is_not_made_up_for(world: World) -> None:
    world.scheduler.put(assignment(cadence=10_000, phase=0))
    world.until(T0 + 10_100, finish=False)
    world.until(T0 + 41_000, finish=False)
    (first,) = [job for _, job in world.started]
    world.scheduler.finished(first)
    (second,) = list(world.jobs())
    assert second.slot == T0 + 40_000
    assert world.scheduler.gaps == 2


def test_a_process_that_was_suspended_runs_the_latest_slot_only_and_counts_the_rest(world: World) -> None:
    world.scheduler.put(assignment(cadence=10_000, phase=0))
    world.until(T0 + 10_005)
    world.now = T0 + 24 * HOUR + 1
    world.scheduler.advance()
    slots = [job.slot for job in world.jobs()]
    assert slots == [T0 + 24 * HOUR]
    assert world.scheduler.gaps == 24 * 360 - 2


def test_what_is_due_longest_starts_first(world: World) -> None:
    for phase in (3_000, 1_000, 2_000):
        world.scheduler.put(assignment(phase=phase))
    world.now = T0 + 5_000
    world.scheduler.advance()
    assert [job.slot for job in world.jobs()] == [T0 + 1_000, T0 + 2_000, T0 + 3_000]


async def test_what_another_agent_runs_is_known_and_starts_when_that_one_is_lost(world: World) -> None:
    await world.scheduler.share_among((ME, OTHER), ME)
    known = [assignment(cadence=10_000, phase=5_000) for _ in range(100)]
    await world.scheduler.replace(known)
    world.until(T0 + 6_000)
    ours = {job.monitor_id for _, job in world.started}
    assert 25 < len(ours) < 75
    await world.scheduler.share_among((ME,), ME)
    world.until(T0 + 16_000)
    counts = Counter(job.monitor_id for _, job in world.started)
    assert len(counts) == 100
    assert all(counts[each.monitor_id] == (2 if each.monitor_id in ours else 1) for each in known)


async def test_what_moves_away_stops_and_what_comes_back_does_not_run_a_slot_twice(world: World) -> None:
    known = [assignment(cadence=10_000, phase=0) for _ in range(50)]
    await world.scheduler.replace(known)
    world.until(T0 + 10_100)
    before = len(world.started)
    await world.scheduler.share_among((OTHER,), ME)
    await world.scheduler.share_among((ME,), ME)
    world.until(T0 + 19_000)
    assert len(world.started) == before
    await world.scheduler.share_among((OTHER,), ME)
    world.until(T0 + 40_000)
    assert len(world.started) == before


def test_a_change_without_a_new_check_version_keeps_the_schedule(world: World) -> None:
    known = assignment(cadence=10_000, phase=0)
    world.scheduler.put(known)
    world.until(T0 + 10_100)
    slots = world.slots()
    changed = msgspec.structs.replace(known, revision=2, check=HttpCheck(url="http://192.0.2.2/"))
    world.scheduler.put(changed)
    world.until(T0 + 20_100)
    assert world.slots() == [*slots, T0 + 20_000]
    assert world.started[-1][1].check == HttpCheck(url="http://192.0.2.2/")


def test_a_new_check_version_begins_with_its_first_slot(world: World) -> None:
    known = assignment(cadence=60_000, phase=0, first_slot=T0 - HOUR)
    world.scheduler.put(known)
    world.until(T0 + 100)
    world.scheduler.put(msgspec.structs.replace(known, check_version=2, first_slot=T0 + 90))
    world.until(T0 + 200)
    assert (world.started[-1][1].slot, world.started[-1][1].check_version) == (T0 + 90, 2)


def test_a_removed_monitor_runs_no_more_even_if_it_was_due(world: World) -> None:
    known = assignment(cadence=10_000, phase=0)
    world.scheduler.put(known)
    world.now = T0 + 10_100
    world.scheduler.advance()
    world.scheduler.remove(known.monitor_id)
    assert list(world.jobs()) == []


def test_while_paused_nothing_starts_and_nothing_counts_as_a_gap(world: World) -> None:
    world.scheduler.put(assignment(cadence=10_000, phase=0))
    world.scheduler.paused = "kill switch"
    world.until(T0 + 100_000)
    assert world.slots() == []
    assert world.scheduler.gaps == 0
    world.scheduler.paused = None
    world.until(T0 + 110_100)
    assert world.slots() == [T0 + 110_000]


def dispatch(known: Assignment, *, slot: int, kind: str = "recheck", version: int = 1) -> Dispatch:
    return Dispatch(uuid4(), kind, slot, slot + 5_000, known.tenant_id, known.monitor_id, version)  # type: ignore[arg-type]


def test_an_errand_runs_at_its_slot_and_before_the_schedule(world: World) -> None:
    known, crowd = assignment(phase=50_000), [assignment(cadence=10_000, phase=2_000) for _ in range(5)]
    for each in (known, *crowd):
        world.scheduler.put(each)
    world.scheduler.send(dispatch(known, slot=T0 + 2_000))
    world.until(T0 + 1_900)
    assert world.slots() == []
    world.now = T0 + 2_100
    world.scheduler.advance()
    assert next(world.jobs()).monitor_id == known.monitor_id


def test_an_errand_waits_for_the_check_under_way(world: World) -> None:
    known = assignment(cadence=10_000, phase=0)
    world.scheduler.put(known)
    world.until(T0 + 10, finish=False)
    world.until(T0 + 10_010, finish=False)
    world.scheduler.send(dispatch(known, slot=T0 + 10_020))
    world.now = T0 + 10_100
    world.scheduler.advance()
    assert list(world.jobs()) == []
    world.scheduler.finished(world.started[-1][1])
    (job,) = list(world.jobs())
    assert job.slot == T0 + 10_020


@pytest.mark.parametrize(("version", "age"), [(2, 0), (1, 6_000)])
def test_an_errand_of_another_version_or_too_old_is_dropped_and_counted(world: World, version: int, age: int) -> None:
    known = assignment()
    world.scheduler.put(known)
    world.scheduler.send(dispatch(known, slot=T0 - age, version=version))
    world.until(T0 + 100)
    assert world.slots() == []
    assert world.scheduler.dropped_errands == 1


def test_a_server_clock_set_back_by_hours_plans_anew(world: World) -> None:
    world.scheduler.put(assignment(cadence=10_000, phase=0))
    world.until(T0 + 10_100)
    world.now -= 5 * HOUR
    world.scheduler.clock_set_back()
    start = world.now
    count = len(world.started)
    world.until(start + 20_000)
    assert len(world.started) == count + 2


@pytest.mark.parametrize("cadence", [10_000, 60_000])
@pytest.mark.parametrize("back", [2_500, 8_000, 20_000, 45_000])
@pytest.mark.parametrize("into", [100, 5_000, 9_900])
def test_a_server_clock_set_back_holds_up_no_check_for_more_than_an_interval_and_five_seconds(
    world: World, cadence: int, back: int, into: int
) -> None:
    world.scheduler.put(assignment(cadence=cadence, phase=0))
    world.until(T0 + cadence + into)
    started = len(world.started)
    world.now -= back
    set_at = world.now
    world.scheduler.clock_set_back()
    world.until(set_at + 2 * cadence)
    assert world.started[started][0] - set_at <= cadence + 5_000
    if back <= 5_000:
        assert len(world.slots()) == len(set(world.slots()))


def test_a_server_clock_set_back_loses_no_errand(world: World) -> None:
    known = assignment(cadence=60_000, phase=50_000)
    world.scheduler.put(known)
    world.scheduler.send(dispatch(known, slot=T0 + 3_000))
    world.now -= 10_000
    world.scheduler.clock_set_back()
    world.until(T0 + 3_100)
    assert T0 + 3_000 in world.slots()


def test_a_server_clock_set_forward_passes_over_no_slot_that_is_due(world: World) -> None:
    world.scheduler.put(assignment(cadence=60_000, phase=0))
    world.until(T0 + 58_000)
    world.now += 3_000
    world.until(world.now + 100)
    assert T0 + 60_000 in world.slots()


@pytest.mark.parametrize("slot", [T0 + 1234, T0 + 7_000, T0 + 67_000])
def test_the_slot_that_follows_one_is_the_first_after_it(slot: int) -> None:
    known = assignment(cadence=60_000, phase=7_000, first_slot=T0 + 1234)
    assert next_slot(known, slot) == slot_after(known, slot)


@pytest.mark.parametrize("cadence", [10_000, HOUR])
async def test_what_moves_away_while_it_waits_for_a_place_runs_that_slot_on_return(world: World, cadence: int) -> None:
    due = slot_after(assignment(cadence=cadence, phase=0), T0)
    world.scheduler.put(assignment(cadence=cadence, phase=0))
    world.now = due + 20
    world.scheduler.advance()
    await world.scheduler.share_among((OTHER,), ME)
    await world.scheduler.share_among((ME,), ME)
    world.now += 10
    world.scheduler.advance()
    slots = [job.slot for job in world.jobs()]
    assert slots == ([due] if cadence == HOUR else [])
