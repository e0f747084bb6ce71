"""Telling Prometheus what the installation as a whole is like. Every process says the same, as of its last look."""

from __future__ import annotations

from control_plane.metrics import (
    AGENTS,
    DATABASE_BYTES,
    DELIVERIES_PENDING,
    DELIVERY_OVERDUE_SECONDS,
    INCIDENTS_OPEN,
    MONITORS,
    PARTITIONS_AHEAD,
    REGION_LAG_SECONDS,
    REGION_SATURATION,
    REGION_SPOOLED,
    ROLLUP_LAG_SECONDS,
)
from control_plane.store import installation_measures, partitions
from control_plane.store.pool import Connection, Database
from shared.clock import from_unix_ms

AGENT_STATES = ("ok", "unhealthy", "offline", "never_seen", "disabled")
VERDICTS = ("up", "degraded", "down", "unknown")


async def measure_installation(database: Database) -> None:
    """Look once. A few milliseconds of the database's time, and a scan of monitor_states."""
    async with database.app() as conn:
        now_ms = await _counts(conn)
        await _regions(conn)
        verdicts = await installation_measures.verdicts(conn)
        agents = await installation_measures.agents_by_state(conn)
        walks = await installation_measures.walks(conn)
        days = [partitions.partition_day(name) for name in await partitions.partitions(conn)]
    for verdict in VERDICTS:
        MONITORS.labels(verdict).set(verdicts.get(verdict, 0))
    for state in AGENT_STATES:
        AGENTS.labels(state).set(agents.get(state, 0))
    for name, done_until in walks.items():
        ROLLUP_LAG_SECONDS.labels(name).set(max(0, now_ms - done_until) / 1000)
    today = from_unix_ms(now_ms).date()
    PARTITIONS_AHEAD.set(sum(day is not None and day > today for day in days))


async def _counts(conn: Connection) -> int:
    found = await installation_measures.measures(conn)
    DELIVERIES_PENDING.set(found.pending)
    DELIVERY_OVERDUE_SECONDS.set(found.overdue_s)
    INCIDENTS_OPEN.set(found.incidents)
    DATABASE_BYTES.set(found.bytes)
    return found.now_ms


async def _regions(conn: Connection) -> None:
    """Those without a live agent have no such series: REGION_LIVE_AGENTS says so of them."""
    loads = await installation_measures.region_loads(conn)
    for gauge in (REGION_SATURATION, REGION_LAG_SECONDS, REGION_SPOOLED):
        gauge.clear()
    for load in loads:
        REGION_SATURATION.labels(load.slug).set(load.saturation)
        REGION_LAG_SECONDS.labels(load.slug).set(load.lag_ms / 1000)
        REGION_SPOOLED.labels(load.slug).set(load.spooled)
