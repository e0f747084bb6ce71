"""A chart says what was measured, and shows what was not as a gap."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.dashboard.charts.latency_chart import (
    TALL,
    WIDE,
    LatencyChart,
    Shade,
    latency_chart,
    nice_top,
    x_labels,
)
from control_plane.services.uptime.read_latency import Chart, Latency, Series, Slice

START = datetime(2026, 5, 4, 10, tzinfo=UTC)
QUICK = Latency(samples=3, p50=80.0, p95=160.0, p99=240.0, dns=1.0, connect=8.0, ttfb=60.0)


def chart_of(measured: Mapping[int, Latency], *, slices: int = 60, slice_s: int = 60, whole: Latency = QUICK) -> Chart:
    made = [Slice(START + timedelta(seconds=n * slice_s), measured.get(n, Latency())) for n in range(slices)]
    return Chart(START, START + timedelta(seconds=slices * slice_s), slice_s, [Series(None, whole, made)])


def path_of(chart: LatencyChart, name: str) -> str:
    return dict(chart.lines)[name]


def test_nothing_measured_is_one_gap_and_no_line() -> None:
    chart = latency_chart(chart_of({}, whole=Latency()))
    assert chart.is_empty
    assert chart.lines == ()
    assert [(box.kind, box.x, box.width) for box in chart.boxes] == [("gap", "0.0", "1000.0")]
    assert chart.text == "Nothing was measured in this time."
    assert {row.values for row in chart.rows} == {("0", "–", "–", "–")}


def test_a_lonely_slice_is_a_dash_as_wide_as_the_slice() -> None:
    chart = latency_chart(chart_of({30: QUICK}))
    assert re.fullmatch(r"M500\.0 [\d.]+H516\.7", path_of(chart, "p50"))


def test_a_line_is_never_drawn_across_a_gap() -> None:
    chart = latency_chart(chart_of({n: QUICK for n in range(60) if n not in (20, 21)}))
    assert path_of(chart, "p95").count("M") == 2
    assert [(box.kind, box.x) for box in chart.boxes] == [("gap", "333.3")]


def test_gaps_that_do_not_touch_are_shown_apart() -> None:
    chart = latency_chart(chart_of({n: QUICK for n in range(60) if n not in (0, 1, 40)}))
    assert [(box.x, box.width) for box in chart.boxes] == [("0.0", "33.3"), ("666.7", "16.7")]


def test_the_axis_reaches_the_highest_value_and_every_point_lies_on_it() -> None:
    huge = Latency(samples=1, p50=1.0, p95=59_000.0, p99=60_000.0, ttfb=59_000.0)
    chart = latency_chart(chart_of({n: huge if n == 5 else QUICK for n in range(60)}))
    assert [label.text for label in chart.y_labels] == ["100.00 s", "50.00 s"]
    for _, path in chart.lines:
        for x, y in re.findall(r"([\d.]+) ([\d.]+)", path):
            assert 0 <= float(x) <= WIDE
            assert 0 <= float(y) <= TALL


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (0.3, 0.5), (1, 1), (1.2, 2), (2.1, 2.5), (240, 250), (251, 500), (9999, 10_000)]
)
def test_an_axis_ends_at_a_round_number(most: float, top: float) -> None:
    assert nice_top(most) == pytest.approx(top)


def test_phases_are_stacked_from_the_ground_and_only_those_that_happened() -> None:
    chart = latency_chart(chart_of({0: QUICK}))
    assert [name for name, _ in chart.phases] == ["dns", "connect", "ttfb"]
    assert dict(chart.phases)["dns"].startswith(f"M0.0 {TALL:.1f}")
    assert chart.heads == ("Samples", "p50", "p95", "p99", "dns", "connect", "ttfb")


def test_an_incident_is_shaded_within_the_range_and_said_in_words() -> None:
    shades = [
        Shade("incident", START - timedelta(hours=1), START + timedelta(minutes=6), "Incident 7: all morning."),
        Shade("maintenance", START + timedelta(days=1), START + timedelta(days=2), ""),
    ]
    chart = latency_chart(chart_of(dict.fromkeys(range(60), QUICK)), shades=shades)
    assert [(box.kind, box.x, box.width) for box in chart.boxes] == [("incident", "0.0", "100.0")]
    assert "Incident 7: all morning." in chart.text


def test_a_shade_of_no_length_can_still_be_seen() -> None:
    at = START + timedelta(minutes=30)
    chart = latency_chart(chart_of(dict.fromkeys(range(60), QUICK)), shades=[Shade("incident", at, at)])
    assert [box.width for box in chart.boxes] == ["2.0"]


def test_the_table_says_each_slice_with_its_values() -> None:
    chart = latency_chart(chart_of({0: QUICK}))
    assert (chart.rows[0].at, chart.rows[0].values) == (
        "10:00",
        ("3", "80 ms", "160 ms", "240 ms", "1.0 ms", "8.0 ms", "60 ms"),
    )
    assert len(chart.rows) == 60


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        (1, ["10:00", "10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]),
        (24, ["12:00", "16:00", "20:00", "00:00", "04:00", "08:00"]),
        (24 * 7, ["6 May", "8 May", "10 May"]),
    ],
)
def test_the_axis_of_time_names_round_instants(hours: int, labels: list[str]) -> None:
    assert [label.text for label in x_labels(START, START + timedelta(hours=hours))] == labels
