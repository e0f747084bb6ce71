"""What uptime is computed from: changes of verdict, and periods that do not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime.availability import Change, Period
from control_plane.store.pool import Connection
from shared.clock import to_unix_ms


class UptimeMonitor(Struct, frozen=True):
    """What is asked of a monitor beside its history. `sla_target` in per cent, null without one."""

    id: UUID
    number: int
    name: str
    kind: str
    group: str | None
    created_at: datetime
    sla_target: float | None
    sla_period_days: int | None


UPTIME_MONITORS = """
SELECT id, number, name, kind, "group", created_at, sla_target, sla_period_days
FROM monitors WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
ORDER BY number
"""


async def uptime_monitors(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> list[UptimeMonitor]:
    """Those of these monitors that the tenant has, by number."""
    return [UptimeMonitor(*row) for row in await conn.fetch(UPTIME_MONITORS, tenant_id, list(monitor_ids))]


UPTIME_MONITORS_AFTER = """
SELECT id, number, name, kind, "group", created_at, sla_target, sla_period_days
FROM monitors WHERE tenant_id = $1 AND number > $2 AND created_at < $3
ORDER BY number LIMIT $4
"""


async def uptime_monitors_after(
    conn: Connection, *, tenant_id: UUID, after: int, created_before: datetime, limit: int
) -> list[UptimeMonitor]:
    """The tenant's next monitors by number, of those that there were before this instant."""
    rows = await conn.fetch(UPTIME_MONITORS_AFTER, tenant_id, after, created_before, limit)
    return [UptimeMonitor(*row) for row in rows]


# The last change at or before the range tells what held when it began.
CHANGES_IN_RANGE = """
SELECT asked.id, array_agg(floor(extract(epoch FROM t.at) * 1000)::bigint ORDER BY t.at, t.number),
    array_agg(t.verdict ORDER BY t.at, t.number)
FROM unnest($2::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    (SELECT at, number, verdict FROM transitions
     WHERE tenant_id = $1 AND monitor_id = asked.id AND at <= $3 ORDER BY at DESC, number DESC LIMIT 1)
    UNION ALL
    (SELECT at, number, verdict FROM transitions
     WHERE tenant_id = $1 AND monitor_id = asked.id AND at > $3 AND at < $4)
) t
GROUP BY asked.id
"""


async def changes_in_range(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], start: datetime, end: datetime
) -> dict[UUID, list[Change]]:
    """The changes of verdict in [start, end) with the last one before, in order, of each monitor that has any."""
    rows = await conn.fetch(CHANGES_IN_RANGE, tenant_id, list(monitor_ids), start, end)
    return {monitor_id: list(map(Change, at_ms, verdicts)) for monitor_id, at_ms, verdicts in rows}


TRANSITIONS = """
SELECT at, number, previous, verdict, reason FROM transitions
WHERE tenant_id = $1 AND monitor_id = $2 AND at >= $3 AND at < $4
ORDER BY at DESC, number DESC LIMIT $5 OFFSET $6
"""
TRANSITIONS_BEFORE = """
SELECT at, number, previous, verdict, reason FROM transitions
WHERE tenant_id = $1 AND monitor_id = $2 AND at >= $3 AND (at, number) < ($4, $5)
ORDER BY at DESC, number DESC LIMIT $6
"""
COUNT_TRANSITIONS = """
SELECT count(*) FROM transitions WHERE tenant_id = $1 AND monitor_id = $2 AND at >= $3 AND at < $4
"""


class TransitionRow(Struct, frozen=True):
    """A change of verdict; `number` is the tenant's event number."""

    at: datetime
    number: int
    previous: str
    verdict: str
    reason: str


async def list_transitions(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, start: datetime, end: datetime, limit: int, offset: int
) -> tuple[list[TransitionRow], int]:
    """The monitor's changes of verdict in [start, end), newest first, and how many there are."""
    records = await conn.fetch(TRANSITIONS, tenant_id, monitor_id, start, end, limit, offset)
    total: int = await conn.fetchval(COUNT_TRANSITIONS, tenant_id, monitor_id, start, end)
    return [TransitionRow(**dict(record)) for record in records], total


async def transitions_before(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, start: datetime, end: datetime, number: int, limit: int
) -> list[TransitionRow]:
    """The monitor's changes of verdict since `start`, newest first, before the one of that instant and number."""
    records = await conn.fetch(TRANSITIONS_BEFORE, tenant_id, monitor_id, start, end, number, limit)
    return [TransitionRow(**dict(record)) for record in records]


PERIODS_IN_RANGE = """
SELECT monitor_id, kind, starts_at, ends_at FROM monitor_periods
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND starts_at < $4 AND (ends_at IS NULL OR ends_at > $3)
"""


async def periods_in_range(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], start: datetime, end: datetime
) -> dict[UUID, list[Period]]:
    """The periods that touch [start, end), of each monitor that has any."""
    found: dict[UUID, list[Period]] = {}
    for monitor_id, kind, since, until in await conn.fetch(PERIODS_IN_RANGE, tenant_id, list(monitor_ids), start, end):
        period = Period(kind, to_unix_ms(since), None if until is None else to_unix_ms(until))
        found.setdefault(monitor_id, []).append(period)
    return found


# What counts as repaired, and from when, is as in incident_stats.TALLY_INCIDENTS.
INCIDENTS_OPENED = """
SELECT monitor_id, count(*) AS opened, count(*) FILTER (WHERE resolution IN ('recovered', 'person')) AS repaired,
    (1000 * extract(epoch FROM sum(resolved_at - started_at)
        FILTER (WHERE resolution IN ('recovered', 'person'))))::bigint AS open_ms
FROM incidents
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND opened_at >= $3 AND opened_at < $4
GROUP BY monitor_id
"""


class IncidentCount(Struct, frozen=True):
    """Incidents of a monitor; `open_ms` is how long those that were repaired lasted, together."""

    opened: int
    repaired: int
    open_ms: int


async def incidents_opened(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], start: datetime, end: datetime
) -> dict[UUID, IncidentCount]:
    """The incidents opened in [start, end), of each monitor that had any."""
    rows = await conn.fetch(INCIDENTS_OPENED, tenant_id, list(monitor_ids), start, end)
    return {row["monitor_id"]: IncidentCount(row["opened"], row["repaired"], row["open_ms"] or 0) for row in rows}
