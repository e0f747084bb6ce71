"""Small charts as geometry: pure functions from results to what an inline SVG draws, with the same in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from msgspec import Struct

from control_plane.dashboard.words import milliseconds
from control_plane.store.overview_read import RecentResult
from shared.results import OUTCOMES, Outcome

STRIP_BARS = 30

_STEP, _BAR, _HEIGHT = 5, 3, 20
_TALL: Mapping[str, int] = {"up": 10, "degraded": 15, "down": 20, "error": 5}
"""Height tells the outcome, too: what is wrong stands out."""

PHASES = ("dns", "connect", "tls", "ttfb", "download")
SCALE = 1000.0
"""Width of a phase chart's coordinates."""


class Strip(Struct, frozen=True):
    """Bars of the newest results, oldest first: one SVG path per outcome. `text` says the same."""

    width: int
    height: int
    paths: tuple[tuple[str, str], ...]
    text: str


class Phase(Struct, frozen=True):
    """One bar of a phase chart, in coordinates of SCALE."""

    name: str
    x: str
    width: str


class Phases(Struct, frozen=True):
    """How the time of one result was spent. `text` says the same."""

    bars: tuple[Phase, ...]
    text: str


def strip(results: Sequence[RecentResult]) -> Strip:
    """The last STRIP_BARS results, the newest at the right end."""
    return _drawn(results) if results else NO_RESULTS


def _drawn(results: Sequence[RecentResult]) -> Strip:
    shown = results[-STRIP_BARS:]
    first = STRIP_BARS - len(shown)
    drawn: dict[str, list[str]] = {}
    if first:
        drawn["none"] = [_bar(place, 2) for place in range(first)]
    for place, result in enumerate(shown, start=first):
        outcome = OUTCOMES[result.outcome].value
        drawn.setdefault(outcome, []).append(_bar(place, _TALL[outcome]))
    paths = tuple((name, "".join(bars)) for name, bars in sorted(drawn.items()))
    return Strip(STRIP_BARS * _STEP - (_STEP - _BAR), _HEIGHT, paths, _in_words(shown))


def _bar(place: int, tall: int) -> str:
    return f"M{place * _STEP} {_HEIGHT - tall}h{_BAR}v{tall}h-{_BAR}z"


def _in_words(shown: Sequence[RecentResult]) -> str:
    if not shown:
        return "No results yet"
    tally = Counter(OUTCOMES[result.outcome].value for result in shown)
    parts = ", ".join(f"{tally[outcome.value]} {outcome.value}" for outcome in Outcome if tally[outcome.value])
    return f"Last {len(shown)} results: {parts}"


NO_RESULTS = _drawn(())


def median_latency(results: Sequence[RecentResult]) -> str | None:
    """The median total of the results that got an answer, in words."""
    answered = (OUTCOMES.index(Outcome.UP), OUTCOMES.index(Outcome.DEGRADED))
    totals = [r.total_us for r in results if r.outcome in answered and r.total_us is not None]
    return milliseconds(median(totals) / 1000) if totals else None


def legend(results: Iterable[Phases], words: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The phases that are drawn, in their order, with their words; a kind without some names none of them."""
    drawn = {bar.name for result in results for bar in result.bars}
    return tuple((name, words.get(name, name)) for name in PHASES if name in drawn)


def phases(timings: Mapping[str, int | None], *, longest_us: int) -> Phases:
    """The phases in microseconds one after another, on a scale where `longest_us` is the whole width."""
    bars, said, x = [], [], 0.0
    for name in PHASES:
        taken = timings.get(name)
        if taken is None:
            continue
        width = SCALE * taken / max(longest_us, 1)
        if width >= 0.5:
            bars.append(Phase(name, f"{x:.1f}", f"{width:.1f}"))
        x += width
        said.append(f"{name} {milliseconds(taken / 1000)}")
    return Phases(tuple(bars), ", ".join(said) or "no phase ended")
