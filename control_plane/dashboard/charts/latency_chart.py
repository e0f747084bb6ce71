"""A monitor's latency over a range as geometry for inline SVGs, with the same as a table. Pure.

Coordinates are of WIDE × TALL and stretched to whatever room there is; text is placed by per cent of it, so that it
keeps its size. What was not measured is a gap, and never a line across it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from control_plane.dashboard.charts.charts import PHASES
from control_plane.dashboard.words import milliseconds
from control_plane.services.uptime.read_latency import Chart, Latency, Slice

WIDE, TALL = 1000, 200
PERCENTILES = ("p50", "p95", "p99")
_X_LABELS = 6
_NEAR_EDGE = 0.04
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)  # a Monday
_ROUND = tuple(timedelta(minutes=each) for each in (1, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720)) + tuple(
    timedelta(days=each) for each in (1, 2, 7, 14, 28)
)
_STEPS = (1, 2, 2.5, 5, 10)


class Shade(Struct, frozen=True):
    """A stretch of time that stands out: an incident or maintenance. `text` says which, and when."""

    kind: str
    start: datetime
    end: datetime
    text: str = ""


class Label(Struct, frozen=True):
    """A word beside an axis. `at`: per cent of the way along it, `anchor`: as SVG's text-anchor."""

    at: str
    text: str
    anchor: str = "middle"


class Box(Struct, frozen=True):
    """A stretch of the time axis, over the whole height."""

    kind: str
    x: str
    width: str


class Row(Struct, frozen=True):
    """One slice in words: when, and each value in the order of the table's head."""

    at: str
    iso: str
    values: tuple[str, ...]


class LatencyChart(Struct, frozen=True, kw_only=True):
    """Lines of percentiles above, phases stacked below, on one axis of time. `paths`: class and SVG path."""

    lines: tuple[tuple[str, str], ...]
    phases: tuple[tuple[str, str], ...]
    boxes: tuple[Box, ...]
    y_labels: tuple[Label, ...]
    phase_labels: tuple[Label, ...]
    x_labels: tuple[Label, ...]
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    text: str
    is_empty: bool


def latency_chart(chart: Chart, *, shades: Sequence[Shade] = (), p95: float | None = None) -> LatencyChart:
    """The chart of the first series. `p95`: what is said of the whole range elsewhere, where that is said instead."""
    slices = chart.series[0].slices
    whole = chart.series[0].whole
    whole = whole if p95 is None or not whole.samples else replace(whole, p95=p95)
    measured = [each.latency for each in slices if each.latency.samples]
    top = nice_top(max((each.p99 or 0 for each in measured), default=0))
    most = nice_top(max((_sum(each) for each in measured), default=0))
    named = tuple(name for name in PHASES if any(getattr(each, name) for each in measured))
    return LatencyChart(
        lines=tuple((name, _line(chart, slices, name, top)) for name in PERCENTILES) if measured else (),
        phases=_stacked(chart, slices, named, most),
        boxes=(*_gaps(chart, slices), *(box for shade in shades for box in _shaded(chart, shade))),
        y_labels=y_labels(top) if measured else (),
        phase_labels=y_labels(most) if measured else (),
        x_labels=x_labels(chart.start, chart.end),
        heads=("Samples", *PERCENTILES, *named),
        rows=tuple(_row(chart, each, named) for each in slices),
        text=_in_words(whole, shades),
        is_empty=not measured,
    )


def nice_top(most: float) -> float:
    """The end of an axis that reaches so far: 1, 2, 2.5 or 5 times a power of ten; 1 where there is nothing."""
    power = 1.0
    if most <= 0:
        return power
    while power * 10 <= most:
        power *= 10
    while power > most:
        power /= 10
    return next(power * step for step in _STEPS if power * step >= most * (1 - 1e-9))


def y_labels(top: float) -> tuple[Label, ...]:
    """Half and whole of an axis in milliseconds, counted from above."""
    return tuple(Label(f"{100 - 50 * n}%", milliseconds(top * n / 2) or "0", "start") for n in (2, 1))


def x_labels(start: datetime, end: datetime) -> tuple[Label, ...]:
    """Round instants along the axis, in UTC: times of day within two days, days beyond."""
    span = end - start
    step = next((each for each in _ROUND if span / each <= _X_LABELS), _ROUND[-1])
    shape = "%H:%M" if span <= timedelta(days=2) else "%-d %b"
    first = start + (_EPOCH - start) % step
    labels: list[Label] = []
    while first <= end:
        part = (first - start) / span
        anchor = "start" if part < _NEAR_EDGE else "end" if part > 1 - _NEAR_EDGE else "middle"
        labels.append(Label(f"{100 * part:.2f}%", first.strftime(shape), anchor))
        first += step
    return tuple(labels)


def _x(chart: Chart, at: datetime) -> float:
    part = (at - chart.start) / (chart.end - chart.start)
    return WIDE * min(1.0, max(0.0, part))


def _edges(chart: Chart, each: Slice) -> tuple[float, float]:
    return _x(chart, each.start), _x(chart, each.start + timedelta(seconds=chart.slice_s))


def _line(chart: Chart, slices: Sequence[Slice], name: str, top: float) -> str:
    """One stretch of line for each stretch of neighbouring slices that were measured; a dash for a lonely one."""
    drawn: list[str] = []
    for run in _runs(slices):
        points = [(sum(_edges(chart, each)) / 2, TALL * (1 - (getattr(each.latency, name) or 0) / top)) for each in run]
        if len(points) == 1:
            left, right = _edges(chart, run[0])
            drawn.append(f"M{left:.1f} {points[0][1]:.1f}H{right:.1f}")
        else:
            drawn.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points))
    return "".join(drawn)


def _runs(slices: Sequence[Slice]) -> Iterable[list[Slice]]:
    run: list[Slice] = []
    for each in slices:
        if each.latency.samples:
            run.append(each)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _sum(latency: Latency) -> float:
    return sum(getattr(latency, name) or 0 for name in PHASES)


def _stacked(chart: Chart, slices: Sequence[Slice], named: Sequence[str], most: float) -> tuple[tuple[str, str], ...]:
    """Bars of the phases' means, one upon the other."""
    drawn: dict[str, list[str]] = {name: [] for name in named}
    for each in slices:
        left, right = _edges(chart, each)
        base = float(TALL)
        for name in named:
            tall = TALL * (getattr(each.latency, name) or 0) / most
            if tall >= 0.1:
                drawn[name].append(f"M{left:.1f} {base:.1f}H{right:.1f}V{base - tall:.1f}H{left:.1f}z")
            base -= tall
    return tuple((name, "".join(bars)) for name, bars in drawn.items())


def _gaps(chart: Chart, slices: Sequence[Slice]) -> list[Box]:
    """Where nothing was measured."""
    edges = [_edges(chart, each) for each in slices if not each.latency.samples]
    boxes: list[Box] = []
    start = edges[0][0] if edges else 0.0
    for (_, right), (left, _) in pairwise(edges):
        if left > right + 0.01:
            boxes.append(_box("gap", start, right))
            start = left
    return [*boxes, _box("gap", start, edges[-1][1])] if edges else []


def _shaded(chart: Chart, shade: Shade) -> list[Box]:
    if shade.end <= chart.start or shade.start >= chart.end:
        return []
    return [_box(shade.kind, _x(chart, shade.start), _x(chart, shade.end))]


def _box(kind: str, left: float, right: float) -> Box:
    return Box(kind, f"{left:.1f}", f"{max(right - left, 2):.1f}")


def _row(chart: Chart, each: Slice, named: Sequence[str]) -> Row:
    of = each.latency
    values = [milliseconds(getattr(of, name)) or "–" for name in (*PERCENTILES, *named)]
    shape = "%H:%M" if chart.end - chart.start <= timedelta(days=2) else "%-d %b %H:%M"
    said = (str(of.samples), *values) if of.samples else ("0", *("–" for _ in values))
    return Row(each.start.strftime(shape), each.start.isoformat(timespec="seconds"), said)


def _in_words(whole: Latency, shades: Sequence[Shade]) -> str:
    if not whole.samples:
        return "Nothing was measured in this time."
    said = ", ".join(f"{name} {milliseconds(getattr(whole, name))}" for name in PERCENTILES)
    told = " ".join(shade.text for shade in shades if shade.text)
    return f"Over the whole range: {said}, of {whole.samples} results. {told}".strip()
