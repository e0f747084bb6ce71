"""What goes wrong besides the targets: each seed has a random part of all faults, each at a random strength.

Faults of a time (partitions, crashes, …) are planned beforehand as spans; those of a moment (a lost packet, an aborted
transaction) are drawn when it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from msgspec import Struct

from tests.simulation.truth import HOUR, MINUTE, SECOND

SWARM = (
    *("loss", "duplicates", "delays", "lost_answers", "aborts", "unknown_commits", "partitions", "agent_crashes"),
    *("agent_stalls", "unwell_agents", "wrong_clocks", "plane_crashes", "plane_stalls", "plane_clocks", "lost_hints"),
    *("small_batches", "silences"),
)
"""Each is on in about half of the seeds."""

MAX_SKEW_MS = 10 * MINUTE


class Network(Struct, frozen=True, kw_only=True):
    """Shares of messages that something happens to. Delays: of those that are delayed, up to this many ms."""

    loss: float = 0.0
    duplicates: float = 0.0
    delays: float = 0.0
    longest_delay: int = 0
    lost_answers: float = 0.0
    lost_hints: float = 0.0


class Span(Struct, frozen=True):
    """[start, end) in Unix ms; `who` is the number of a region, agent or control plane; `size`: a skew in ms."""

    start: int
    end: int
    who: int
    size: int = 0


class Faults(Struct, frozen=True, kw_only=True):
    """One seed's selection."""

    names: tuple[str, ...]
    network: Network
    aborts: float
    unknown_commits: float
    batch_limit: int
    partitions: tuple[Span, ...]
    agent_crashes: tuple[Span, ...]
    agent_stalls: tuple[Span, ...]
    unwell_agents: tuple[Span, ...]
    wrong_clocks: tuple[Span, ...]
    plane_crashes: tuple[Span, ...]
    plane_stalls: tuple[Span, ...]
    plane_clocks: tuple[Span, ...]


def draw_faults(
    rng: Random, *, calm: bool, regions: int, agents: int, planes: int, start: int, end: int, sights: Sequence[Span]
) -> Faults:
    """The faults between two instants; on a calm day there are none.

    `sights`: when regions see a target down. Some silences fall into those: what is remembered of them matters most.
    """
    names = tuple(name for name in SWARM if rng.random() < 0.5 and not calm)

    def share(name: str, most: float) -> float:
        return rng.uniform(0, most) ** 2 / most if name in names else 0.0

    def spans(name: str, who: int, *, a_day: float, shortest: int, longest: int, skew: int = 0) -> tuple[Span, ...]:
        count = rng.randint(1, max(1, round(a_day * (end - start) / (24 * HOUR)))) if name in names else 0
        return _spans(rng, count, who=who, start=start, end=end, shortest=shortest, longest=longest, skew=skew)

    silent = spans("silences", regions, a_day=6, shortest=15 * MINUTE, longest=3 * HOUR)
    if silent and sights:
        silent = tuple(_hidden(rng, span, rng.choice(sights), end) if rng.random() < 0.7 else span for span in silent)
    return Faults(
        names=names,
        network=Network(
            loss=share("loss", 0.2),
            duplicates=share("duplicates", 0.2),
            delays=share("delays", 0.2),
            longest_delay=rng.choice((2 * SECOND, 10 * SECOND, 60 * SECOND)),
            lost_answers=share("lost_answers", 0.2),
            lost_hints=share("lost_hints", 0.5),
        ),
        aborts=share("aborts", 0.1),
        unknown_commits=share("unknown_commits", 0.1),
        batch_limit=rng.choice((1, 3, 20, 500)) if "small_batches" in names else 10_000,
        partitions=silent + spans("partitions", regions, a_day=20, shortest=2 * SECOND, longest=20 * MINUTE),
        agent_crashes=spans("agent_crashes", agents, a_day=20, shortest=SECOND, longest=30 * MINUTE),
        agent_stalls=spans("agent_stalls", agents, a_day=20, shortest=SECOND, longest=10 * MINUTE),
        unwell_agents=spans("unwell_agents", agents, a_day=20, shortest=20 * SECOND, longest=30 * MINUTE),
        wrong_clocks=spans("wrong_clocks", agents, a_day=10, shortest=MINUTE, longest=2 * HOUR, skew=MAX_SKEW_MS),
        plane_crashes=spans("plane_crashes", planes, a_day=20, shortest=SECOND, longest=5 * MINUTE),
        plane_stalls=spans("plane_stalls", planes, a_day=20, shortest=SECOND, longest=2 * MINUTE),
        plane_clocks=spans(
            "plane_clocks", planes, a_day=10, shortest=5 * SECOND, longest=33 * SECOND, skew=MAX_SKEW_MS
        ),
    )


def _hidden(rng: Random, span: Span, sight: Span, end: int) -> Span:
    """The silence, moved to a region that sees a target down at its beginning."""
    began = rng.randrange(sight.start, sight.end)
    return Span(began, min(began + span.end - span.start, end), sight.who)


def _spans(
    rng: Random, count: int, *, who: int, start: int, end: int, shortest: int, longest: int, skew: int
) -> tuple[Span, ...]:
    """At most one at a time for each; lengths are spread evenly over the orders of magnitude."""
    taken: dict[int, list[tuple[int, int]]] = {}
    spans = []
    for _ in range(count):
        one = rng.randrange(who)
        began = rng.randrange(start, end)
        length = int(shortest * (longest / shortest) ** rng.random())
        ended = min(began + length, end)
        size = rng.choice((-1, 1)) * int(skew * rng.random() ** 2)
        if all(ended < a or b < began for a, b in taken.get(one, ())):
            taken.setdefault(one, []).append((began, ended))
            spans.append(Span(began, ended, one, size))
    return tuple(sorted(spans, key=lambda span: (span.start, span.who)))
