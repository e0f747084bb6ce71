"""Running worlds: one seed a day, many seeds in several processes, and what they come to together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from msgspec import Struct

from control_plane.errors import FarwatchError
from tests.simulation.breaks import Break, RuleBrokenError
from tests.simulation.memory_backend import MemoryBackend
from tests.simulation.plan import draw_plan
from tests.simulation.trace import Trace
from tests.simulation.world import World


class Day(Struct, frozen=True, kw_only=True):
    """What came of one seed. `delays` in ms: from an outage's first bad result to its incident; `beyond_promise`: see
    Oracle."""

    seed: int
    digest: str
    faults: tuple[str, ...]
    results: int
    outages: int
    opened: int
    delays: list[int]
    beyond_promise: list[int]
    false: int
    missed: int
    breaks: list[Break]
    tail: list[str]
    """The end of the trace, if a rule was broken."""


def simulate(seed: int, *, hours: float = 24.0, calm: bool | None = None) -> Day:
    """One world of this seed, from its start to its end; see draw_plan."""
    plan = draw_plan(seed, hours=hours, calm=calm)
    world = World(plan, MemoryBackend(), trace=Trace())
    world.run()
    oracle = world.oracle
    return Day(
        seed=seed,
        digest=world.trace.digest,
        faults=plan.faults.names,
        results=world.results,
        outages=sum(map(len, oracle.deadlines.outages.values())),
        opened=oracle.opened,
        delays=oracle.deadlines.delays,
        beyond_promise=oracle.deadlines.beyond_promise,
        false=oracle.false_incidents,
        missed=oracle.deadlines.missed,
        breaks=oracle.breaks,
        tail=list(world.trace.tail) if oracle.breaks else [],
    )


def first_break(seed: int, *, calm: bool | None = None) -> str | None:
    """Let this seed's world go on until a rule breaks, or something fails outright: in words; None: all is well."""
    world = World(draw_plan(seed, calm=calm), MemoryBackend())
    world.oracle.stops = True
    try:
        world.run()
    except RuleBrokenError as broken:
        return str(broken)
    except (AssertionError, LookupError, FarwatchError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def simulate_days(first_seed: int, days: int, *, jobs: int = 1) -> Iterator[Day]:
    """One world for each seed from `first_seed` on, in that order."""
    seeds = range(first_seed, first_seed + days)
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(simulate, seeds, chunksize=4)


class Total:
    """What many days come to."""

    def __init__(self) -> None:
        self.days = self.results = self.outages = self.opened = self.false = self.missed = 0
        self.delays: list[int] = []
        self.broken: list[Day] = []
        self._digest = hashlib.sha256()

    def add(self, day: Day) -> None:
        self.days += 1
        self.results += day.results
        self.outages += day.outages
        self.opened += day.opened
        self.false += day.false
        self.missed += day.missed
        self.delays += day.delays
        if day.breaks:
            self.broken.append(day)
        self._digest.update(day.digest.encode())

    def lines(self) -> Iterable[str]:
        """The summary, a figure each."""
        yield f"simulated days    {self.days}"
        yield f"results           {self.results}"
        yield f"outages           {self.outages}"
        yield f"incidents         {self.opened}"
        yield f"detected          {len(self.delays)}, delay {_spread(self.delays)}"
        yield f"false incidents   {self.false}"
        yield f"missed outages    {self.missed}"
        yield f"broken rules      {sum(len(day.breaks) for day in self.broken)} in {len(self.broken)} days"
        yield f"trace             {self._digest.hexdigest()}"


def _spread(delays: list[int]) -> str:
    if not delays:
        return "none"
    ordered = sorted(delays)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    return f"p50 {p50 / 1000:.1f} s, p99 {p99 / 1000:.1f} s, max {ordered[-1] / 1000:.1f} s"
