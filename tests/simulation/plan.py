"""A world before it begins: regions, agents, control planes, monitors, targets and faults, all drawn from the seed."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.judging.schedule import phase_ms, vote_window_ms
from control_plane.domain.judging.verdict import Policy
from tests.simulation.faults import Faults, Span, draw_faults
from tests.simulation.recount import votes_needed
from tests.simulation.truth import HOUR, MINUTE, Habits, Lie, Target, spells_of

EPOCH = 1_780_000_000_000
"""Unix ms about which worlds begin: May 2026."""

QUIET_MS = 40 * MINUTE
"""The end of each world, in which nothing goes wrong any more and all has to become well."""


class PlannedMonitor(Struct, frozen=True, kw_only=True):
    """A monitor and its target. `regions` by id; `name` stands for the id wherever runs are compared."""

    id: UUID
    tenant_id: UUID
    number: int
    name: str
    interval_s: int
    timeout: int
    confirmations: int
    policy: Policy
    alert_on: str
    regions: tuple[int, ...]
    first_slot: int
    version: int
    enabled: bool
    backs_off: bool
    depends_on: tuple[UUID, ...]
    target: Target

    @property
    def required(self) -> int:
        return votes_needed(self.policy.name, self.policy.k, len(self.regions))

    @property
    def url(self) -> str:
        return f"https://www.{self.name}.com/"

    @property
    def window_ms(self) -> int:
        return vote_window_ms(cadence_ms=self.interval_s * 1000, timeout_ms=self.timeout)

    def phase(self, region_id: int) -> int:
        """The region's offset in the interval, in ms."""
        return phase_ms(
            self.tenant_id,
            self.number,
            region_index=self.regions.index(region_id),
            region_count=len(self.regions),
            interval_ms=self.interval_s * 1000,
        )


class PlannedAgent(Struct, frozen=True):
    id: UUID
    region_id: int
    number: int
    name: str


class Window(Struct, frozen=True):
    """A maintenance window: [start, end) in Unix ms, of one tenant's monitors."""

    id: UUID
    tenant_id: UUID
    start: int
    end: int
    monitors: tuple[UUID, ...]


class Change(Struct, frozen=True):
    """Somebody changes a monitor: the body of a PATCH."""

    at: int
    tenant_id: UUID
    monitor_id: UUID
    body: dict[str, Any]


class Plan(Struct, frozen=True, kw_only=True):
    """[start, end) in Unix ms; from `quiet_from` on nothing goes wrong."""

    seed: int
    start: int
    quiet_from: int
    end: int
    tenants: tuple[UUID, ...]
    regions: dict[int, str]
    latency_ms: dict[int, int]
    agents: tuple[PlannedAgent, ...]
    planes: int
    monitors: tuple[PlannedMonitor, ...]
    windows: tuple[Window, ...]
    changes: tuple[Change, ...]
    faults: Faults


def an_id(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def draw_plan(
    seed: int,
    *,
    hours: float = 24.0,
    regions: int = 5,
    monitors: int = 20,
    calm: bool | None = None,
    stores_fail: bool = True,
) -> Plan:
    """The world of this seed. One in eight is calm: nothing fails but the targets; `calm` decides it otherwise."""
    rng = Random(seed)
    drawn = rng.random() < 0.125
    calm = drawn if calm is None else calm
    start = EPOCH + rng.randrange(30 * 24 * HOUR)
    end = start + int(hours * HOUR)
    quiet_from = end - QUIET_MS
    slugs = {n: f"r{n}" for n in range(1, regions + 1)}
    agents = _agents(rng, slugs)
    planes = rng.choice((1, 2, 2, 3))
    tenants = (an_id(rng), an_id(rng))
    watched = tuple(
        _monitor(rng, n, tenant_id=tenants[n % 2], regions=list(slugs), start=start, end=quiet_from)
        for n in range(monitors)
    )
    liar = rng.choice(list(slugs)) if rng.random() < 0.6 else None
    if liar is not None:
        for monitor in watched:
            _make_lie(rng, monitor, liar, start=start, end=quiet_from)
    if rng.random() < 0.4:
        watched = _depending(rng, watched)
    faults = draw_faults(
        rng,
        calm=calm,
        regions=regions,
        agents=len(agents),
        planes=planes,
        start=start + HOUR // 4,
        end=quiet_from,
        sights=_sights(watched, quiet_from),
    )
    return Plan(
        seed=seed,
        start=start,
        quiet_from=quiet_from,
        end=end,
        tenants=tenants,
        regions=slugs,
        latency_ms={n: rng.randint(2, 120) for n in slugs},
        agents=agents,
        planes=planes,
        monitors=watched,
        windows=_windows(rng, watched, start=start, end=quiet_from),
        changes=_changes(rng, watched, slugs, start=start, end=quiet_from),
        faults=faults if stores_fail else structs.replace(faults, aborts=0.0, unknown_commits=0.0),
    )


def _sights(monitors: tuple[PlannedMonitor, ...], end: int) -> list[Span]:
    """When which region sees a target down."""
    return [
        Span(spell.start, min(spell.end, end), region_id - 1)
        for monitor in monitors
        for region_id, view in monitor.target.views.items()
        for spell in view.spells
        if spell.condition == "down" and spell.end - spell.start > MINUTE
    ]


def _agents(rng: Random, slugs: dict[int, str]) -> tuple[PlannedAgent, ...]:
    agents: list[PlannedAgent] = []
    for region_id, slug in slugs.items():
        for n in range(rng.choice((1, 1, 2, 2, 3))):
            agents.append(PlannedAgent(an_id(rng), region_id, len(agents) + 1, f"{slug}-{n + 1}"))
    return tuple(agents)


def _monitor(rng: Random, n: int, *, tenant_id: UUID, regions: list[int], start: int, end: int) -> PlannedMonitor:
    size = min(rng.choices((1, 2, 3, 4, 5), (1, 1, 5, 1, 3))[0], len(regions))
    chosen = sorted(rng.sample(regions, size))
    interval = 60 if n < 2 else rng.choice((300, 300, 600, 600, 900))
    timeout = rng.choice((5_000, 10_000, 10_000))
    name = rng.choices(("majority", "any", "all", "count"), (6, 2, 1, 2))[0]
    habits = Habits(
        well_ms=int(rng.choice((1, 2, 4, 8)) * HOUR),
        weights={"outage": 3, "partial": 3, "blip": 3, "slow": 1, "flapping": rng.choice((0, 0.5))},
    )
    views = spells_of(rng, habits, regions=chosen, start=start + HOUR // 4, end=end, timeout=timeout)
    return PlannedMonitor(
        id=an_id(rng),
        tenant_id=tenant_id,
        number=n + 1,
        name=f"m{n + 1}",
        interval_s=interval,
        timeout=timeout,
        confirmations=rng.choices((2, 1, 3, 5), (7, 1, 1, 0.3))[0],
        policy=Policy(name, rng.randint(1, size) if name == "count" else None),  # type: ignore[arg-type]
        alert_on="degraded" if rng.random() < 0.2 else "down",
        regions=tuple(chosen),
        first_slot=start + rng.randrange(MINUTE),
        version=1,
        enabled=True,
        backs_off=rng.random() < 0.15,
        depends_on=(),
        target=Target(views=views),
    )


def _depending(rng: Random, monitors: tuple[PlannedMonitor, ...]) -> tuple[PlannedMonitor, ...]:
    """Some monitors depend on earlier ones of their tenant, and mostly fail along with them."""
    changed: list[PlannedMonitor] = []
    for monitor in monitors:
        able = [m for m in changed if m.tenant_id == monitor.tenant_id]
        if not able or monitor.target.lies or rng.random() < 0.6:
            changed.append(monitor)
            continue
        chosen = rng.sample(able, min(len(able), rng.choice((1, 1, 2))))
        for upstream in chosen:
            if rng.random() < 0.8:
                monitor.target.suffer(upstream.target)
        changed.append(structs.replace(monitor, depends_on=tuple(m.id for m in chosen)))
    return tuple(changed)


def _windows(rng: Random, monitors: tuple[PlannedMonitor, ...], *, start: int, end: int) -> tuple[Window, ...]:
    """Maintenance: none on most days, else some windows, which are placed without regard to outages."""
    windows = []
    for _ in range(rng.choice((0, 0, 2, 6))):
        begin = rng.randrange(start + HOUR // 2, end)
        until = min(begin + int(HOUR * rng.lognormvariate(0, 0.7)), end)
        tenant_id = rng.choice(monitors).tenant_id
        own = [m.id for m in monitors if m.tenant_id == tenant_id]
        covered = own if rng.random() < 0.3 else rng.sample(own, rng.randint(1, min(5, len(own))))
        windows.append(Window(an_id(rng), tenant_id, begin, until, tuple(sorted(covered))))
    return tuple(sorted(windows, key=lambda window: window.start))


def _changes(
    rng: Random, monitors: tuple[PlannedMonitor, ...], slugs: dict[int, str], *, start: int, end: int
) -> tuple[Change, ...]:
    """What people change: on half of the days nothing. Whatever is paused or dropped comes back before the end."""
    changes: list[Change] = []
    for _ in range(rng.choice((0, 0, 4, 10))):
        monitor = rng.choice(monitors)
        at = rng.randrange(start + HOUR // 2, max(end - HOUR, start + HOUR // 2 + 1))
        until = min(at + int(HOUR * rng.lognormvariate(-1, 1)), end - HOUR // 2)
        for when, body in _bodies(rng, monitor, slugs, at, max(at + 1, until)):
            changes.append(Change(when, monitor.tenant_id, monitor.id, body))
    return tuple(sorted(changes, key=lambda change: (change.at, change.monitor_id)))


def _bodies(
    rng: Random, monitor: PlannedMonitor, slugs: dict[int, str], at: int, until: int
) -> list[tuple[int, dict[str, Any]]]:
    own = [slugs[region_id] for region_id in monitor.regions]
    match rng.choice(("pause", "interval", "confirmations", "policy", "regions")):
        case "pause":
            return [(at, {"enabled": False}), (until, {"enabled": True})]
        case "interval":
            return [(at, {"interval": rng.choice((60, 120, 300, 600))})]
        case "regions" if len(own) > 1 and not monitor.target.lies:
            return [(at, {"regions": own[1:]}), (until, {"regions": own})]
        case "policy" if not monitor.target.lies:
            return [(at, {"region_policy": rng.choice(("any", "majority", "all"))})]
        case _:
            return [(at, {"confirmations": rng.choice((1, 2, 3))})]


def _make_lie(rng: Random, monitor: PlannedMonitor, liar: int, *, start: int, end: int) -> None:
    """Let one region of three or more lie where no single region decides. The others then all see the same: that one
    of them alone is cut off and another lies is more than a majority of three can tell apart.
    """
    if liar not in monitor.regions or len(monitor.regions) < 3 or monitor.required < 2:
        return
    target = monitor.target
    shared = target.views[next(r for r in monitor.regions if r != liar)]
    for region_id in monitor.regions:
        target.views[region_id] = shared
    lies, at = [], start
    while at < end:
        at += int(rng.expovariate(1 / HOUR))
        until = min(at + int(rng.expovariate(1 / (2 * HOUR))), end)
        if at < until:
            lies.append(Lie(at, until, rng.choice(("down", "up", "opposite", "anything"))))
        at = until
    target.lies[liar] = lies
