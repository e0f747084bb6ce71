"""The chart of a shared monitor: gaps stay gaps, and the scale holds the largest value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.public_site.language import language
from control_plane.public_site.share_chart import HEIGHT, milliseconds, share_chart
from control_plane.services.pages.shared_view import SharedLatency, SharedSlice

AT = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)


def latency(*values: float | None) -> SharedLatency:
    buckets = [
        SharedSlice(t=AT + timedelta(hours=n), p50=value, p95=None if value is None else value * 2, samples=1)
        for n, value in enumerate(values)
    ]
    known = [value for value in values if value is not None]
    whole = max(known, default=None)
    return SharedLatency(p50=whole, p95=whole and whole * 2, bucket_seconds=3600, buckets=buckets)


def test_nothing_measured_is_no_chart() -> None:
    assert share_chart(latency(None, None), language("en")) is None


def test_a_gap_breaks_the_line() -> None:
    chart = share_chart(latency(100, 120, None, None, 90, 80), language("en"))
    assert chart is not None
    assert (chart.line.count("M"), chart.area.count("z")) == (2, 2)
    assert chart.across == ["300 ms", "200 ms", "100 ms", "0 ms"]


def test_one_measurement_alone_is_seen() -> None:
    chart = share_chart(latency(None, 50, None), language("en"))
    assert chart is not None
    assert "L" in chart.line


@pytest.mark.parametrize("value", [0.001, 0.5, 7, 99, 101, 2600, 60_000])
def test_the_scale_holds_what_is_drawn(value: float) -> None:
    chart = share_chart(latency(value, value), language("en"))
    assert chart is not None
    heights = [float(point.split()[1]) for point in chart.area.strip("Mz").split("L")]
    assert all(0 <= height <= HEIGHT for height in heights)
    assert min(heights) < HEIGHT * 0.7


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 ms"), (8.44, "8.4 ms"), (240, "240 ms"), (1250, "1.25 s"), (2000, "2 s")]
)
def test_times_are_said_shortly(value: float, text: str) -> None:
    assert milliseconds(value) == text
