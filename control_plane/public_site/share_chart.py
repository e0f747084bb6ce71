"""The latency of a shared monitor as geometry for an inline SVG. Pure; the template says the same in a hidden table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from control_plane.public_site.language import Language
from control_plane.services.pages.shared_view import SharedLatency, SharedSlice

WIDTH, HEIGHT = 640, 160
"""Of the drawing, which is stretched to the room that it has; words stand beside it and keep their size."""

_STEPS = (1, 2, 2.5, 5, 10)


class ShareChart(Struct, frozen=True):
    """`area` reaches up to p95, `line` is p50; both are SVG paths with gaps where nothing was measured.

    `across` are the words of the lines across, from the top, `grid` their path; `below` those of each quarter.
    """

    width: int
    height: int
    line: str
    area: str
    grid: str
    across: Sequence[str]
    below: Sequence[str]
    text: str


def share_chart(latency: SharedLatency, words: Language) -> ShareChart | None:
    """The chart; None where nothing was measured."""
    buckets = latency.buckets
    if latency.p50 is None or latency.p95 is None:
        return None
    step = _step(max((each.p95 or 0) for each in buckets))
    top = step * 3
    runs = [
        [n for n, _ in run]
        for measured, run in groupby(enumerate(buckets), key=lambda each: each[1].p50 is not None)
        if measured
    ]
    return ShareChart(
        width=WIDTH,
        height=HEIGHT,
        line="".join(_line(run, [buckets[n].p50 or 0 for n in run], len(buckets), top) for run in runs),
        area="".join(_area(run, buckets, top) for run in runs),
        grid="".join(f"M0 {_y(step * n, top)}H{WIDTH}" for n in range(4)),
        across=[milliseconds(step * n) for n in (3, 2, 1, 0)],
        below=_hours(buckets),
        text=words.say("share_chart", half=milliseconds(latency.p50), most=milliseconds(latency.p95)),
    )


def milliseconds(value: float) -> str:
    """ "0 ms", "8.4 ms", "240 ms", "1.25 s"."""
    if value >= 999.5:
        return f"{value / 1000:.2f} s".replace(".00 s", " s")
    return f"{value:.1f} ms".replace(".0 ms", " ms") if value < 9.95 else f"{value:.0f} ms"


def _step(largest: float) -> float:
    """A third of the scale: a round number, so that three of them hold the largest value."""
    least, size = max(largest, 0.003) / 3, 0.001
    while size * 10 < least:
        size *= 10
    return next(size * each for each in _STEPS if size * each >= least)


def _line(run: Sequence[int], values: Sequence[float], count: int, top: float) -> str:
    points = [f"{_x(n, count)} {_y(value, top)}" for n, value in zip(run, values, strict=True)]
    if len(points) == 1:
        points.append(f"{_x(run[0] + 0.5, count)} {_y(values[0], top)}")
    return "M" + "L".join(points)


def _area(run: Sequence[int], buckets: Sequence[SharedSlice], top: float) -> str:
    count = len(buckets)
    upper = _line(run, [buckets[n].p95 or 0 for n in run], count, top)
    last = run[-1] if len(run) > 1 else run[0] + 0.5
    return f"{upper}L{_x(last, count)} {_y(0, top)}L{_x(run[0], count)} {_y(0, top)}z"


def _hours(buckets: Sequence[SharedSlice]) -> list[str]:
    """When each quarter of the chart begins."""
    return [f"{buckets[len(buckets) * n // 4].t:%H:%M}" for n in range(4)]


def _x(n: float, count: int) -> str:
    return f"{WIDTH * n / max(count - 1, 1):.1f}"


def _y(value: float, top: float) -> str:
    return f"{HEIGHT * (1 - min(value / top, 1)):.1f}"
