"""Which statements the world and its oracle follow, and what rows each of them stands for, whatever store runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from control_plane.store import assignments_write, decisions, deliveries, maintenance_advance, monitors
from shared.clock import to_unix_ms

Write = tuple[str, Any]
"""(statement, rows)."""

_OWED = (
    *("tenant_id", "id", "number", "channel_id", "channel_name", "channel_kind", "incident_id", "monitor_id"),
    *("event", "notice", "ordinal", "body", "due_at", "withheld", "rule"),
)


UPDATED = (
    *("tenant_id", "id", "key", "name", "check", "sealed", "check_version", "first_slot", "interval_s", "regions"),
    *("confirmations", "region_policy", "region_policy_count", "tags", "group", "severity", "alert_on"),
    *("notify_recovery", "renotify_interval_s", "max_repeats", "owner", "notes", "enabled", "write_source"),
    *("backoff_when_down", "sla_target", "sla_period_days", "quiet_hours"),
)
"""The parameters of `monitors.UPDATE_MONITOR`."""


def owed_rows(columns: tuple[Any, ...]) -> list[dict[str, Any]]:
    """What `deliveries.OWE` writes, by column name."""
    return [dict(zip(_OWED, values, strict=True)) for values in zip(*columns, strict=True)]


_ROWS: dict[str, Callable[..., Any]] = {
    deliveries.OWE: lambda *columns: owed_rows(columns),
    decisions.TELL_OF_DISPATCHES: list,
    decisions.TELL_JUDGES: list,
    decisions.SET_CADENCE: lambda _tenant, *row: [row],
    decisions.SET_WINDOW: lambda _tenant, *row: [row],
    assignments_write.NOTIFY_REGIONS: list,
    monitors.UPDATE_MONITOR: lambda *values: dict(zip(UPDATED, values, strict=True)),
    maintenance_advance.COVER: lambda _tenant, _window, ends_at, _title, monitor_ids, starts: [
        (monitor_ids, to_unix_ms(starts[0]), to_unix_ms(ends_at))
    ],
}


def observe(writes: list[Write], text: str, args: tuple[Any, ...]) -> None:
    """Note a statement that is followed."""
    rows = _ROWS.get(text)
    if rows is not None:
        writes.append((text, rows(*args)))
