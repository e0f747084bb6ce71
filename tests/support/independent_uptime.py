"""Uptime told a second time, the slow way: every second is looked up by itself. It shares nothing with what is tested.

As a script it reads the rows of one monitor from a database and prints seconds by state:

    python -m tests.support.independent_uptime DSN MONITOR_ID FROM TO
"""

from __future__ import annotations

import asyncio
import bisect
import json
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

SECOND = timedelta(seconds=1)


def by_the_second(
    transitions: list[tuple[datetime, str]],
    periods: list[tuple[str, datetime, datetime | None]],
    *,
    created_at: datetime,
    start: datetime,
    end: datetime,
) -> dict[str, int]:
    """Seconds of each state in [start, end). All instants are whole seconds; `transitions` in order."""
    times = [at for at, _ in transitions]
    counted: Counter[str] = Counter()
    second = max(start, created_at)
    while second < end:
        covering = {kind for kind, since, until in periods if since <= second and (until is None or second < until)}
        before = bisect.bisect_right(times, second)
        if "paused" in covering:
            state = "paused"
        elif "maintenance" in covering:
            state = "maintenance"
        else:
            state = transitions[before - 1][1] if before else "unknown"
        counted[state] += 1
        second += SECOND
    return dict(counted)


def percentage(counted: dict[str, int]) -> float | None:
    """Thousandths of a per cent, cut off."""
    good = counted.get("up", 0) + counted.get("degraded", 0)
    known = good + counted.get("down", 0)
    return int(good * 100_000 // known) / 1000 if known else None


def local_days(zone: str, *, start: datetime, end: datetime) -> dict[date, int]:
    """How many minutes of [start, end) the clocks of the zone showed each date, read off the clock minute by minute."""
    counted: Counter[date] = Counter()
    clock = ZoneInfo(zone)
    minute = start
    while minute < end:
        counted[minute.astimezone(clock).date()] += 1
        minute += timedelta(minutes=1)
    return dict(counted)


async def read_rows(connection: Any, monitor_id: str) -> dict[str, Any]:
    """Everything that uptime may rest on, as the tables have it."""
    created = await connection.fetchval("SELECT created_at FROM monitors WHERE id = $1", monitor_id)
    changes = await connection.fetch(
        "SELECT at, verdict FROM transitions WHERE monitor_id = $1 ORDER BY at, number", monitor_id
    )
    periods = await connection.fetch(
        "SELECT kind, starts_at, ends_at FROM monitor_periods WHERE monitor_id = $1", monitor_id
    )
    return {
        "created_at": created,
        "transitions": [tuple(row) for row in changes],
        "periods": [tuple(row) for row in periods],
    }


async def main(dsn: str, monitor_id: str, start: str, end: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await read_rows(connection, monitor_id)
    finally:
        await connection.close()
    bounds = [datetime.fromisoformat(text).astimezone(UTC) for text in (start, end)]
    counted = by_the_second(**rows, start=bounds[0], end=bounds[1])
    print(json.dumps({"seconds": counted, "uptime_pct": percentage(counted)}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
