"""An agent: the product's own scheduler, and shipping, polling and vouching as agent/ does them, on the virtual clock.

Its clock is the server's plus an error, as agent/link/server_clock.py leaves it: some ms, or whatever a wrong answer
or a suspended machine made of it until the next poll.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from agent.checks import crowd_of
from agent.schedule.crowds import Crowds
from agent.schedule.jobs import Entry, Errand, Job
from agent.schedule.scheduler import Scheduler
from control_plane.services.fleet.ingest_results import Reporter
from shared.protocol import Assignment, Dispatch
from shared.results import Outcome
from tests.simulation.heap_wheel import HeapWheel
from tests.simulation.memory_store import run
from tests.simulation.outbox import Outbox
from tests.simulation.plan import PlannedAgent
from tests.simulation.seen import Seen, result_of
from tests.simulation.truth import Spell

if TYPE_CHECKING:
    from tests.simulation.world import World

POLL_MS, LEASE_MS, OBSERVE_MS = 5_000, 15_000, 10_000
SELF_TEST_GAP_MS, SELF_TEST_MS = 1_000, 40
FAR = 1 << 60


class SimAgent:
    """`is_linked`: the control plane can be reached. `boots` counts starts: what an earlier one began is void."""

    def __init__(self, world: World, planned: PlannedAgent) -> None:
        self.world = world
        self.me = planned
        self.reporter = Reporter(planned.id, planned.number, planned.region_id)
        self.error_ms = 0
        self.wrong_ms = 0
        """How wrong the server's time is that it is told."""
        self.boots = 0
        self.is_up = False
        self.cuts = 0
        """How many things keep it from the control plane."""
        self.stalled_until = 0
        self.is_unwell = False
        self.unwell_at = 0
        """When it was unwell last."""
        self.outbox = Outbox(self)
        self._scheduler: Scheduler
        self._wake_at = FAR
        self._look_at = FAR
        self._bad: set[UUID] = set()
        self._tests_at = 0
        self._revision = -1
        self._known: list[Assignment] = []
        self._live: list[UUID] = []
        """What it last heard, and finds again on its disk after a crash."""

    @property
    def is_linked(self) -> bool:
        return self.cuts == 0 and self.is_up and self.world.now >= self.stalled_until

    def now_ms(self) -> float:
        return self.world.now + self.error_ms

    # -- life

    def boot(self) -> None:
        self.boots += 1
        self.is_up = True
        self._revision = -1
        self._bad.clear()
        self._wake_at = self._look_at = FAR
        crowds: Crowds[Entry | Errand] = Crowds(crowd_of=crowd_of)
        self._scheduler = Scheduler(me=self.me.id, now_ms=self.now_ms, crowds=crowds)
        self._scheduler._wheel = HeapWheel()
        self.outbox.recall()
        run(self._scheduler.replace(self._known))
        run(self._scheduler.share_among(self._live, self.me.id))
        self.arm()
        first = self.world.now + self.world.rng.randrange(2_000)
        self.world.at(first, self.poll, self.boots)
        self.world.at(first, self.outbox.kick, self.boots)

    def crash(self) -> None:
        self.is_up = False
        self.boots += 1
        self.outbox.crash()
        self.lose_lease()

    def lose_lease(self) -> None:
        """No poll goes through any more: the lease runs out, and the region's others notice at their next poll."""
        world = self.world
        until = world.now - world.rng.randrange(POLL_MS) + LEASE_MS
        world.backend.set_agent(self.me.id, lease_until=until)
        world.at(until + 1, world.poke, self.me.region_id)

    def cut(self) -> None:
        """The way to the control plane is gone."""
        self.cuts += 1
        if self.is_up and self.cuts == 1:
            self.lose_lease()

    def mend(self) -> None:
        """It is back; polls come round, and failed sends are tried again, within their usual times."""
        self.cuts -= 1
        if self.is_up and self.cuts == 0:
            world = self.world
            world.at(world.now + world.rng.randrange(POLL_MS), self.poll, self.boots)
            world.at(world.now + world.rng.randrange(15_000), self.outbox.kick, self.boots)

    def stall(self, until: int, *, loses_time: bool) -> None:
        """The process, or its whole machine, stands still; in the latter case its clock does, too."""
        self.cut()
        self.stalled_until = until
        if loses_time:
            self.error_ms -= until - self.world.now
        self.world.at(until, self._resume)

    def _resume(self) -> None:
        self.mend()
        if self.is_up:
            self._wake_at = FAR
            self.arm()

    def sicken(self) -> None:
        """Its own network fails: checks fail, and its self-tests say so."""
        self.is_unwell = True
        self._observe_soon(healthy=False)

    def recover(self) -> None:
        self.is_unwell, self.unwell_at = False, self.world.now
        self._observe_soon(healthy=True)

    def _observe_soon(self, *, healthy: bool) -> None:
        world = self.world
        world.at(world.now + world.rng.randrange(OBSERVE_MS), self._observe, self.boots, healthy)

    def _observe(self, boots: int, healthy: bool) -> None:
        if boots == self.boots and self.is_linked and healthy is not self.is_unwell:
            self.world.backend.set_agent(self.me.id, healthy=healthy)
            self.world.poke(self.me.region_id)

    # -- what the control plane says

    def poll(self, boots: int) -> None:
        """Renew the lease, learn the time, the assignments and who else is live."""
        if boots != self.boots or not self.is_linked:
            return
        if not self.world.planes.up:
            self.world.at(self.world.now + POLL_MS, self.poll, boots)
            return
        world, backend = self.world, self.world.backend
        was_live = self.me.id in world.live_agents(self.me.region_id)
        backend.set_agent(self.me.id, lease_until=FAR, healthy=not self.is_unwell)
        if not was_live and not self.is_unwell:
            world.poke(self.me.region_id)
        self._learn_time(world.time_error(self))
        revision, assignments = world.assignments(self.me.region_id)
        if revision != self._revision:
            self._revision = revision
            self._known = assignments
            run(self._scheduler.replace(assignments))
        self._live = world.live_agents(self.me.region_id)
        run(self._scheduler.share_among(self._live, self.me.id))
        self.arm()
        self.look_soon(0)

    def _learn_time(self, error_ms: int) -> None:
        before, self.error_ms = self.error_ms, error_ms
        if error_ms < before:
            self._scheduler.clock_set_back()
            self._wake_at = FAR

    def look_soon(self, delay: int) -> None:
        """Ask for dispatches after this many ms, if nothing earlier is planned."""
        at = self.world.now + delay
        if at < self._look_at:
            self._look_at = at
            self.world.at(at, self._look, self.boots, at)

    def _look(self, boots: int, at: int) -> None:
        if boots != self.boots or at != self._look_at:
            return
        self._look_at = FAR
        if self.is_linked:
            self.world.planes.hand_out(self)

    def errands(self, dispatches: tuple[Dispatch, ...], boots: int) -> None:
        """Dispatches have arrived."""
        if boots != self.boots:
            return
        for dispatch in dispatches:
            self._scheduler.send(dispatch)
        self.arm()

    # -- checks

    def arm(self) -> None:
        """Wake up when the schedule wants it."""
        due = self._scheduler.next_at()
        if due is None:
            return
        world = self.world
        at = max(due - self.error_ms, world.now)
        if at < self._wake_at:
            self._wake_at = at
            world.at(at, self._wake, self.boots, at)

    def _wake(self, boots: int, at: int) -> None:
        if boots != self.boots or at != self._wake_at:
            return
        self._wake_at = FAR
        if self.world.now < self.stalled_until:
            return  # _resume goes on
        self._scheduler.advance()
        self._pump()
        self.arm()

    def _pump(self) -> None:
        while (job := self._scheduler.take()) is not None:
            self._start(job)

    def _start(self, job: Job) -> None:
        world = self.world
        now = world.now
        monitor = world.monitors[job.monitor_id]
        spell = monitor.target.views[self.me.region_id].at(now)
        takes = world.plan.latency_ms[self.me.region_id] if spell is None else min(spell.takes_ms, monitor.timeout)
        world.at(now + takes, self._end, self.boots, job, spell, now)

    def _end(self, boots: int, job: Job, spell: Spell | None, began: int) -> None:
        if boots != self.boots:
            return
        world = self.world
        stood_still = began < self.stalled_until
        if world.now < self.stalled_until:
            world.at(self.stalled_until + 1, self._end, boots, job, spell, began)
            return
        self._scheduler.finished(job)
        self._pump()
        outcome = self._told(job, spell)
        if outcome is Outcome.DOWN:
            if world.now > self._tests_at:  # else it joins those who wait for the next: at most one a second
                self._tests_at = max(world.now, self._tests_at + SELF_TEST_GAP_MS)
            world.at(self._tests_at + SELF_TEST_MS, self._vouch, boots, job, spell, began, stood_still)
        else:
            self._deliver(job, outcome, spell, began)

    def _told(self, job: Job, spell: Spell | None) -> Outcome:
        """What it says of what it saw; a lying region's agents say something else."""
        seen = Outcome.UP if spell is None else Outcome.DEGRADED if spell.condition == "slow" else Outcome.DOWN
        target = self.world.monitors[job.monitor_id].target
        lie = target.lie_at(self.me.region_id, self.world.now) if target.lies else None
        match lie and lie.tells:
            case None:
                return seen
            case "down":
                return Outcome.DOWN
            case "up":
                return Outcome.UP
            case "opposite":
                return Outcome.UP if seen is Outcome.DOWN else Outcome.DOWN
            case _:
                return self.world.rng.choice((Outcome.UP, Outcome.DEGRADED, Outcome.DOWN))

    def _vouch(self, boots: int, job: Job, spell: Spell | None, began: int, stood_still: bool) -> None:
        if boots != self.boots:
            return
        cannot_judge = stood_still or self.is_unwell or self.unwell_at >= began
        self._deliver(job, Outcome.ERROR if cannot_judge else Outcome.DOWN, spell, began)

    def _deliver(self, job: Job, outcome: Outcome, spell: Spell | None, began: int) -> None:
        if self.is_unwell and outcome is not Outcome.ERROR:
            outcome = Outcome.ERROR  # its network fails: no check of its own succeeds
        was_bad = job.monitor_id in self._bad
        (self._bad.discard if outcome is Outcome.UP else self._bad.add)(job.monitor_id)
        was_down = spell is not None and spell.condition == "down"
        seen = Seen(result_of(job, outcome, self.world.now - began), was_down, began, self.world.now)
        urgent = was_bad or outcome is not Outcome.UP or job.dispatch is not None or job.is_first
        self.outbox.put(seen, urgent=urgent)
