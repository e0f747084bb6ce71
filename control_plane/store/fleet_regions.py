"""What the watch reads of whole regions, and what it remembers of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from control_plane.domain.fleet.fleet_regions import Expired, Group, Noted, RegionState
from control_plane.domain.judging.verdict import Policy
from control_plane.store.pool import Connection
from shared.ids import RegionSlug

# An agent that is leased and unwell was lost when its health turned; any other when its lease ended.
FLEET_REGION_STATES = """
SELECT r.id, r.slug, r.name, r.tenant_id AS private_to, r.enabled,
       count(a.id) FILTER (WHERE a.enabled AND a.last_seen_at IS NOT NULL) AS agents,
       count(a.id) FILTER (WHERE a.enabled AND a.healthy AND a.lease_until > clock_timestamp()) AS live,
       max(CASE WHEN a.lease_until > clock_timestamp() THEN a.health_since ELSE coalesce(a.lease_until, a.last_seen_at)
           END) FILTER (WHERE a.enabled) AS lost_at
FROM regions r LEFT JOIN agents a ON a.region_id = r.id
GROUP BY r.id ORDER BY r.id
"""


async def region_states(conn: Connection) -> list[RegionState]:
    """Every region, disabled ones as well."""
    return [RegionState(**row) for row in await conn.fetch(FLEET_REGION_STATES)]


# Grouped here, because there are few sets of regions and many monitors; what a group proves is the domain's to say.
# Votes are only looked for where the verdict is unknown. One without a vote that has run out is new, not lost.
FLEET_GROUPS = """
SELECT m.regions, m.region_policy, m.region_policy_count, count(*) AS monitors,
       count(*) FILTER (WHERE CASE WHEN s.verdict = 'unknown' THEN EXISTS (
           SELECT FROM votes v
           WHERE v.monitor_id = m.id AND v.tenant_id = m.tenant_id AND v.check_version = m.check_version
               AND v.vote IS NOT NULL AND v.newest_slot + v.window_ms <= $1) ELSE false END) AS unheard
FROM monitors m
JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
JOIN tenants t ON t.id = m.tenant_id AND t.suspended_at IS NULL
WHERE m.enabled AND m.blocked_by IS NULL AND m.regions <> '{}'
GROUP BY m.regions, m.region_policy, m.region_policy_count
"""


async def groups(conn: Connection, *, now_ms: int) -> list[Group]:
    """All monitors that are to be watched from regions, counted by what they ask for."""
    return [
        Group(
            regions=tuple(row["regions"]),
            policy=Policy(row["region_policy"], row["region_policy_count"]),
            monitors=row["monitors"],
            unheard=row["unheard"],
        )
        for row in await conn.fetch(FLEET_GROUPS, now_ms)
    ]


# Of the votes of live regions the few that have expired, and only then what they belong to. A vote from before its
# region was live again has a whole window from then on. $3: what has to have passed since the expiry, in ms.
FLEET_EXPIRED = """
SELECT late.region_id, count(*) AS monitors, count(*) FILTER (WHERE s.verdict = 'unknown') AS unknown
FROM unnest($1::integer[], $2::bigint[]) AS live (region_id, since_ms)
JOIN (SELECT region_id, monitor_id, tenant_id, check_version, window_ms FROM votes
      WHERE newest_slot + window_ms <= $4::bigint - $3::bigint AND newest_slot > 0) AS late
    ON late.region_id = live.region_id AND live.since_ms + late.window_ms <= $4::bigint - $3::bigint
JOIN assignments a ON a.region_id = late.region_id AND a.monitor_id = late.monitor_id
    AND a.check_version = late.check_version AND a.removed_at IS NULL
JOIN monitor_states s ON s.tenant_id = late.tenant_id AND s.monitor_id = late.monitor_id
JOIN tenants t ON t.id = late.tenant_id AND t.suspended_at IS NULL
GROUP BY late.region_id
"""


async def expired(
    conn: Connection, *, live_since_ms: Mapping[int, int], overdue_ms: int, now_ms: int
) -> dict[int, Expired]:
    """By region, the monitors whose votes ran out `overdue_ms` ago or more while it was live (since when, Unix ms)."""
    rows = await conn.fetch(FLEET_EXPIRED, list(live_since_ms), list(live_since_ms.values()), overdue_ms, now_ms)
    return {row["region_id"]: Expired(**row) for row in rows}


FLEET_NOTED = "SELECT value FROM installation WHERE name = 'fleet_regions'"


async def noted(conn: Connection) -> dict[int, Noted]:
    """What was remembered of the regions, by id."""
    value: dict[str, Any] = await conn.fetchval(FLEET_NOTED) or {}
    return {int(key): Noted(one["live"], datetime.fromisoformat(one["since"])) for key, one in value.items()}


FLEET_NOTE = """
INSERT INTO installation (name, value) VALUES ('fleet_regions', $1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


async def remember(conn: Connection, regions: Mapping[int, Noted]) -> None:
    """Remember this of the regions, and nothing of others."""
    value = {str(key): {"live": one.live, "since": one.since.isoformat()} for key, one in regions.items()}
    await conn.execute(FLEET_NOTE, value)


class RegionOfFleet(Struct, frozen=True, kw_only=True):
    """A region as whoever watches the fleet sees it.

    `state`: disabled, never_seen, silent, ok. `silent_since` is null unless silent. `assignments` are those of running
    monitors, `without_vote` those of them without a fresh vote, `share_without_vote` their share (null without any).
    `saturation` and `lag_ms` (milliseconds) are the worst of its live agents. `alerts`: kinds of its open incidents.
    """

    region: RegionSlug
    name: str
    private: bool
    state: str
    agents: int
    live: int
    silent_since: datetime | None
    assignments: int
    without_vote: int
    share_without_vote: float | None
    saturation: float | None
    lag_ms: float | None
    alerts: list[str]


_HEALTH_OF_ONE = """
FROM regions r
LEFT JOIN LATERAL (SELECT value->(r.id::text) AS value FROM installation WHERE name = 'fleet_regions') n ON true
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.enabled) AS agents,
           count(*) FILTER (WHERE a.enabled AND a.last_seen_at IS NOT NULL) AS seen,
           count(*) FILTER (WHERE a.enabled AND a.healthy AND a.lease_until > now()) AS live,
           max(a.saturation) FILTER (WHERE a.enabled AND a.lease_until > now()) AS saturation,
           max(a.lag_ms) FILTER (WHERE a.enabled AND a.lease_until > now()) AS lag_ms
    FROM agents a WHERE a.region_id = r.id
) h
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT i.kind ORDER BY i.kind), '{}') AS alerts FROM operator_incidents i
    WHERE i.region_id = r.id AND i.state <> 'resolved'
) troubles
"""
FLEET_REGION_HEALTH = f"""
WITH said AS (
    SELECT a.region_id, count(*) AS assignments,
           count(*) FILTER (WHERE v.vote IS NOT NULL AND v.renewed AND v.newest_slot + v.window_ms > $1) AS fresh
    FROM assignments a
    LEFT JOIN votes v ON v.monitor_id = a.monitor_id AND v.region_id = a.region_id AND v.check_version = a.check_version
    WHERE a.removed_at IS NULL GROUP BY a.region_id
)
SELECT r.slug AS region, r.name, r.tenant_id IS NOT NULL AS private,
       CASE WHEN NOT r.enabled THEN 'disabled' WHEN h.live > 0 THEN 'ok'
            WHEN h.seen = 0 AND n.value IS NULL THEN 'never_seen' ELSE 'silent' END AS state,
       h.agents, h.live,
       CASE WHEN h.live = 0 AND NOT (n.value->>'live')::boolean THEN (n.value->>'since')::timestamptz
           END AS silent_since,
       coalesce(said.assignments, 0) AS assignments, coalesce(said.assignments - said.fresh, 0) AS without_vote,
       (said.assignments - said.fresh)::float8 / said.assignments AS share_without_vote,
       h.saturation, h.lag_ms, troubles.alerts
{_HEALTH_OF_ONE}
LEFT JOIN said ON said.region_id = r.id
ORDER BY r.slug LIMIT $2 OFFSET $3
"""
FLEET_COUNT_REGIONS = "SELECT count(*) FROM regions"


async def health(conn: Connection, *, now_ms: int, limit: int, offset: int) -> tuple[list[RegionOfFleet], int]:
    """A page of the regions and how many there are."""
    rows = await conn.fetch(FLEET_REGION_HEALTH, now_ms, limit, offset)
    return [RegionOfFleet(**row) for row in rows], await conn.fetchval(FLEET_COUNT_REGIONS)


class Open(Struct, frozen=True):
    """An incident that is open, as everybody may hear of it."""

    reason: str
    opened_at: datetime


FLEET_NOTICE = "SELECT reason, opened_at FROM operator_incidents WHERE kind = $1 AND state <> 'resolved' LIMIT 1"


async def find_open(conn: Connection, *, kind: str) -> Open | None:
    """An open incident of this kind."""
    row = await conn.fetchrow(FLEET_NOTICE, kind)
    return row and Open(*row)
