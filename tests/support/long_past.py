"""A monitor's past made of transitions and periods, written straight into the tables. Whole seconds throughout."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from control_plane.store.pool import Connection

Transition = tuple[datetime, str]
Period = tuple[str, datetime, datetime | None]


async def write_past(
    conn: Connection,
    tenant_id: UUID,
    monitor_id: UUID,
    *,
    created_at: datetime,
    transitions: Sequence[Transition] = (),
    periods: Sequence[Period] = (),
) -> None:
    await conn.execute("UPDATE monitors SET created_at = $2 WHERE id = $1", monitor_id, created_at)
    await conn.execute("DELETE FROM transitions WHERE monitor_id = $1", monitor_id)
    await conn.execute("DELETE FROM monitor_periods WHERE monitor_id = $1", monitor_id)
    rows: list[tuple[Any, ...]] = []
    previous = "unknown"
    for number, (at, verdict) in enumerate(transitions, start=1):
        rows.append((tenant_id, monitor_id, at, number, previous, verdict))
        previous = verdict
    await conn.executemany("INSERT INTO transitions VALUES ($1, $2, $3, $4, $5, $6, 'told')", rows)
    await conn.executemany(
        "INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at) VALUES ($1, $2, $3, $4, $5)",
        [(tenant_id, monitor_id, *period) for period in periods],
    )


def an_eventful_time(start: datetime, end: datetime, *, seed: int = 7) -> tuple[list[Transition], list[Period]]:
    """Long quiet stretches, flapping by the second, coverage lost, and maintenance and pauses that overlap."""
    chance = random.Random(seed)
    transitions: list[Transition] = []
    at, verdict = start, "unknown"
    while at < end:
        at += timedelta(seconds=chance.choice((1, 2, 30, 600, 7200, 86_400)) * chance.randint(1, 3))
        verdict = chance.choice([other for other in ("up", "up", "degraded", "down", "unknown") if other != verdict])
        transitions.append((at, verdict))
    length = int((end - start).total_seconds())
    periods: list[Period] = []
    for kind in ("maintenance", "maintenance", "maintenance", "paused", "paused"):
        since = start + timedelta(seconds=chance.randrange(length))
        periods.append((kind, since, since + timedelta(seconds=chance.randint(1, 200_000))))
    same = start + timedelta(seconds=length // 2)
    periods += [
        ("maintenance", same, same + timedelta(hours=5)),
        ("paused", same + timedelta(hours=1), same + timedelta(hours=9)),
    ]
    return sorted(transitions), periods


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)
