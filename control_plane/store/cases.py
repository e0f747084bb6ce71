"""Reading the cases to be judged: state rows locked first, all at once, in ascending id; the rest in later statements.

Without that order and the second read, two regions' deciding votes that commit together would each see the other's old
vote, and the outage would be lost for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.incident import FLAPPING_WITHIN_MS, RegionVote
from control_plane.domain.judging.verdict import Policy, Tally
from control_plane.domain.judging.votes import Vote
from control_plane.store.pool import Connection


class LockedState(Struct, frozen=True, kw_only=True):
    """A row of monitor_states, locked."""

    tenant_id: UUID
    monitor_id: UUID
    verdict: Any
    reason: str
    since: datetime
    judged_at: datetime
    tally: Tally
    hushed: bool
    well_since: datetime | None
    held_since: datetime | None
    held_by: str | None
    hold_ended_at: datetime | None
    waits_until: datetime | None
    backed_off_at: datetime | None


class JudgedMonitor(Struct, frozen=True, kw_only=True):
    """What judging and telling need of a monitor's configuration."""

    tenant_id: UUID
    id: UUID
    number: int
    name: str
    kind: str
    tags: tuple[str, ...]
    group: str | None
    policy: Policy
    confirmations: int
    severity: Any
    alert_on: Any
    notify_recovery: bool
    interval_s: int
    timeout_ms: int
    backoff_when_down: bool
    enabled: bool
    recent_openings: int
    """Automatic incidents of it that opened within the last hour: what flapping is told by."""


class IncidentRow(Struct, frozen=True, kw_only=True):
    """The open automatic incident of a monitor."""

    id: UUID
    tenant_id: UUID
    monitor_id: UUID
    number: int
    type: Any
    severity: str
    state: str
    cause: str
    started_at: datetime
    regions_down: tuple[str, ...]
    regions_up: tuple[str, ...]
    held_open: bool


LANE_LOCK_STATES = """
SELECT tenant_id, monitor_id, verdict, reason, since, judged_at,
       assigned, fresh_up, fresh_down, fresh_degraded, last_down, hushed,
       well_since, held_since, held_by, hold_ended_at, waits_until, backed_off_at
FROM monitor_states WHERE monitor_id = ANY($1::uuid[])
ORDER BY monitor_id
FOR UPDATE
"""


async def lock_states(conn: Connection, monitor_ids: Sequence[UUID]) -> list[LockedState]:
    """Lock these monitors' state rows in ascending id and return them. Deleted monitors are simply absent."""
    rows = await conn.fetch(LANE_LOCK_STATES, monitor_ids)
    return [
        LockedState(
            tenant_id=row["tenant_id"],
            monitor_id=row["monitor_id"],
            verdict=row["verdict"],
            reason=row["reason"],
            since=row["since"],
            judged_at=row["judged_at"],
            tally=Tally(row["assigned"], row["fresh_up"], row["fresh_down"], row["fresh_degraded"], row["last_down"]),
            hushed=row["hushed"],
            well_since=row["well_since"],
            held_since=row["held_since"],
            held_by=row["held_by"],
            hold_ended_at=row["hold_ended_at"],
            waits_until=row["waits_until"],
            backed_off_at=row["backed_off_at"],
        )
        for row in rows
    ]


MONITORS_TO_JUDGE = """
SELECT m.tenant_id, m.id, m.number, m.name, m.kind, m.tags, m."group", m.region_policy, m.region_policy_count,
       m.confirmations, m.severity, m.alert_on, m.notify_recovery, m.interval_s, m.backoff_when_down,
       m.enabled,
       coalesce((m."check" ->> 'timeout')::int, 0) AS timeout_ms,
       (SELECT count(*) FROM incidents i
        WHERE i.tenant_id = m.tenant_id AND i.monitor_id = m.id AND i.origin = 'monitor'
          AND i.opened_at > to_timestamp($3 / 1000.0) - $4::int * interval '1 ms') AS recent_openings
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, id)
JOIN monitors m ON m.tenant_id = wanted.tenant_id AND m.id = wanted.id
"""


async def monitors_to_judge(
    conn: Connection, states: Sequence[LockedState], *, now_ms: int
) -> dict[UUID, JudgedMonitor]:
    """The configuration of the locked monitors, by id."""
    pairs = [s.tenant_id for s in states], [s.monitor_id for s in states]
    rows = await conn.fetch(MONITORS_TO_JUDGE, *pairs, now_ms, FLAPPING_WITHIN_MS)
    return {
        row["id"]: JudgedMonitor(
            tenant_id=row["tenant_id"],
            id=row["id"],
            number=row["number"],
            name=row["name"],
            kind=row["kind"],
            tags=tuple(row["tags"]),
            group=row["group"],
            policy=Policy(row["region_policy"], row["region_policy_count"]),
            confirmations=row["confirmations"],
            severity=row["severity"],
            alert_on=row["alert_on"],
            notify_recovery=row["notify_recovery"],
            interval_s=row["interval_s"],
            timeout_ms=row["timeout_ms"],
            backoff_when_down=row["backoff_when_down"],
            enabled=row["enabled"],
            recent_openings=row["recent_openings"],
        )
        for row in rows
    }


LANE_VOTES_TO_JUDGE = """
SELECT a.monitor_id, a.region_id, r.slug, a.check_version, a.window_ms,
       v.newest_slot, v.vote, v.renewed, v.degraded, v.bad_run, v.good_run, v.degraded_run, v.earned, v.first_bad_slot,
       v.vote_since, v.reason, v.message, v.evidence
FROM assignments a
JOIN regions r ON r.id = a.region_id
LEFT JOIN votes v ON v.monitor_id = a.monitor_id AND v.region_id = a.region_id AND v.check_version = a.check_version
WHERE a.monitor_id = ANY($1::uuid[]) AND a.removed_at IS NULL
ORDER BY a.monitor_id, r.slug
"""


async def votes_to_judge(conn: Connection, monitor_ids: Sequence[UUID]) -> dict[UUID, list[RegionVote]]:
    """Each monitor's assigned regions with their votes; an empty vote where a region has not spoken in this version."""
    votes: dict[UUID, list[RegionVote]] = {}
    for row in await conn.fetch(LANE_VOTES_TO_JUDGE, monitor_ids):
        votes.setdefault(row["monitor_id"], []).append(RegionVote(row["slug"], _vote(row)))
    return votes


def _vote(row: Any) -> Vote:
    if row["newest_slot"] is None:
        return Vote(region_id=row["region_id"], check_version=row["check_version"], window_ms=row["window_ms"])
    return Vote(
        region_id=row["region_id"],
        check_version=row["check_version"],
        window_ms=row["window_ms"],
        newest_slot=row["newest_slot"],
        vote=row["vote"],
        renewed=row["renewed"],
        degraded=row["degraded"],
        bad_run=row["bad_run"],
        good_run=row["good_run"],
        degraded_run=row["degraded_run"],
        earned=row["earned"],
        first_bad_slot=row["first_bad_slot"],
        vote_since=row["vote_since"],
        reason=row["reason"],
        message=row["message"],
        evidence=row["evidence"],
    )


OPEN_INCIDENTS = """
SELECT i.id, i.tenant_id, i.monitor_id, i.number, i.type, i.severity, i.state, i.cause, i.started_at,
       i.regions_down, i.regions_up, i.held_open
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, id)
JOIN incidents i ON i.tenant_id = wanted.tenant_id AND i.monitor_id = wanted.id
WHERE i.origin = 'monitor' AND i.state <> 'resolved'
"""


async def open_incidents(conn: Connection, states: Sequence[LockedState]) -> dict[UUID, IncidentRow]:
    """The open automatic incident of each locked monitor that has one."""
    rows = await conn.fetch(OPEN_INCIDENTS, [s.tenant_id for s in states], [s.monitor_id for s in states])
    return {
        row["monitor_id"]: IncidentRow(
            **{**dict(row), "regions_down": tuple(row["regions_down"]), "regions_up": tuple(row["regions_up"])}
        )
        for row in rows
    }


LANE_PENDING_RECHECKS = """
SELECT DISTINCT d.monitor_id FROM dispatches d
WHERE d.monitor_id = ANY($1::uuid[]) AND d.claimed_at IS NULL AND d.kind = 'recheck'
  AND d.expires_at > clock_timestamp()
  AND NOT EXISTS (SELECT FROM votes v WHERE v.monitor_id = d.monitor_id AND v.region_id = d.region_id
                                        AND v.check_version = d.check_version AND v.newest_slot >= d.slot)
  AND EXISTS (SELECT FROM agents p WHERE p.region_id = d.region_id AND p.enabled AND p.healthy
                                     AND p.lease_until > clock_timestamp())
"""


async def pending_rechecks(conn: Connection, monitor_ids: Sequence[UUID]) -> set[UUID]:
    """The monitors with re-checks that nobody has claimed yet and somebody may: a silent region's hold nothing up, nor
    do those that a newer slot has overtaken.
    """
    return {row["monitor_id"] for row in await conn.fetch(LANE_PENDING_RECHECKS, monitor_ids)}


LANE_STALE_CASES = """
WITH vote AS (
    SELECT a.monitor_id, v.vote, v.degraded, v.renewed AND v.newest_slot + a.window_ms > $1 AS fresh
    FROM assignments a
    LEFT JOIN votes v
        ON v.monitor_id = a.monitor_id AND v.region_id = a.region_id AND v.check_version = a.check_version
    WHERE a.removed_at IS NULL
), now AS (
    SELECT monitor_id, count(*) AS assigned,
           count(*) FILTER (WHERE fresh AND vote = 'up') AS fresh_up,
           count(*) FILTER (WHERE fresh AND vote = 'down') AS fresh_down,
           count(*) FILTER (WHERE fresh AND vote = 'up' AND degraded) AS fresh_degraded,
           count(*) FILTER (WHERE vote = 'down') AS last_down
    FROM vote GROUP BY monitor_id
)
SELECT s.monitor_id
FROM monitor_states s LEFT JOIN now USING (monitor_id)
WHERE NOT s.sole AND (s.assigned, s.fresh_up, s.fresh_down, s.fresh_degraded, s.last_down)
      IS DISTINCT FROM (coalesce(now.assigned, 0), coalesce(now.fresh_up, 0), coalesce(now.fresh_down, 0),
                        coalesce(now.fresh_degraded, 0), coalesce(now.last_down, 0))
ORDER BY s.monitor_id
LIMIT $2
"""


async def stale_cases(conn: Connection, *, now_ms: int, limit: int) -> list[UUID]:
    """The sweep's question: monitors whose counts of votes are no longer those of their last judgement."""
    return [row["monitor_id"] for row in await conn.fetch(LANE_STALE_CASES, now_ms, limit)]


LANE_DUE_CASES = """
SELECT monitor_id FROM monitor_states WHERE due_at <= to_timestamp($1 / 1000.0) ORDER BY due_at LIMIT $2
"""


async def due_cases(conn: Connection, *, now_ms: int, limit: int) -> list[UUID]:
    """Monitors that time alone calls to be judged."""
    return [row["monitor_id"] for row in await conn.fetch(LANE_DUE_CASES, now_ms, limit)]


# The number is arbitrary and only used here.
LANE_TRY_SWEEP = "SELECT pg_try_advisory_xact_lock(7346112202)"


async def try_sweep(conn: Connection) -> bool:
    """Whether this transaction is the one that sweeps now."""
    mine: bool = await conn.fetchval(LANE_TRY_SWEEP)
    return mine


DATABASE_CLOCK = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


async def database_clock_ms(conn: Connection) -> int:
    """The clock that judgements are dated by, in Unix ms."""
    now_ms: int = await conn.fetchval(DATABASE_CLOCK)
    return now_ms
