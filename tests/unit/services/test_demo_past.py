"""The demo's invented past says one thing, however closely one looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from control_plane.domain.uptime.latency_histogram import from_bytes, merge, ordered, to_bytes
from control_plane.domain.uptime.time_slices import FINE_MS, HOUR_MS
from control_plane.services.demo.pace import PACES
from control_plane.services.demo.samples import Pair, Samples, hours_of
from control_plane.services.demo.timeline import SOLE, Stretch, composite, composite_incidents, up
from shared.clock import to_unix_ms

NOW = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)


def test_an_hour_is_what_its_five_minutes_come_to() -> None:
    key = next(iter(PACES))
    pair = Pair(key, "frankfurt", 60_000, NOW - timedelta(days=30), ())
    began = to_unix_ms(NOW - timedelta(hours=3))
    fine = list(Samples(pair, now=NOW).slices(began, to_unix_ms(NOW), width_ms=FINE_MS))
    hours = list(hours_of(fine))
    assert [hour.starts for hour in hours] == list(range(began, to_unix_ms(NOW), HOUR_MS))
    assert sum(hour.samples for hour in hours) == sum(row.samples for row in fine) == 180
    assert sum(hour.total_us for hour in hours) == sum(row.total_us for row in fine)
    assert [hour.histogram for hour in hours] == [
        to_bytes(merge(from_bytes(row.histogram) for row in fine if row.starts // HOUR_MS * HOUR_MS == hour.starts))
        for hour in hours
    ]
    assert all(len(ordered(hour.histogram)) == hour.samples for hour in hours)


def test_a_heartbeat_has_no_regions_to_be_up_from() -> None:
    assert {up(key) for key in SOLE} == {"Up: pinged in time"}
    assert up("website") == "Up from all regions"


def test_a_composite_is_up_again_by_its_members() -> None:
    began = NOW - timedelta(days=1)
    ill = [Stretch(began, "up", ""), Stretch(NOW - timedelta(hours=2), "down", ""), Stretch(NOW, "up", "")]
    told = composite({"A": ill, "B": [Stretch(began, "up", "")]}, at_least=2)
    (incident,) = composite_incidents("journey", told, (), now=NOW)
    assert (incident.cause, incident.ended) == ("Down: 1 of 2 up, 2 needed; down: A", "Up: 2 of 2 up, 2 needed")
